"""Predictions as the files in which the field exchanges results: tsml's, which tsml-eval writes and reads.

The first line says whose predictions they are, of which dataset and resample; the second holds parameters;
the third accuracy, times, memory and the number of classes; then comes a line a series: true class, predicted
class, nothing, and the probability of each class. Classes are counted from 0 in the order of their labels as
text, as tsml-eval encodes them; the first line ends with which is which.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from lstmfcn.runs.predictions import Predictions

UNKNOWN = -1
"""What stands for a time or a size that nobody has measured."""


def results_file(
    predictions: Predictions,
    *,
    dataset: str,
    classifier: str,
    resample: int,
    comment: str,
    parameters: Mapping[str, Any],
    seconds: float | None,
    estimate: str,
) -> str:
    """Return the text of a file of results.

    Parameters
    ----------
    predictions
        Of the resample's test series, in their order, each with its label.
    dataset, classifier, resample
        What they are of.
    comment
        Stands in the first line, before the encoding of the labels.
    parameters
        JSON-able.
    seconds
        How long fitting took; None where that is not known.
    estimate
        How the training series were predicted, "3F-CV".
    """
    order = np.argsort(np.array(predictions.classes, np.str_), kind="stable")
    place = np.argsort(order)  # of each of our classes among theirs
    true, predicted = place[predictions.y], place[predictions.predicted_y]
    p = predictions.probabilities[:, order].astype(np.float64)
    p /= p.sum(axis=1, keepdims=True)
    encoding = {predictions.classes[k]: index for index, k in enumerate(order.tolist())}
    accuracy = int((true == predicted).sum()) / len(true)
    fit = UNKNOWN if seconds is None else round(1000 * seconds)
    third = (accuracy, fit, UNKNOWN, UNKNOWN, UNKNOWN, len(encoding), estimate, UNKNOWN, fit)
    lines = [
        f"{dataset},{classifier},TEST,{resample},MILLISECONDS,{comment}. Encoder dictionary: {encoding}",
        json.dumps(dict(parameters)),
        ",".join(map(str, third)),
    ]
    for k, said, row in zip(true.tolist(), predicted.tolist(), p.tolist(), strict=True):
        lines.append(f"{k},{said},,{','.join(map(repr, row))}")
    return "".join(f"{line}\n" for line in lines)
