"""What the readers of text files share: numbers and labels, each fault named with its place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.series import LabelledSeries
from lstmfcn.errors import DataError

MISSING = {"", "?", "na", "nan"}
"""How a missing value is spelled, in lower case."""

LONGEST_LABEL = 1000
"""Characters: in an array all labels take as much room as the longest."""

Record = tuple[int, str | None, NDArray[np.float64]]
"""A series as it stands in a file: its line, its label if there are labels, and its values, float64 of shape
(n_channels, length)."""


def numbers(path: Path, row: int, fields: Sequence[str], *, first_column: int) -> list[float]:
    """Read fields as numbers; NaN, ? and an empty field are missing values.

    Raises
    ------
    DataError
        If a field is none; it names the row and the column.
    """
    try:
        if "_" not in "".join(fields):
            return list(map(float, fields))
    except ValueError:
        pass
    return [_number(path, row, column, field) for column, field in enumerate(fields, start=first_column)]


def label_of(place: str, text: str) -> str:
    """Return a label in its one spelling.

    Raises
    ------
    DataError
        If it is missing, endless or cannot be written again; it begins with `place`.
    """
    label = canonical_label(text)
    if label.lower() in MISSING:
        raise DataError(f"{place}: the label is missing.")
    if len(label) > LONGEST_LABEL:
        raise DataError(f"{place}: a label of {len(label):,} characters, {label[:40]!r}... Shorten it.")
    if not label.isprintable():  # a tab, a null: written again, it would not be read as the same
        raise DataError(f"{place}: the label {label[:40]!r} holds a control character. Take it out.")
    return label


def labels_of(series: LabelledSeries) -> NDArray[np.str_]:
    """Return the labels of series that must have them.

    Raises
    ------
    DataError
        If there are none.
    """
    if series.labels is None:
        raise DataError(f"{series.path} holds no labels: a dataset needs one for each series.")
    return series.labels


def canonical_label(text: str) -> str:
    """Return a label as the whole project spells it: "1" for 1, 1.0 and 1.0000000e+00."""
    text = text.strip()
    try:
        value = _float(text)
    except ValueError:
        return text
    if not math.isfinite(value):
        return text
    return str(int(value)) if value == int(value) else repr(value)


def series_of(path: Path, records: Iterable[Record]) -> LabelledSeries:
    """Return what a reader has read as arrays.

    Parameters
    ----------
    path
        The file.
    records
        Its series, all of one shape; all of them with labels, or none.

    Raises
    ------
    DataError
        If there are no series.
    """
    rows, labels, values = [], [], []
    for row, label, channels in records:
        rows.append(row)
        labels.append(label)
        values.append(channels)
    if not rows:
        raise DataError(f"{path} holds no series. Put one on each line, or fetch the file again.")
    return LabelledSeries(
        X=np.stack(values),
        labels=None if labels[0] is None else np.array(labels, dtype=np.str_),
        rows=np.array(rows, dtype=np.int64),
        path=path,
    )


def _number(path: Path, row: int, column: int, field: str) -> float:
    if field.strip().lower() in MISSING:
        return math.nan
    try:
        return _float(field)
    except ValueError:
        shown = field.strip()[:40]
        hint = " If the row is a header, delete it." if row == 1 else ""
        raise DataError(
            f"{path}, row {row}, column {column}: {shown!r} stands in a number's place.{hint}"
        ) from None


def _float(text: str) -> float:
    """Read a number. Python's own spelling 1_000 is none: in a file it is a slip or a name."""
    if "_" in text:
        raise ValueError(text)
    return float(text)
