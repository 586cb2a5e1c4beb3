"""Z-normalisation of each channel of each series, in NumPy and in a graph, whatever the unit and offset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.errors import DataError

FLAT = 1e-12
"""A channel is constant whose spread is below this share of its largest value: that much is float64's
rounding, with room for sums. Amplitudes of 1 on an offset of 1e8 are far above."""

ROUNDED = 0.1
"""float32 loses the shape of a channel of which it moves a value by more than this share of the spread."""

LARGEST = float(np.sqrt(np.finfo(np.float32).max))
"""float32 cannot hold the square of a larger value: what a network says of it means nothing."""

# Beyond these the squares of a channel's values leave float64, so it is first multiplied by a power of two,
# which is exact. What is below NOTHING counts as zero: TensorFlow's kernels flush still smaller numbers.
HUGE, TINY, NOTHING, SCALE = 1e100, 1e-100, 1e-290, 2.0**600


def z_scores(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift and scale each channel of each series to mean 0 and spread 1, a constant one to zeros.

    Parameters
    ----------
    X
        Shape (..., length). NaN stays, and counts for nothing.

    Returns
    -------
    float64, of the shape of `X`
    """
    present = ~np.isnan(X)
    whole = present.all(axis=-1)
    if whole.all():
        return _z_scores(X)
    scores = np.full_like(X, np.nan)
    scores[whole] = _z_scores(X[whole])
    for place in zip(*np.nonzero(~whole & present.any(axis=-1)), strict=True):
        scores[place][present[place]] = _z_scores(X[place][present[place]])
    return scores


def _z_scores(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = np.abs(raw).max(axis=-1, keepdims=True)
    wide = raw * np.where(largest > HUGE, 1 / SCALE, np.where(largest < TINY, SCALE, 1.0))
    centred = wide - wide.mean(axis=-1, keepdims=True)
    centred -= centred.mean(axis=-1, keepdims=True)  # on a large offset the first mean is rounded
    spread = centred.std(axis=-1, keepdims=True)
    varies = (spread > FLAT * np.abs(wide).max(axis=-1, keepdims=True)) & (largest > NOTHING)
    scores: NDArray[np.float64] = np.divide(centred, spread, out=np.zeros_like(centred), where=varies)
    return scores


def z_scores_in_graph(raw: Any, present: Any = None) -> Any:
    """Return the same in a TensorFlow graph, float64 (batch, n_channels, length).

    Parameters
    ----------
    raw
        A tensor of series, float64.
    present
        Which values count, bool, of a shape that broadcasts to theirs; the others become 0. None: all.
    """
    import tensorflow as tf

    mean: Callable[[Any], Any]
    if present is None:

        def mean(values: Any) -> Any:
            return tf.reduce_mean(values, axis=-1, keepdims=True)

    else:
        present = tf.logical_and(present, tf.ones_like(raw, tf.bool))
        raw = tf.where(present, raw, tf.zeros_like(raw))
        count = tf.reduce_sum(tf.cast(present, tf.float64), axis=-1, keepdims=True)

        def mean(values: Any) -> Any:
            return tf.reduce_sum(tf.where(present, values, tf.zeros_like(values)), -1, True) / tf.maximum(
                count, tf.ones_like(count)
            )

    largest = tf.reduce_max(tf.abs(raw), axis=-1, keepdims=True)
    one = tf.ones_like(largest)
    wide = raw * tf.where(largest > HUGE, one / SCALE, tf.where(largest < TINY, one * SCALE, one))
    centred = wide - mean(wide)
    centred -= mean(centred)
    if present is None:
        spread = tf.math.reduce_std(centred, axis=-1, keepdims=True)
    else:
        spread = tf.sqrt(mean(tf.square(centred)))
    varies = (spread > FLAT * tf.reduce_max(tf.abs(wide), axis=-1, keepdims=True)) & (largest > NOTHING)
    if present is not None:
        varies = varies & present
    scaled = centred / tf.where(varies, spread, tf.ones_like(spread))
    return tf.where(varies, scaled, tf.zeros_like(scaled))


def check_single(X: NDArray[np.floating], places: Sequence[str] | None, flat_share: float = 0.0) -> None:
    """Refuse series of which float32 cannot hold a value's square, or whose shape it loses.

    A share of `flat_share` of them may lose their shape: a few that hardly vary are as good as constant.

    Raises
    ------
    DataError
        Naming the first of them, by `places` or counted from 0.
    """
    missing = np.isnan(X)
    if missing.any():
        sums = np.where(missing, 0, X).sum(axis=-1, keepdims=True)
        X = np.where(missing, sums / np.maximum((~missing).sum(axis=-1, keepdims=True), 1), X)
    with np.errstate(over="ignore"):
        single = X.astype(np.float32)
    beyond = (~(np.abs(single) <= LARGEST)).any(axis=-1)
    with np.errstate(over="ignore", invalid="ignore"):
        lost = np.abs(single - X).max(axis=-1)
        spread = X.std(axis=-1, dtype=np.float64)
    varies = spread > FLAT * np.abs(X).max(axis=-1)
    shapeless = ~beyond & varies & (lost > ROUNDED * spread)
    for at_fault, tolerated, what in (
        (beyond, 0.0, f"a value beyond {LARGEST:.2g}, whose square float32 cannot hold"),
        (shapeless, flat_share, "values that float32, whose steps are too large for them, cannot tell apart"),
    ):
        found = np.flatnonzero(np.any(at_fault, axis=1))
        if len(found) > tolerated * len(X):
            raise DataError(
                f"{place_of(found[0], places)}: {what} ({len(found)} such series in all). Set "
                "prepare.normalise to per_series, or shift and scale the series."
            )


def place_of(index: int, places: Sequence[str] | None) -> str:
    """Return what to call a series in an error."""
    return places[index] if places else f"Series {index} (counted from 0)"
