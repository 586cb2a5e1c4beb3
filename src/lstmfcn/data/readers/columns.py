"""One series a line, the label first, separated by tabs (the archive's 2018 edition), commas or blanks."""

from __future__ import annotations

from pathlib import Path

from lstmfcn.data.fields import label_of, labels_of, numbered_lines, numbers, series_of
from lstmfcn.data.series import LabelledSeries
from lstmfcn.errors import DataError
from lstmfcn.files import write_text

SUFFIXES: tuple[str, ...] = (".tsv", ".txt", ".csv", "")


def read(path: Path, *, length: int | None = None) -> LabelledSeries:
    """Read series; see `lstmfcn.data.readers.read_series`.

    With a `length`, a file whose lines have that many columns has no labels.
    """
    numbered = numbered_lines(path)
    if not numbered:
        return series_of(path, None, [], [])
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
            labels.append(label_of(f"{path}, row {row}, column 1", fields[0]))
        rows.append(row)
        values.append([numbers(path, row, fields[labelled:], first_column=1 + labelled)])
    return series_of(path, labels if labelled else None, rows, values)


def write(path: Path, series: LabelledSeries) -> None:
    """Write labelled series of one channel, separated by tabs."""
    labels = labels_of(series)
    lines = []
    for label, (channel,) in zip(labels, series.X, strict=True):
        lines.append("\t".join([str(label), *map(repr, channel.tolist())]))
    write_text(path, "\n".join(lines) + "\n")
