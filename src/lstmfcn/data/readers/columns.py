"""One series a line, the label first, separated by tabs (the archive's 2018 edition), commas or blanks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from lstmfcn.data.fields import Record, label_of, labels_of, numbers
from lstmfcn.data.series import LabelledSeries
from lstmfcn.data.textfile import TextFile
from lstmfcn.errors import DataError
from lstmfcn.files import write_text

SUFFIXES: tuple[str, ...] = (".tsv", ".txt", ".csv", "")


def records(file: TextFile, *, length: int | None = None) -> Iterator[Record]:
    """Read series one by one; see `lstmfcn.data.readers.read_series`.

    With a `length`, a file whose lines have that many columns has no labels.
    """
    path, lines = file.path, iter(file)
    first_row, first = next(lines, (0, ""))
    if not first:
        return
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
    for row, line in chain([(first_row, first)], lines):
        fields = line.split(separator)
        if len(fields) != width:
            raise DataError(
                f"{path}, row {row}: {len(fields)} columns, where row {first_row} has {width}. The file "
                "may be cut short; if its series differ in length, pad or resample them first."
            )
        label = label_of(f"{path}, row {row}, column 1", fields[0]) if labelled else None
        yield row, label, np.array([numbers(path, row, fields[labelled:], first_column=1 + labelled)])


def write(path: Path, series: LabelledSeries) -> None:
    """Write labelled series of one channel, separated by tabs."""
    labels = labels_of(series)
    lines = []
    for label, (channel,) in zip(labels, series.X, strict=True):
        lines.append("\t".join([str(label), *map(repr, channel.tolist())]))
    write_text(path, "\n".join(lines) + "\n")
