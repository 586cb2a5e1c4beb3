"""The file formats of series: one module a format, here or in an installed package.

A format is a module with `SUFFIXES`, the endings of its files (its own first, then what else it can
read). A format of text has `records(file, *, length=None)`, which yields one series after the other of a
`TextFile`: it is read compressed by gzip too, with `.gz` behind the suffix, and in bounded memory. Any other
has `read(path, *, length=None)`, which returns `LabelledSeries`. If it can be written, it also has
`write(path, series)`. A module of this folder is found by itself; one of another package is named by an
entry point of the group `lstmfcn.readers`.

Formats of this package whose layout a person may have to explain take a `Reading`: those of tables have
`table(path, reading)`, which opens a `Table` of rows of text, others `load(path, reading)`.

`OPTIONS` names the parts of a `Layout` that a format knows; another one that somebody names is refused.

Readers are strict, since a wrong series read silently is worse than none: every error names the
file, the row, the column and what to do.
"""

from __future__ import annotations

import functools
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from importlib import import_module
from itertools import zip_longest
from pathlib import Path
from typing import Any

from lstmfcn.data import long, wide
from lstmfcn.data.fields import NO_LABEL, Record, series_of
from lstmfcn.data.layout import Layout, Reading
from lstmfcn.data.readers import columns, ts
from lstmfcn.data.series import LabelledSeries
from lstmfcn.data.textfile import GZIP, TextFile
from lstmfcn.errors import DataError
from lstmfcn.plugins import points

GROUP = "lstmfcn.readers"
"""The entry points by which other packages bring formats of their own."""


def read_series(path: Path, *, length: int | None = None, reading: Reading | None = None) -> LabelledSeries:
    """Read series, and their labels if the file has them.

    Parameters
    ----------
    path
        Its suffix says the format. With `.gz` behind it, it is compressed.
    length
        How many values a series should have. A file of columns may then lack labels: a line of `length`
        columns has none. Without it, and without a title that says otherwise, the first column is the label.
    reading
        How the file is laid out, in place of `length`.

    Returns
    -------
    LabelledSeries
        Values are float64; NaN, ?, NA and an empty field are missing values.

    Raises
    ------
    DataError
        If the file is missing, empty, of no known format or not as its format says; a value is no number, a
        label is missing, or it cannot be told what a column is.
    """
    reading = reading or Reading(length=length)
    with _records(path, reading) as (found, _):
        return found if isinstance(found, LabelledSeries) else series_of(path, found)


def read_batches(
    path: Path, n_values: int, *, length: int | None = None, reading: Reading | None = None
) -> Iterator[tuple[LabelledSeries, float]]:
    """Read series batch by batch: with a format of text, a batch is all that is in memory.

    A table with a row a time step is in memory as a whole.

    Parameters
    ----------
    path, length, reading
        As for `read_series`.
    n_values
        A batch has this many values of all its series, or a few more, each as long as the longest; the last
        has what is left.

    Yields
    ------
    LabelledSeries, float
        The next series, and how much of the file has been read, 0 to 1.

    Raises
    ------
    DataError
        As `read_series`, when the fault is come to.
    """
    with _records(path, reading or Reading(length=length)) as (found, share):
        if isinstance(found, LabelledSeries):
            yield from _pieces(found, n_values)
            return
        batch: list[Record] = []
        some, longest = False, 0
        for record in found:
            size = Record(*record).values.size
            if batch and size > longest and (len(batch) + 1) * size > n_values:
                yield series_of(path, batch), share()
                batch, some, longest = [], True, 0
            batch.append(Record(*record))
            longest = max(longest, size)
            if len(batch) * longest >= n_values:
                yield series_of(path, batch), share()
                batch, some, longest = [], True, 0
        if batch or not some:
            yield series_of(path, batch), 1.0


@contextmanager
def _records(
    path: Path, reading: Reading
) -> Iterator[tuple[Iterable[Record] | LabelledSeries, Callable[[], float]]]:
    """Open a file; yield its series one by one, or all at once, and what returns the share that was read."""
    reader = _reader_of(path)
    _check_options(path, reader, reading.layout)
    if hasattr(reader, "table"):
        with reader.table(path, reading) as table:
            layout = long if reading.layout.is_long else wide
            yield layout.records(table, reading), table.share
    elif hasattr(reader, "load"):
        yield reader.load(path, reading), lambda: 1.0
    elif hasattr(reader, "records"):
        with TextFile(path, encoding=reading.layout.encoding) as file:
            yield reader.records(file, length=reading.length), lambda: file.share
    else:
        yield reader.read(path, length=reading.length), lambda: 1.0


