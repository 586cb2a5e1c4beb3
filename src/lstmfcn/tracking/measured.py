"""How good predictions of labelled series are, gathered while a file is predicted batch by batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lstmfcn.evaluation.measurement import SENSITIVITY, ends_of, measure, no_better_than
from lstmfcn.evaluation.measurement import sensitivity_names as names_of
from lstmfcn.evaluation.metrics import all_metrics
from lstmfcn.evaluation.scores import binomial_interval
from lstmfcn.runs.predictions import Predictions

KEPT = 1_000_000
"""So many probabilities are kept to measure by; of a file with more the accuracy alone is told."""


class Measured:
    """Labels and probabilities of labelled series, as far as they are kept.

    Attributes
    ----------
    n, n_right
        How many series there were, and how many were predicted right. A label that the model does not know
        is predicted wrong.
    """

    def __init__(self) -> None:
        self.n = self.n_right = 0
        self._kept: list[tuple[NDArray[np.int64], NDArray[np.float32]]] | None = []

    @property
    def accuracy(self) -> float:
        """The share of series predicted right."""
        return self.n_right / self.n

    def add(self, predictions: Predictions) -> None:
        """Take in the predictions of a batch, which has labels."""
        y = predictions.y
        self.n += len(y)
        self.n_right += int((y == predictions.predicted_y).sum())
        if self.n * len(predictions.classes) > KEPT:
            self._kept = None
        elif self._kept is not None:
            self._kept.append((y, predictions.probabilities))

    def told(self, classes: Sequence[str], majority_rate: float | None) -> list[str]:
        """Return lines for people: each metric with its 95 % interval, sensitivities, the majority rate.

        All but the accuracy are of the series whose label the model knows.

        Parameters
        ----------
        classes
            The labels, in the order of the probabilities.
        majority_rate
            The share of the largest class of the training split; None where it is not known.
        """
        lines = []
        if self._kept is None:
            lines.append(f"the other metrics are left out: {self.n:,} series are more than are kept for them")
        elif len(y := np.concatenate([y for y, _ in self._kept])) and (y >= 0).any():
            p = np.concatenate([p for _, p in self._kept])[y >= 0]
            lines += _lines(y[y >= 0], p, classes)
        if low := no_better_than(majority_rate, {"on this file": self.accuracy}):
            lines.append(f"The model is {low}.")
        return lines


def _lines(y: NDArray[np.int64], probabilities: NDArray[np.float32], classes: Sequence[str]) -> list[str]:
    found = measure(y, probabilities, classes)
    lines = []
    for name, metric in all_metrics().items():
        if name != "accuracy":
            line = f"{metric.title} {metric.text(found[name])}"
            if metric.interval is not None and not np.isnan(found[name]):
                line += " (95 % interval {} to {})".format(
                    *(metric.text(found[end]) for end in ends_of(name))
                )
            lines.append(line)
    shares = []
    for k, (label, name) in enumerate(zip(classes, names_of(classes), strict=True)):
        if name in found:
            n = int((y == k).sum())
            low, high = binomial_interval(round(found[name] * n), n)
            shares.append(f"{label} {found[name]:.4f} ({low:.4f} to {high:.4f}, {n} series)")
    return [*lines, f"{SENSITIVITY.rstrip('_')} of each class: {', '.join(shares)}"]
