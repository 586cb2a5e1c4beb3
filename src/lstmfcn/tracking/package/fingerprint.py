"""What tells one package of a run from another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lstmfcn.files import hash_file, hash_of
from lstmfcn.runs.code import code_hash

EXPORT = "lstmfcn.tracking.package.export"


def fingerprint(
    weights: Path,
    *,
    preprocessing: Any,
    classes: Sequence[str],
    counts: Sequence[int],
    temperature: float | None = None,
    reference: Path | None = None,
) -> str:
    """Return a SHA-256, in hex, of all that decides what a package answers and says of its training.

    It is taken before the package is made: TensorFlow and MLflow write other bytes each time, so the
    checksum of its files tells whether they are those that were registered, not whether others would
    answer differently.

    Parameters
    ----------
    weights
        The file of the network's weights.
    preprocessing
        What the package does to raw series, as JSON-able values.
    classes
        The labels, in the order of the outputs.
    counts
        How many training series each class has.
    temperature
        What the probabilities are calibrated by; None where they are not.
    reference
        The file that says what the training split looks like; None where there is none.
    """
    return hash_of(
        code_hash(EXPORT),
        hash_file(weights),
        preprocessing,
        list(classes),
        list(counts),
        temperature,
        None if reference is None else hash_file(reference),
    )
