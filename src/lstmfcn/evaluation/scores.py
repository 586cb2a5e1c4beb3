"""Scores of predictions: plain functions of arrays. The paper's are those of its section IV-A."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def accuracy(y: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Return the share of series predicted right.

    Parameters
    ----------
    y, predicted
        Class indices, shape (n_series,).

    Raises
    ------
    ValueError
        If the shapes differ or there are no series.
    """
    if y.shape != predicted.shape or y.ndim != 1 or not len(y):
        raise ValueError(
            f"Accuracy needs two equal, non-empty rows of labels, not {y.shape}, {predicted.shape}."
        )
    return float((y == predicted).mean())


def per_class_error(accuracy: float, n_classes: int) -> float:
    """Return the error divided by the number of classes: the paper's PCE_k of dataset k.

    Raises
    ------
    ValueError
        If the accuracy is no share, or there are fewer than two classes.
    """
    if not 0 <= accuracy <= 1 or n_classes < 2:
        raise ValueError(f"No accuracy of a classifier: {accuracy} over {n_classes} classes.")
    return (1 - accuracy) / n_classes


def mean_per_class_error(errors: Sequence[float] | NDArray[Any]) -> float:
    """Return the mean of the datasets' PCE: the paper's MPCE.

    Raises
    ------
    ValueError
        If there are none, or one is NaN.
    """
    values = np.asarray(errors, np.float64)
    if not values.size or np.isnan(values).any():
        raise ValueError("MPCE needs the error of each dataset.")
    return float(values.mean())


def losses(y: NDArray[np.int64], probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the negative log-likelihood of each series' true class, in nats, shape (n_series,).

    Parameters
    ----------
    y
        Class indices, shape (n_series,).
    probabilities
        Shape (n_series, n_classes); clipped to 1e-7, so that one certain error does not count infinitely.

    Raises
    ------
    ValueError
        If the shapes do not fit, or there are no series.
    """
    if probabilities.ndim != 2 or probabilities.shape[0] != len(y) or not len(y):
        raise ValueError(f"{y.shape} labels do not fit {probabilities.shape} probabilities.")
    true = probabilities[np.arange(len(y)), y].astype(np.float64)
    return np.asarray(-np.log(np.clip(true, 1e-7, 1.0)))


def log_loss(y: NDArray[np.int64], probabilities: NDArray[np.float32]) -> float:
    """Return the mean of `losses`."""
    return float(losses(y, probabilities).mean())


def binomial_interval(n_right: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of an accuracy measured on `n` series.

    It says how far the accuracy on another test split of this size may lie from this one by chance.
    """
    from scipy.stats import binomtest

    interval = binomtest(n_right, n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)
