"""The archive's file formats: `.tsv` (2018), comma-separated text (2015), and `.ts`.

Readers are strict, since a wrong series read silently is worse than none: every error names the
file, the row, the column and what to do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lstmfcn.data.series import LabelledSeries
from lstmfcn.errors import DataError
from lstmfcn.files import write_text

MISSING = {"", "?", "na", "nan"}


def read_series(path: Path, *, length: int | None = None) -> LabelledSeries:
    """Read series, and their labels if the file has them.

    Parameters
    ----------
    path
        `.ts` holds channels separated by colons, the label last, and says in its header whether there
        are labels. Any other file holds one series a line, separated by tabs, commas or blanks, the
        label first.
    length
        How many values a series should have. A file that is not `.ts` may then lack labels: a line of
        `length` columns has none. Without it, the first column is the label.

    Returns
    -------
    LabelledSeries
        Values are float32; NaN, ? and an empty field are missing values.

    Raises
    ------
    DataError
        If the file is missing, empty or no text, a value is no number, rows differ in length, or a
        label is missing.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise DataError(f"{path} is missing.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as text: {error}.") from None
    numbered = [(row, line) for row, line in enumerate(lines, start=1) if line.strip()]
    if path.suffix == ".ts":
        labels, rows, values = _read_ts(path, numbered)
    else:
        labels, rows, values = _read_columns(path, numbered, length)
    if not rows:
        raise DataError(f"{path} holds no series. Put one on each line, or fetch the file again.")
    with np.errstate(over="ignore"):  # a value beyond float32 is infinite: a finding of the checks
        X = np.array(values, dtype=np.float32)
    return LabelledSeries(
        X=X,
        labels=None if labels is None else np.array(labels, dtype=np.str_),
        rows=np.array(rows, dtype=np.int64),
        path=path,
    )


def read_fitting(path: Path, shape: tuple[int, int], whose: str) -> LabelledSeries:
    """Read series for a network that takes one shape only, and no missing or infinite values.

    Parameters
    ----------
    path
        As for `read_series`; labels may be missing.
    shape
        (n_channels, length).
    whose
        What to call the network in errors.

    Raises
    ------
    DataError
        As `read_series`, or if a series does not fit.
    """
    series = read_series(path, length=shape[1])
    got = series.X.shape[1:]
    if got != shape:
        words = "{} channel(s) of {} values".format
        raise DataError(
            f"{path}, row {series.rows[0]}: a series of {words(*got)}; {whose} takes {words(*shape)}. "
            "Resample the series, or train on such series."
        )
    bad = np.flatnonzero(~np.isfinite(series.X).all(axis=(1, 2)))
    if len(bad):
        raise DataError(
            f"{path}, row {series.rows[bad[0]]}: a missing or infinite value "
            f"({len(bad)} such series in all). Fill it in, or take the series out."
        )
    return series


def write_series(folder: Path, stem: str, series: LabelledSeries) -> Path:
    """Write labelled series into `folder`, `.tsv` for one channel and `.ts` for several; return the path.

    Reading gives the same values, to the bit: each is written with as many digits as it takes.

    Raises
    ------
    DataError
        If there are no labels.
    """
    if series.labels is None:
        raise DataError(f"{series.path} holds no labels: a dataset needs one for each series.")
    n_channels = series.X.shape[1]
    lines = []
    if n_channels > 1:
        classes = " ".join(sorted(set(series.labels)))
        lines = [f"@problemName {stem}", "@univariate false", f"@classLabel true {classes}", "@data"]
    for label, channels in zip(series.labels, series.X, strict=True):
        # numpy prints a float32 with the fewest digits that name it
        texts = [[str(value) for value in channel] for channel in channels]
        if n_channels > 1:
            lines.append(":".join([*(",".join(channel) for channel in texts), str(label)]))
        else:
            lines.append("\t".join([str(label), *texts[0]]))
    path = folder / f"{stem}.{'ts' if n_channels > 1 else 'tsv'}"
    write_text(path, "\n".join(lines) + "\n")
    return path


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


