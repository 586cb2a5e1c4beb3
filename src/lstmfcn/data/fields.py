"""What the readers of text files share: numbers and labels, each fault named with its place."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.series import LabelledSeries
from lstmfcn.data.slips import hidden_in, why_no_number
from lstmfcn.errors import DataError

MISSING = {"", "?", "na", "nan", "n/a", "null", "none", "<na>", "#n/a"}
"""How a missing value is spelled, in lower case."""

NO_LABEL = {"", "?", "NA", "na", "NaN", "nan", "NAN", "<NA>", "#N/A"}
"""How a missing label is spelled, unless a class is called so: Na is sodium."""

LONGEST_LABEL = 1000
"""Characters: in an array all labels take as much room as the longest."""

EXACT = 2**53
"""Up to here float64 tells whole numbers apart."""

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_WHOLE = re.compile(rf"({_INTEGER.pattern})\.0*")
_SCIENTIFIC = re.compile(r"[+-]?[0-9]\.[0-9]+[eE][+-]?[0-9]{1,2}")
_FRACTION = re.compile(rf"{_INTEGER.pattern}\.[0-9]+")


class Record(NamedTuple):
    """A series as it stands in a file.

    Attributes
    ----------
    row
        Its line.
    label
        None in a file without labels.
    values
        float64, shape (n_channels, length).
    id, group
        What the file calls the series, and whose it is; empty where it does not say.
    """

    row: int
    label: str | None
    values: NDArray[np.float64]
    id: str = ""
    group: str = ""


def numbers(
    path: Path,
    row: int,
    fields: Sequence[str],
    *,
    first_column: int = 1,
    columns: Sequence[int] | None = None,
) -> list[float]:
    """Read fields as numbers; NaN, ?, NA, null and an empty field are missing values.

    Parameters
    ----------
    path, row
        Where they stand.
    fields
        As the file has them.
    first_column, columns
        The number of the first field's column, or of each field's, counted from 1.

    Raises
    ------
    DataError
        If a field is none, or a whole number that float64 cannot hold; it names the row and the column.
    """
    try:
        if "_" not in "".join(fields):
            found = list(map(float, fields))
            if sum(map(abs, found)) < EXACT:
                return found
    except ValueError:
        pass
    columns = columns or range(first_column, first_column + len(fields))
    return [_number(path, row, *each) for each in zip(columns, fields, strict=True)]


def is_number(field: str) -> bool:
    """Whether a field is one; a missing value is none."""
    try:
        return not math.isnan(_float(field))
    except ValueError:
        return False


def is_missing(field: str) -> bool:
    """Whether a field stands for a missing value."""
    return field.strip().lower() in MISSING


def label_of(place: str, text: str, *, classes: Collection[str] = ()) -> str:
    """Return a label without the blanks around it.

    Parameters
    ----------
    place
        What an error begins with.
    text
        As the file has it.
    classes
        Those that are known: one of them may be called NA.

    Raises
    ------
    DataError
        If it is missing, endless or cannot be written again.
    """
    label = text.strip()
    if label in NO_LABEL and (label not in classes or not label):
        hint = f" If {label} is a class, say so with --classes." if label[:1].isalpha() else ""
        raise DataError(f"{place}: the label is missing.{hint}")
    if len(label) > LONGEST_LABEL:
        raise DataError(f"{place}: a label of {len(label):,} characters, {label[:40]!r}... Shorten it.")
    if not label.isprintable():  # a tab, a null: written again, it would not be read as the same
        what = "a control character"
        if code := hidden_in(label):
            what = f"a character that cannot be seen ({code})"
        elif odd := [c for c in label if c.isspace() and c not in "\t\n\r"]:
            what = f"a hard blank (U+{ord(odd[0]):04X}), which is no plain one"
        raise DataError(f"{place}: the label {label[:40]!r} holds {what}. Take it out, in all rows alike.")
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


def is_one_of(label: str, classes: Collection[str]) -> bool:
    """Whether a label is one of the classes, or equal to one as a number."""
    return label in classes or (_plain(label) is not None and _plain(label) in map(_plain, classes))


def spelled_alike(labels: Sequence[str]) -> list[str]:
    """Return labels so that equal ones are spelled alike: "1" for 1, 1.0 and 1.0000000e+00.

    That is done where all of them are plainly numbers. Otherwise, and with 01, 1e1 or 1.10, a spelling may
    mean something: these stay as they are, apart from 1, 10 and 1.1.
    """
    spelled = {label: _plain(label) for label in set(labels)}
    if None in spelled.values():
        return list(labels)
    return [spelled[label] or label for label in labels]


def spelled_as(labels: Sequence[str], classes: Collection[str]) -> list[str]:
    """Return labels, those that are equal to a class spelled as it is."""
    if any(_plain(name) != name for name in classes):
        return list(labels)
    plain = {label: _plain(label) for label in set(labels)}
    return [
        label if label in classes or plain[label] not in classes else str(plain[label]) for label in labels
    ]


def _plain(label: str) -> str | None:
    """Return a number as short as can be, None for what is not plainly one; never by way of a float."""
    if _SCIENTIFIC.fullmatch(label):
        text = format(Decimal(label), "f")
        text = (text.rstrip("0").rstrip(".") if "." in text else text).lstrip("+")
        return "0" if text == "-0" else text
    if whole := _WHOLE.fullmatch(label):
        label = whole[1]
    if _INTEGER.fullmatch(label):
        return "0" if label == "-0" else label
    return label if _FRACTION.fullmatch(label) else None


def series_of(path: Path, records: Iterable[Record]) -> LabelledSeries:
    """Return what a reader has read as arrays.

    Parameters
    ----------
    path
        The file.
    records
        Its series, all of as many channels; all of them with labels, or none.

    Raises
    ------
    DataError
        If there are no series.
    """
    found = [Record(*record) for record in records]
    if not found:
        raise DataError(f"{path} holds no series. Put one on each line, or fetch the file again.")
    lengths = np.array([record.values.shape[1] for record in found], dtype=np.int64)
    if lengths.min() == lengths.max():
        X = np.stack([record.values for record in found])
    else:
        X = np.full((len(found), len(found[0].values), lengths.max()), np.nan)
        for x, record in zip(X, found, strict=True):
            x[:, : record.values.shape[1]] = record.values
    labels = [record.label for record in found if record.label is not None]
    return LabelledSeries(
        X=X,
        labels=np.array(spelled_alike(labels), dtype=np.str_) if labels else None,
        rows=np.array([record.row for record in found], dtype=np.int64),
        path=path,
        lengths=lengths if lengths.min() < lengths.max() else None,
        ids=_texts(record.id for record in found),
        groups=_texts(record.group for record in found),
    )


def _texts(texts: Iterable[str]) -> NDArray[np.str_] | None:
    array = np.array(list(texts), dtype=np.str_)
    return array if (array != "").any() else None


def _number(path: Path, row: int, column: int, field: str) -> float:
    if field.strip().lower() in MISSING:
        return math.nan
    try:
        value = _float(field)
    except ValueError:
        raise DataError(
            f"{path}, row {row}, column {column}: {field.strip()[:40]!r} stands in a number's "
            f"place.{why_no_number(row, field)}"
        ) from None
    if abs(value) >= EXACT and _INTEGER.fullmatch(text := field.strip()) and int(value) != int(text):
        raise DataError(
            f"{path}, row {row}, column {column}: {text} is a whole number beyond 2**53, which float64 "
            "cannot tell from its neighbours. Shift or scale the values."
        )
    return value


def _float(text: str) -> float:
    """Read a number. Python's own spelling 1_000 is none: in a file it is a slip or a name."""
    if "_" in text:
        raise ValueError(text)
    return float(text)
