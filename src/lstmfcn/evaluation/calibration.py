"""Temperature scaling: one number that makes a confidence of 0.9 right about nine times in ten.

Fitted on out-of-fold predictions alone, which the networks of the folds gave: that of the whole split has
seen more series, so what fits these need not fit it exactly. The report measures what it gave on the test
split.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LOWEST, HIGHEST = 0.1, 10.0
"""Between them lies every temperature."""

TEMPERATURE = "temperature"
"""What a run calls its temperature."""

DIGITS = 6
"""Behind the point of a temperature, so that a package can say to the bit what it does."""


def fitted_temperature(y: NDArray[np.int64], probabilities: NDArray[np.float32]) -> float:
    """Return the temperature at which probabilities have the lowest log loss (Guo et al., 2017).

    The truth is taken as Platt (1999) takes it: of n series and K classes (n + 1) / (n + K) for the true
    class and 1 / (n + K) for each other, so that predictions that are all right do not become certainties.

    Parameters
    ----------
    y
        Class indices, shape (n_series,), of out-of-fold predictions.
    probabilities
        Shape (n_series, n_classes).
    """
    from scipy.optimize import minimize_scalar

    n, n_classes = probabilities.shape
    logs = np.log(np.clip(probabilities.astype(np.float64), 1e-7, 1))
    truth = np.full((n, n_classes), 1 / (n + n_classes))
    truth[np.arange(n), y] = (n + 1) / (n + n_classes)

    def loss(log_temperature: float) -> float:
        scaled = logs / np.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        normed = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(-(truth * normed).sum() / n)

    found = minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded")
    return round(float(np.exp(found.x)), DIGITS)


def calibrated(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return p ** (1 / T), each row divided by its sum, float32 of the same shape.

    The order of a row stays; two values that differ by a rounding may come out equal. NaN stays NaN.
    """
    powers = probabilities.astype(np.float64) ** (1 / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
