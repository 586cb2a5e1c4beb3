"""Series as people give them to a model: lists, frames, arrays of any kind, as one array of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.normalisation import place_of
from lstmfcn.errors import DataError


def in_one_array(X: Any) -> Any:
    """Return series of different lengths in one array, NaN after the end of each; anything else as it is."""
    if not (isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.dtype == object)):
        return X
    try:
        each = [np.atleast_2d(np.asarray(series, dtype=object)) for series in X]
    except ValueError:  # a series whose channels differ in length
        return X
    if not each or {series.shape[:-1] for series in each} != {(len(each[0]),)}:
        return X
    array = np.full((len(each), len(each[0]), max(s.shape[1] for s in each)), np.nan, dtype=object)
    for place, series in zip(array, each, strict=True):
        place[:, : series.shape[1]] = series
    return array


def numbers(X: Any, places: Sequence[str] | None) -> NDArray[np.float64]:
    """Return series as numbers: what is masked or None is NaN, what float64 cannot hold infinite.

    Raises
    ------
    DataError
        If they are none.
    """
    try:
        raw = np.asarray(X)
    except ValueError:
        raise DataError("The series differ in length. Pad or resample them first.") from None
    if raw.dtype.kind not in "biufO":
        raise DataError(f"Series of {raw.dtype} are no numbers. Convert them first.")
    try:
        with np.errstate(over="ignore"):
            series = np.asarray(raw, np.float64)
    except (TypeError, ValueError, OverflowError):
        for i, one in enumerate(raw):
            try:
                np.asarray(one, np.float64)
            except (TypeError, ValueError, OverflowError) as error:
                raise DataError(f"{place_of(i, places)}: a value that is no number ({error}).") from None
        raise DataError("The series differ in length. Pad or resample them first.") from None
    if isinstance(X, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(X), np.nan, series)  # type: ignore[no-untyped-call]
    return series
