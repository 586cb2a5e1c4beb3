"""What a client is told of its series: labels and probabilities, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

DIGITS = 7
"""Of a probability, as in the files of `lstmfcn predict`."""


def predictions(
    classes: Sequence[str], probabilities: NDArray[np.float32], unlike: NDArray[np.bool_] | None = None
) -> bytes:
    """Return the predictions of some series, at least one, as the items of a list in JSON.

    Parameters
    ----------
    classes
        The labels, in the order of the columns.
    probabilities
        float32, shape (n_series, n_classes).
    unlike
        bool, shape (n_series,): which look unlike the training series; None where nobody can tell.
    """
    keys = [json.dumps(label) for label in classes]
    items = []
    marks = [""] * len(probabilities)
    if unlike is not None:
        marks = [f', "unlike": {json.dumps(mark)}' for mark in unlike.tolist()]
    for best, row, mark in zip(
        probabilities.argmax(axis=1).tolist(), probabilities.tolist(), marks, strict=True
    ):
        each = ", ".join(f"{key}: {p:.{DIGITS}g}" for key, p in zip(keys, row, strict=True))
        items.append(f'{{"label": {keys[best]}, "probabilities": {{{each}}}{mark}}}')
    return ",\n".join(items).encode()


def whole(parts: Iterable[bytes]) -> bytes:
    """Return the answer that holds such parts."""
    return b'{"predictions": [' + b",\n".join(parts) + b"]}\n"
