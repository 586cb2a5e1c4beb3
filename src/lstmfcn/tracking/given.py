"""Series as people give them to a model: lists, frames, arrays of any kind, as one array of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.normalisation import place_of
from lstmfcn.errors import DataError


def numbers(X: Any, places: Sequence[str] | None) -> NDArray[np.float64]:
    """Return series as numbers: None is NaN, what float64 cannot hold infinite.

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
    return series