def _check_options(path: Path, reader: Any, layout: Layout) -> None:
    """Refuse what a person says of a file and its format does not know: it would change nothing."""
    default = ("encoding",) if hasattr(reader, "records") else ()
    known = {*getattr(reader, "OPTIONS", default), "classes"}
    said = [part.name for part in fields(layout) if getattr(layout, part.name) not in (None, (), False)]
    if layout.header is False:
        said.append("header")
    for name in said:
        if name not in known:
            option = {"values": "--value", "header": "--header and --no-header"}.get(name, f"--{name}")
            raise DataError(
                f"{path}: files of the format {suffix_of(path)} have no use for {option}, they say "
                "themselves what they hold. Leave it out, or convert the file to CSV."
            )


def write_series(folder: Path, stem: str, series: LabelledSeries) -> Path:
    """Write labelled series into `folder`; return the path.

    They are written as `.tsv` where that can hold them: one channel, one length, no class that is called NA.
    Otherwise as `.ts`. Reading gives the same values, to the bit: each is written with the fewest digits that
    name it.

    Raises
    ------
    DataError
        If there are no labels.
    """
    odd = series.labels is not None and NO_LABEL & {*series.labels.tolist()}
    writer = ts if series.X.shape[1] > 1 or series.lengths is not None or odd else columns
    path = folder / f"{stem}{writer.SUFFIXES[0]}"
    writer.write(path, series)
    return path


def suffixes() -> tuple[str, ...]:
    """Return the endings of files that can be read: each format's own first, then what else they read."""
    ranks = zip_longest(*dict.fromkeys(tuple(reader.SUFFIXES) for reader in _readers().values()))
    return tuple(suffix for rank in ranks for suffix in rank if suffix is not None)


def code() -> tuple[str, ...]:
    """Return the modules by whose code files are read, for `lstmfcn.runs.code`."""
    return (__name__, *sorted({entry.module for entry in points(GROUP)}))


def _pieces(series: LabelledSeries, n_values: int) -> Iterator[tuple[LabelledSeries, float]]:
    n_series = len(series.X)
    size = max(1, n_values // series.X[0].size)
    for first in range(0, n_series, size):
        part = slice(first, first + size)
        yield series.take(part), min(1.0, part.stop / n_series)


def is_text(path: Path) -> bool:
    """Whether a file is of a format of text."""
    reader = _reader_of(path)
    return reader is columns or hasattr(reader, "records")


def suffix_of(path: Path) -> str:
    """Return what of a file's name says its format: `.tsv` of `a.tsv` and of `a.tsv.gz`."""
    return Path(path.stem).suffix if path.suffix == GZIP else path.suffix


def _reader_of(path: Path) -> Any:
    """Return the module that reads a file.

    Raises
    ------
    DataError
        If the suffix is none that is read, or the file is compressed and its format is not read so.
    """
    suffix = suffix_of(path)
    reader = _readers().get(suffix.lower() if suffix not in _readers() else suffix)
    if reader is None:
        known = ", ".join(suffix for suffix in suffixes() if suffix)
        raise DataError(
            f"{path}: files of the format {suffix} are not read. {known} are, compressed ({GZIP} behind it) "
            "too. Convert the file; text in columns can be renamed to .csv."
        )
    if path.suffix == GZIP and not any(hasattr(reader, name) for name in ("table", "load", "records")):
        raise DataError(f"{path}: files of the format {suffix} are not read compressed. Unpack it first.")
    return reader


@functools.cache
def _readers() -> dict[str, Any]:
    """Return the reader of each suffix.

    Raises
    ------
    DataError
        If a format of another package does not load, or claims a suffix that is taken.
    """
    first = (columns.__name__, ts.__name__)  # of several files of a dataset, those of the archive count
    every = [f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)]
    names = [*first, *(name for name in every if name not in first)]
    formats: list[tuple[str, Any]] = [(name, import_module(name)) for name in names]
    for entry in points(GROUP):
        try:
            formats.append((entry.value, entry.load()))
        except Exception as error:
            raise DataError(
                f"The format {entry.name} ({entry.value}) does not load: {error!r}. Mend or uninstall the "
                f"package that brings it{f', {entry.dist.name}' if entry.dist else ''}."
            ) from error
    readers: dict[str, Any] = {}
    owners: dict[str, str] = {}
    for name, reader in formats:
        for suffix in reader.SUFFIXES:
            if suffix in readers:
                raise DataError(
                    f"{name} and {owners[suffix]} both read {suffix!r} files. Uninstall the package of one."
                )
            readers[suffix], owners[suffix] = reader, name
    return readers
