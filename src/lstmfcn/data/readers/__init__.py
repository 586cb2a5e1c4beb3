"""The file formats of series: one module a format, here or in an installed package.

A format is a module with `SUFFIXES`, the endings of its files (its own first, then what else it can
read). A format of text has `records(file, *, length=None)`, which yields one series after the other of a
`TextFile`: it is read compressed by gzip too, with `.gz` behind the suffix, and in bounded memory. Any other
has `read(path, *, length=None)`, which returns `LabelledSeries`. If it can be written, it also has
`write(path, series)`. A module of this folder is found by itself; one of another package is named by an
entry point of the group `lstmfcn.readers`.

Readers are strict, since a wrong series read silently is worse than none: every error names the
file, the row, the column and what to do.
"""

from __future__ import annotations

import functools
import pkgutil
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from importlib.metadata import entry_points
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from lstmfcn.data.batches import series_at_once
from lstmfcn.data.fields import Record, series_of
from lstmfcn.data.readers import columns, ts
from lstmfcn.data.series import LabelledSeries
from lstmfcn.data.textfile import GZIP, TextFile
from lstmfcn.errors import DataError

GROUP = "lstmfcn.readers"
"""The entry points by which other packages bring formats of their own."""


def read_series(path: Path, *, length: int | None = None) -> LabelledSeries:
    """Read series, and their labels if the file has them.

    Parameters
    ----------
    path
        Its suffix says the format; a file whose suffix none claims is read as columns. With `.gz` behind it,
        it is compressed.
    length
        How many values a series should have. A file of columns may then lack labels: a line of `length`
        columns has none. Without it, the first column is the label.

    Returns
    -------
    LabelledSeries
        Values are float64; NaN, ? and an empty field are missing values.

    Raises
    ------
    DataError
        If the file is missing, empty or no text, a value is no number, rows differ in length, or a
        label is missing.
    """
    reader = _reader_of(path)
    if not hasattr(reader, "records"):
        series: LabelledSeries = reader.read(path, length=length)
        return series
    with TextFile(path) as file:
        return series_of(path, reader.records(file, length=length))


def read_batches(
    path: Path, n_values: int, *, length: int | None = None
) -> Iterator[tuple[LabelledSeries, float]]:
    """Read series batch by batch: with a format of text, a batch is all that is in memory.

    Parameters
    ----------
    path, length
        As for `read_series`.
    n_values
        A batch has this many values of all its series, or a few more; the last has what is left.

    Yields
    ------
    LabelledSeries, float
        The next series, and how much of the file has been read, 0 to 1.

    Raises
    ------
    DataError
        As `read_series`, when the fault is come to.
    """
    reader = _reader_of(path)
    if not hasattr(reader, "records"):
        yield from _pieces(read_series(path, length=length), n_values)
        return
    with TextFile(path) as file:
        batch: list[Record] = []
        some = False
        for record in reader.records(file, length=length):
            batch.append(record)
            if len(batch) * record[2].size >= n_values:
                yield series_of(path, batch), file.share
                batch, some = [], True
        if batch or not some:
            yield series_of(path, batch), 1.0


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
    _check_fit(series, shape, whose)
    return series


def read_fitting_batches(
    path: Path, shape: tuple[int, int], whose: str
) -> Iterator[tuple[LabelledSeries, float]]:
    """Read such series as many at a time as a network takes at once.

    Parameters
    ----------
    path, shape, whose
        As for `read_fitting`.

    Yields
    ------
    LabelledSeries, float
        See `read_batches`.

    Raises
    ------
    DataError
        As `read_fitting`, when the fault is come to.
    """
    n_channels, length = shape
    n_values = series_at_once(*shape) * n_channels * length
    for series, share in read_batches(path, n_values, length=length):
        _check_fit(series, shape, whose)
        yield series, share


def write_series(folder: Path, stem: str, series: LabelledSeries) -> Path:
    """Write labelled series into `folder`, `.tsv` for one channel and `.ts` for several; return the path.

    Reading gives the same values, to the bit: each is written with the fewest digits that name it.

    Raises
    ------
    DataError
        If there are no labels.
    """
    writer = ts if series.X.shape[1] > 1 else columns
    path = folder / f"{stem}{writer.SUFFIXES[0]}"
    writer.write(path, series)
    return path


def suffixes() -> tuple[str, ...]:
    """Return the endings of files that can be read: each format's own first, then what else they read."""
    ranks = zip_longest(*dict.fromkeys(tuple(reader.SUFFIXES) for reader in _readers().values()))
    return tuple(suffix for rank in ranks for suffix in rank if suffix is not None)


def code() -> tuple[str, ...]:
    """Return the modules by whose code files are read, for `lstmfcn.runs.code`."""
    return (__name__, *sorted({entry.module for entry in entry_points(group=GROUP)}))


def _check_fit(series: LabelledSeries, shape: tuple[int, int], whose: str) -> None:
    got = series.X.shape[1:]
    if got != shape:
        words = "{} channel(s) of {} values".format
        raise DataError(
            f"{series.places[0]}: a series of {words(*got)}; {whose} takes {words(*shape)}. "
            "Resample the series, or train on such series."
        )
    bad = np.flatnonzero(~np.isfinite(series.X).all(axis=(1, 2)))
    if len(bad):
        raise DataError(
            f"{series.places[bad[0]]}: a missing or infinite value. Fill it in, or take the series out."
        )


def _pieces(series: LabelledSeries, n_values: int) -> Iterator[tuple[LabelledSeries, float]]:
    n_series = len(series.X)
    size = max(1, n_values // series.X[0].size)
    for first in range(0, n_series, size):
        part = slice(first, first + size)
        labels = None if series.labels is None else series.labels[part]
        piece = replace(series, X=series.X[part], labels=labels, rows=series.rows[part])
        yield piece, min(1.0, part.stop / n_series)


def _reader_of(path: Path) -> Any:
    """Return the module that reads a file.

    Raises
    ------
    DataError
        If the file is compressed and its format is not one of text.
    """
    packed = path.suffix == GZIP
    suffix = Path(path.stem).suffix if packed else path.suffix
    reader = _readers().get(suffix, columns)
    if packed and not hasattr(reader, "records"):
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
    names = [f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)]
    formats: list[tuple[str, Any]] = [(name, import_module(name)) for name in names]
    for entry in entry_points(group=GROUP):
        try:
            formats.append((entry.value, entry.load()))
        except Exception as error:
            raise DataError(
                f"The format {entry.name} ({entry.value}) does not load: {error!r}. Mend or uninstall "
                f"the package that brings it{f', {entry.dist.name}' if entry.dist else ''}."
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
