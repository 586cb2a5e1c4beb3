"""What becomes of missing values, which are NaN: in NumPy and in a TensorFlow graph."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Missing = Literal["refuse", "interpolate", "mask"]


def interpolated(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill what is missing: on the line between its neighbours, at either end with the nearest value.

    Parameters
    ----------
    X
        Shape (n_series, n_channels, length). A channel without any value stays as it is.
    """
    length = X.shape[-1]
    steps = np.arange(length)
    present = ~np.isnan(X)
    before = np.maximum.accumulate(np.where(present, steps, -1), axis=-1)
    after = np.minimum.accumulate(np.where(present, steps, length)[..., ::-1], axis=-1)[..., ::-1]
    left = np.minimum(np.where(before < 0, after, before), length - 1)
    right = np.maximum(np.where(after == length, before, after), 0)
    share = np.where(right > left, (steps - left) / np.maximum(right - left, 1), 0.0)
    values = on_the_line(X, left, right, share)
    return np.where(present, X, values)


def on_the_line(
    X: NDArray[np.float64],
    left: NDArray[np.integer],
    right: NDArray[np.integer],
    share: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return values between two steps each: the left one's where `share` is 0, the right one's where it is 1.

    Parameters
    ----------
    X
        Shape (..., length).
    left, right, share
        Of the same number of axes as `X`.
    """
    first = np.take_along_axis(X, left, axis=-1)
    second = np.take_along_axis(X, right, axis=-1)
    # A sum of shares, since a difference of values may leave float64; alone, so that NaN * 0 is not met.
    return np.where(share == 0, first, first * (1 - share) + second * share)


def interpolated_in_graph(series: Any) -> Any:
    """Return the same as `interpolated`; `series` is a tensor, float64 (batch, n_channels, length)."""
    import tensorflow as tf

    length = series.shape[-1]
    steps = tf.range(length)
    present = tf.logical_not(tf.math.is_nan(series))
    before = _highest_so_far(tf.where(present, steps, -1), length)
    # Seen from the end, what comes after is what comes before.
    after = length - 1 - _highest_so_far(tf.where(present[..., ::-1], steps, -1), length)[..., ::-1]
    left = tf.minimum(tf.where(before < 0, after, before), length - 1)
    right = tf.maximum(tf.where(after > length - 1, before, after), 0)
    share = tf.cast(steps - left, tf.float64) / tf.cast(tf.maximum(right - left, 1), tf.float64)
    share = tf.where(right > left, share, tf.zeros_like(share))
    first = tf.gather(series, left, axis=2, batch_dims=2)
    second = tf.gather(series, right, axis=2, batch_dims=2)
    values = tf.where(share > 0, first * (1 - share) + second * share, first)
    return tf.where(present, series, values)


def _highest_so_far(numbers: Any, length: int) -> Any:
    """Return the running maximum along the last axis, of numbers that are -1 at least."""
    import tensorflow as tf

    reach = 1  # each step has seen so many of those before it, and itself
    while reach < length:
        earlier = tf.pad(numbers[..., :-reach], [[0, 0], [0, 0], [reach, 0]], constant_values=-1)
        numbers = tf.maximum(numbers, earlier)
        reach *= 2
    return numbers
