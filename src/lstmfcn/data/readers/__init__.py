"""The file formats of series: one module a format, here or in an installed package.

A format is a module with `SUFFIXES`, the endings of its files (its own first, then what else it can
read), and `read(path, *, length=None)`, which returns `LabelledSeries`. If it can be written, it also has
`write(path, series)`. A module of this folder is found by itself; one of another package is named by an
entry point of the group `lstmfcn.readers`.

Readers are strict, since a wrong series read silently is worse than none: every error names the
file, the row, the column and what to do.
"""

from __future__ import annotations

import functools
import pkgutil
from importlib import import_module
from importlib.metadata import entry_points
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from lstmfcn.data.readers import columns, ts
from lstmfcn.data.series import LabelledSeries
from lstmfcn.errors import DataError

GROUP = "lstmfcn.readers"
"""The entry points by which other packages bring formats of their own."""


def read_series(path: Path, *, length: int | None = None) -> LabelledSeries:
    """Read series, and their labels if the file has them.

    Parameters
    ----------
    path
        Its suffix says the format; a file whose suffix none claims is read as columns.
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
    reader = _readers().get(path.suffix, columns)
    series: LabelledSeries = reader.read(path, length=length)
    return series


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
