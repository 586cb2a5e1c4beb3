"""What becomes of series of unequal lengths, which stand in one array with NaN after the end of each."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.missing import on_the_line
from lstmfcn.errors import DataError

Lengths = Literal["refuse", "resample", "truncate", "pad"]


def ends(X: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return how many steps each series has: up to the last at which any channel has a value.

    Parameters
    ----------
    X
        Shape (n_series, n_channels, width), NaN after the end of a series.

    Returns
    -------
    int64, shape (n_series,)
        0 for a series without any value.
    """
    if not X.shape[-1]:
        return np.zeros(len(X), np.int64)
    present = ~np.isnan(X).all(axis=1)
    return np.where(present.any(axis=1), X.shape[-1] - np.argmax(present[:, ::-1], axis=1), 0)


def length_for(X: NDArray[np.floating], lengths: Lengths, length: int | None) -> int:
    """Return the length that the network is to take.

    Parameters
    ----------
    X
        The raw series of the training split.
    lengths
        The policy.
    length
        What is asked for. None: of the shortest series to truncate, of the longest to resample or to pad.

    Raises
    ------
    DataError
        If series are to be longer than they are, or shorter.
    """
    if lengths == "refuse":
        return int(X.shape[-1])
    own = ends(X)
    shortest, longest = int(own.min()), int(own.max())
    if lengths == "truncate" and length is not None and length > shortest:
        raise DataError(
            f"prepare.length is {length}, but the shortest training series has {shortest} values, and none "
            "can be truncated to more. Lower it, or take it out."
        )
    if lengths == "pad" and length is not None and length < longest:
        raise DataError(
            f"prepare.length is {length}, but the longest training series has {longest} values, and none "
            "can be padded to less. Raise it, or take it out."
        )
    return length or (shortest if lengths == "truncate" else longest)


def resampled(series: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Return a series of another length: values on the lines between its own, its ends kept.

    Parameters
    ----------
    series
        Shape (n_channels, n_steps). A value next to a missing one is missing, unless it falls on a step.

    Returns
    -------
    float64, shape (n_channels, length)
    """
    n_steps = series.shape[-1]
    at = np.arange(length) * (n_steps - 1) / max(length - 1, 1)
    left = np.floor(at).astype(np.int64)
    right = np.minimum(left + 1, n_steps - 1)
    shape = (len(series), length)
    return on_the_line(series, np.broadcast_to(left, shape), np.broadcast_to(right, shape), at - left)


def to_width(X: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return series in an array of another width: NaN is added behind, or what is behind is cut off."""
    missing = max(0, width - X.shape[-1])
    return np.pad(X[..., :width], [(0, 0), (0, 0), (0, missing)], constant_values=np.nan)
