"""Series in whatever people hold them: arrays, lists of arrays, frames of several kinds."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.errors import DataError

NUMBERS = "biuf"
"""Of which kinds, as NumPy calls them, numbers are that NaN can stand beside."""

LENGTHS = ", or set `lengths` to resample, truncate or pad (docs/unequal-lengths.md)"


def to_array(X: Any, *, unequal: bool = False) -> Any:
    """Return series as one array where they are held otherwise; leave anything else as it is.

    Parameters
    ----------
    X
        An array of shape (n_series, n_channels, length) or (n_series, length); a frame of pandas or polars
        with a row a series and a column a step; a list, or an object array, of arrays of shape
        (n_channels, length) or (length,); a frame with a row a series and a column a channel, whose cells
        are series (pandas or polars); a frame of pandas with a column a channel, whose index of two levels
        names series and step. What is masked is NaN.
    unequal
        Whether series may differ in length: NaN stands after the end of each then.

    Returns
    -------
    Shape (n_series, n_channels, length) for nested and indexed frames, that or (n_series, length) for lists;
    else X.

    Raises
    ------
    DataError
        If the series differ in length and may not, or in the number of channels, or the channels of one do.
    """
    if isinstance(X, np.ma.MaskedArray):
        return _unmasked(X)
    pandas = sys.modules.get("pandas")  # whoever has a frame has imported it
    if pandas and isinstance(X, pandas.DataFrame) and X.index.nlevels == 2:
        return _stacked([one.to_numpy().T for _, one in X.groupby(level=0, sort=False)], unequal=unequal)
    shape = getattr(X, "shape", ())
    if isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype == np.object_):
        series = [_array(one, i) for i, one in enumerate(X)]
        if not series or any(one.ndim not in (1, 2) for one in series):
            return X
        return _stacked(series, unequal=unequal)
    if len(shape) == 2 and hasattr(X, "columns"):
        cells = np.asarray(X)
        if cells.dtype == object and cells.size and all(_is_series(cell) for cell in cells.flat):
            rows = [_stacked([np.asarray(cell) for cell in row], "channels") for row in cells]
            return _stacked(rows, unequal=unequal)
    return X


def _is_series(cell: Any) -> bool:
    return hasattr(cell, "__array__") and np.ndim(cell) == 1


def _array(one: Any, i: int) -> NDArray[Any]:
    try:
        return _unmasked(one) if isinstance(one, np.ma.MaskedArray) else np.asarray(one)
    except ValueError:
        raise DataError(
            f"The channels of series {i} (counted from 0) differ in length. Pad or resample them first."
        ) from None


def _unmasked(one: Any) -> NDArray[Any]:
    """Return an array that holds NaN where another is masked."""
    if not np.ma.getmaskarray(one).any():  # type: ignore[no-untyped-call]
        return np.asarray(one)
    number = one.dtype.kind in NUMBERS
    return np.asarray(one.astype(np.result_type(np.float64, one.dtype) if number else object).filled(np.nan))


def _stacked(series: list[NDArray[Any]], what: str = "series", *, unequal: bool = False) -> NDArray[Any]:
    """Return arrays of equal shape as one; if they may, of different lengths, with NaN after their ends."""
    if len({one.ndim for one in series}) > 1:  # some have an axis of channels, some have none
        series = [np.atleast_2d(one) for one in series]
    first = series[0].shape
    for i, one in enumerate(series):
        if one.shape[:-1] != first[:-1] or (one.shape != first and not unequal):
            length = one.shape[:-1] == first[:-1]
            remedy = "Give all of them the same channels."
            if length:
                remedy = f"Make them equally long{LENGTHS if what == 'series' else ' first'}."
            shapes = [" x ".join(map(str, shape)) for shape in (first, one.shape)]
            raise DataError(
                f"The {what} differ in {'length' if length else 'shape'}: the first is {shapes[0]}, number "
                f"{i} (counted from 0) {shapes[1]}. {remedy}"
            )
    lengths = [one.shape[-1] for one in series]
    if min(lengths) == max(lengths):
        return np.stack(series)
    numbers = all(one.dtype.kind in NUMBERS for one in series)
    dtype = np.result_type(np.float64, *series) if numbers else object
    array = np.full((len(series), *first[:-1], max(lengths)), np.nan, dtype)
    for place, one in zip(array, series, strict=True):
        place[..., : one.shape[-1]] = one
    return array
