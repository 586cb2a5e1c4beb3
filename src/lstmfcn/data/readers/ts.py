"""The `.ts` format: a header, then one series a line, channels separated by colons, the label last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lstmfcn.data.fields import Record, label_of, labels_of, numbers
from lstmfcn.data.series import LabelledSeries
from lstmfcn.data.textfile import TextFile
from lstmfcn.errors import DataError
from lstmfcn.files import write_text

SUFFIXES: tuple[str, ...] = (".ts",)


def records(file: TextFile, *, length: int | None = None) -> Iterator[Record]:  # noqa: ARG001
    """Read series one by one; see `lstmfcn.data.readers.read_series`.

    Whatever the `length`, the header says whether there are labels.
    """
    path, lines = file.path, iter(file)
    labelled = _read_header(path, lines)
    shape: tuple[int, int] | None = None
    for row, line in lines:
        if line.lstrip().startswith("#"):
            continue
        *channels, last = line.split(":")
        label = None
        if labelled:
            label = label_of(f"{path}, row {row}, after the last colon", last if channels else "")
        else:
            channels.append(last)
        series = []
        column = 1
        for channel in channels:
            fields = channel.split(",")
            series.append(numbers(path, row, fields, first_column=column))
            column += len(fields)
        lengths = {len(channel) for channel in series}
        shape = shape or (len(series), len(series[0]))
        if len(lengths) != 1 or (len(series), len(series[0])) != shape:
            raise DataError(
                f"{path}, row {row}: {len(series)} channel(s) of {', '.join(map(str, sorted(lengths)))} "
                f"values, where the first series has {shape[0]} of {shape[1]}. Pad or resample first."
            )
        yield row, label, np.array(series)


def write(path: Path, series: LabelledSeries) -> None:
    """Write labelled series of any number of channels."""
    labels = labels_of(series)
    n_channels = series.X.shape[1]
    classes = " ".join(sorted(set(labels)))
    lines = [
        f"@problemName {path.stem}",
        f"@univariate {str(n_channels == 1).lower()}",
        f"@classLabel true {classes}",
        "@data",
    ]
    for label, channels in zip(labels, series.X, strict=True):
        texts = (",".join(map(repr, channel)) for channel in channels.tolist())
        lines.append(":".join([*texts, str(label)]))
    write_text(path, "\n".join(lines) + "\n")


def _read_header(path: Path, lines: Iterator[tuple[int, str]]) -> bool:
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