def _label(place: str, text: str) -> str:
    label = canonical_label(text)
    if label.lower() in MISSING:
        raise DataError(f"{place}: the label is missing.")
    if not label.isprintable():  # a tab, a null: written again, it would not be read as the same
        raise DataError(f"{place}: the label {label[:40]!r} holds a control character. Take it out.")
    return label


def _read_columns(
    path: Path, numbered: Sequence[tuple[int, str]], length: int | None
) -> tuple[list[str] | None, list[int], list[list[list[float]]]]:
    if not numbered:
        return None, [], []
    first_row, first = numbered[0]
    separator = next((s for s in ("\t", ",") if s in first), None)
    width = len(first.split(separator))
    labelled = length is None or width != length
    if length is not None and width not in (length, length + 1):
        raise DataError(
            f"{path}, row {first_row}: {width} columns, but a series has {length} values (and a label "
            "before them, if there is one)."
        )
    if width < 2:
        raise DataError(
            f"{path}, row {first_row}: one column only. A row is a label and the values of a series, "
            "separated by tabs, commas or blanks."
        )
    labels, rows, values = [], [], []
    for row, line in numbered:
        fields = line.split(separator)
        if len(fields) != width:
            raise DataError(
                f"{path}, row {row}: {len(fields)} columns, where row {first_row} has {width}. The file "
                "may be cut short; if its series differ in length, pad or resample them first."
            )
        if labelled:
            labels.append(_label(f"{path}, row {row}, column 1", fields[0]))
        rows.append(row)
        values.append([_numbers(path, row, fields[labelled:], first_column=1 + labelled)])
    return (labels if labelled else None), rows, values


def _read_ts(
    path: Path, numbered: Sequence[tuple[int, str]]
) -> tuple[list[str] | None, list[int], list[list[list[float]]]]:
    lines = iter(numbered)
    labelled = _read_ts_header(path, lines)
    labels, rows, values = [], [], []
    shape: tuple[int, int] | None = None
    for row, line in lines:
        if line.lstrip().startswith("#"):
            continue
        *channels, last = line.split(":")
        if labelled:
            labels.append(_label(f"{path}, row {row}, after the last colon", last if channels else ""))
        else:
            channels.append(last)
        series = []
        column = 1
        for channel in channels:
            fields = channel.split(",")
            series.append(_numbers(path, row, fields, first_column=column))
            column += len(fields)
        lengths = {len(channel) for channel in series}
        shape = shape or (len(series), len(series[0]))
        if len(lengths) != 1 or (len(series), len(series[0])) != shape:
            raise DataError(
                f"{path}, row {row}: {len(series)} channel(s) of {', '.join(map(str, sorted(lengths)))} "
                f"values, where the first series has {shape[0]} of {shape[1]}. Pad or resample first."
            )
        rows.append(row)
        values.append(series)
    return (labels if labelled else None), rows, values


def _read_ts_header(path: Path, lines: Iterator[tuple[int, str]]) -> bool:
    """Read up to `@data`; return whether the series have labels."""
    labelled = False
    for row, line in lines:
        words = line.strip().lower().split()
        if words[0] == "@data":
            return labelled
        if words[0] == "@classlabel":
            labelled = words[1:2] == ["true"]
        if words[:2] == ["@timestamps", "true"]:
            raise DataError(f"{path}, row {row}: series with time stamps are not read. Take them out.")
        if not words[0].startswith(("@", "#")):
            raise DataError(f"{path}, row {row}: a series before the line @data. Add that line.")
    raise DataError(f"{path} has no line @data: the file is cut short, or is not of the .ts format.")


def _numbers(path: Path, row: int, fields: Sequence[str], *, first_column: int) -> list[float]:
    try:
        return [_float(field) for field in fields]
    except ValueError:
        return [_number(path, row, column, field) for column, field in enumerate(fields, start=first_column)]


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
