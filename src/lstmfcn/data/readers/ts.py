"""The `.ts` format: a header, then one series a line, channels separated by colons, the label last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lstmfcn.data.fields import Record, is_one_of, label_of, labels_of, numbers
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
    header = _read_header(path, lines)
    n_channels: int | None = None
    for row, line in lines:
        if line.lstrip().startswith("#"):
            continue
        *channels, last = line.split(":")
        label = None
        if header.labelled:
            place = f"{path}, row {row}, after the last colon"
            label = label_of(place, last if channels else "", classes=header.classes)
            words = label.split()  # the header parts its names by blanks, and a name may have some
            if header.classes and not all(is_one_of(word, header.classes) for word in words):
                raise DataError(f"{place}: the label {label!r} is none of the header's. Correct one of them.")
        elif channels and not last.strip():
            raise DataError(
                f"{path}, row {row}: the line ends with a colon, but the header says of no labels. Take the "
                "colon away, or add `@classLabel true` and the classes to the header."
            )
        elif channels and "," not in last and all("," in channel for channel in channels):
            raise DataError(
                f"{path}, row {row}: {last.strip()[:40]!r} after the last colon seems to be a label, but "
                "the header says of no labels. Add `@classLabel true` and the classes to the header, or "
                "take it away."
            )
        else:
            channels.append(last)
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
        header.check(path, row, n_channels, lengths.pop())
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


@dataclass
class _Header:
    """What a header says: whether there are labels, which, and the sizes of series where it names them."""

    labelled: bool = False
    classes: tuple[str, ...] = ()
    n_channels: int | None = None
    length: int | None = None
    equal: bool = False

    def check(self, path: Path, row: int, n_channels: int, length: int) -> None:
        """Refuse a series of other sizes: the header is wrong, or the series is damaged."""
        if self.n_channels is not None and n_channels != self.n_channels:
            raise DataError(
                f"{path}, row {row}: {n_channels} channel(s), where the header says {self.n_channels} "
                "(@univariate or @dimensions). Correct one of them."
            )
        if self.length is not None and length != self.length:
            raise DataError(
                f"{path}, row {row}: {length} values, where "
                f"{'the first series has' if self.equal else 'the header says'} {self.length} "
                "(@equalLength or @seriesLength). The series is cut short, or the header is wrong."
            )
        if self.equal:
            self.length = length


def _read_header(path: Path, lines: Iterator[tuple[int, str]]) -> _Header:
    """Read up to `@data`."""
    header = _Header()
    for row, line in lines:
        words = line.split()
        tag, value = words[0].lower(), words[1].lower() if len(words) > 1 else ""
        if tag == "@data":
            return header
        if tag == "@classlabel":
            header.labelled, header.classes = value == "true", tuple(words[2:])
        elif tag == "@equallength":
            header.equal = value == "true"
        elif tag == "@serieslength" and value.isdecimal():
            header.length = int(value)
        elif (tag in ("@dimension", "@dimensions") and value.isdecimal()) or (tag, value) == (
            "@univariate",
            "true",
        ):
            header.n_channels = 1 if value == "true" else int(value)
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
