"""z-normalisation of each channel of each series, as the archive's datasets come."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLAT = 1e-8
"""A channel is constant whose spread is below this share of its largest value: that much is rounding."""


def z_normalise(X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shift and scale each channel of each series to mean 0 and spread 1.

    Parameters
    ----------
    X
        float32, shape (n_series, n_channels, length).

    Returns
    -------
    float32, the same shape
        A constant channel becomes zeros. Sums are taken in float64.
    """
    wide = X.astype(np.float64)
    centred = wide - wide.mean(axis=-1, keepdims=True)
    spread = centred.std(axis=-1, keepdims=True)
    varies = spread > FLAT * np.abs(wide).max(axis=-1, keepdims=True)
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=varies)
    return np.asarray(scaled, np.float32)
