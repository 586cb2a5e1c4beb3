"""Series in whatever people hold them: arrays, lists of arrays, frames of several kinds."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.errors import DataError


def to_array(X: Any) -> Any:
    """Return series as one array where they are held otherwise; leave anything else as it is.

    Parameters
    ----------
    X
        An array of shape (n_series, n_channels, length) or (n_series, length); a frame of pandas or polars
        with a row a series and a column a step; a list, or an object array, of arrays of shape
        (n_channels, length) or (length,); a frame with a row a series and a column a channel, whose cells
        are series (pandas or polars); a frame of pandas with a column a channel, whose index of two levels
        names series and step.

    Returns
    -------
    Shape (n_series, n_channels, length) for nested and indexed frames, that or (n_series, length) for lists;
    else X.

    Raises
    ------
    DataError
        If the series differ in length, or in the number of channels.
    """
    pandas = sys.modules.get("pandas")  # whoever has a frame has imported it
    if pandas and isinstance(X, pandas.DataFrame) and X.index.nlevels == 2:
        return _stacked([one.to_numpy().T for _, one in X.groupby(level=0, sort=False)])
    shape = getattr(X, "shape", ())
    if isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype == np.object_):
        series = [_array(one, i) for i, one in enumerate(X)]
        return _stacked(series) if series and all(one.ndim in (1, 2) for one in series) else X
    if len(shape) == 2 and hasattr(X, "columns"):
        cells = np.asarray(X)
        if cells.dtype == object and cells.size and all(_is_series(cell) for cell in cells.flat):
            return _stacked([_stacked([np.asarray(cell) for cell in row], "channels") for row in cells])
    return X


def _is_series(cell: Any) -> bool:
    return hasattr(cell, "__array__") and np.ndim(cell) == 1


def _array(one: Any, i: int) -> NDArray[Any]:
    try:
        return np.asarray(one)
    except ValueError:
        raise DataError(
            f"The channels of series {i} (counted from 0) differ in length. Pad or resample them first."
        ) from None


def _stacked(series: list[NDArray[Any]], what: str = "series") -> NDArray[Any]:
    """Return arrays of equal shape as one."""
    if len({one.ndim for one in series}) > 1:  # some have an axis of channels, some have none
        series = [np.atleast_2d(one) for one in series]
    first = series[0].shape
    for i, one in enumerate(series):
        if one.shape != first:
            words = " x ".join
            raise DataError(
                f"The {what} differ in shape: the first is {words(map(str, first))}, number {i} (counted "
                f"from 0) {words(map(str, one.shape))}. Pad or resample them to one length first."
            )
    return np.stack(series)
