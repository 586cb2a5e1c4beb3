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
    labelled, classes = _read_header(path, lines)
    n_channels: int | None = None
    for row, line in lines:
        if line.lstrip().startswith("#"):
            continue
        *channels, last = line.split(":")
        label = None
        if labelled:
            label = label_of(
                f"{path}, row {row}, after the last colon", last if channels else "", classes=classes
            )
        elif last.strip():
            channels.append(last)
        elif channels:
            raise DataError(
                f"{path}, row {row}: the line ends with a colon, but the header says of no labels. Take the "
                "colon away, or add `@classLabel true` and the classes to the header."
            )
        series = []
        column = 1
        for channel in channels:
            fields = channel.split(",")
            if "(" in channel:
                raise DataError(f"{path}, row {row}: series with time stamps are not read. Take them out.")
            series.append(numbers(path, row, fields, first_column=column))
            column += len(fields)
        lengths = {len(channel) for channel in series}
        n_channels = n_channels or len(series)
        if len(lengths) != 1 or len(series) != n_channels:
            raise DataError(
                f"{path}, row {row}: {len(series)} channel(s) of {', '.join(map(str, sorted(lengths)))} "
                f"values, where the first series has {n_channels}. All channels of a series have one length: "
                "pad or resample first."
            )
        yield Record(row, label, np.array(series))


def write(path: Path, series: LabelledSeries) -> None:
    """Write labelled series of any number of channels and any lengths.

    Raises
    ------
    DataError
        If there are no labels, or one holds a colon.
    """
    labels = labels_of(series)
    n_series, n_channels, longest = series.X.shape
    if with_colon := [label for label in labels if ":" in label]:
        raise DataError(
            f"{series.path}: the label {with_colon[0]!r} holds a colon, which parts channels. Rename it."
        )
    classes = " ".join(sorted(set(labels)))
    lengths = [longest] * n_series if series.lengths is None else series.lengths.tolist()
    lines = [
        f"@problemName {path.stem}",
        f"@univariate {str(n_channels == 1).lower()}",
        *(["@equalLength false"] if series.lengths is not None else []),
        f"@classLabel true {classes}",
        "@data",
    ]
    for label, channels, length in zip(labels, series.X, lengths, strict=True):
        texts = (",".join(map(repr, channel[:length])) for channel in channels.tolist())
        lines.append(":".join([*texts, str(label)]))
    write_text(path, "\n".join(lines) + "\n")


def _read_header(path: Path, lines: Iterator[tuple[int, str]]) -> tuple[bool, tuple[str, ...]]:
    """Read up to `@data`; return whether the series have labels, and those that the header names."""
    labelled = False
    classes: tuple[str, ...] = ()
    for row, line in lines:
        words = line.split()
        tag, value = words[0].lower(), words[1].lower() if len(words) > 1 else ""
        if tag == "@data":
            return labelled, classes
        if tag == "@classlabel":
            labelled, classes = value == "true", tuple(words[2:])
        elif tag in ("@classlabels", "@targetlabel"):
            remedy = "Write @classLabel true and the classes"
            if tag == "@targetlabel":
                remedy = f"Its labels are numbers to predict, not classes: if they are classes, w{remedy[1:]}"
            raise DataError(f"{path}, row {row}: {words[0]} is not read. {remedy}.")
        if tag == "@timestamps" and value == "true":
            raise DataError(f"{path}, row {row}: series with time stamps are not read. Take them out.")
        if tag in ("@relation", "@attribute"):
            raise DataError(
                f"{path}, row {row}: text of the .arff format. Rename the file to {path.stem}.arff."
            )
        if not tag.startswith(("@", "#")):
            raise DataError(f"{path}, row {row}: a series before the line @data. Add that line.")
    raise DataError(f"{path} has no line @data: the file is cut short, or is not of the .ts format.")
