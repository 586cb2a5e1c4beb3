"""Which series of a file look unlike the training series of a model, and whether the file as a whole does."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.fitting import read_batches_for
from lstmfcn.data.layout import Layout
from lstmfcn.data.reference import LEVEL, Reference
from lstmfcn.data.textfile import check_file
from lstmfcn.evaluation.drift import Change, can_mark, changes, count
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.output import check_output, opened

SHOWN = 20
"""How many of the marked series are named."""

SURE = 0.01
"""A file is said to be unlike the training series where chance is less likely than this."""

LEAST = 1e-9
"""Probabilities below this are not told: they are made of rounding."""


def drift_file(
    source: str | Path,
    file: Path,
    target: Path | None = None,
    *,
    level: float = LEVEL,
    alias: str = "champion",
    version: int | None = None,
    workspace: Path = Path(),
    verify_key: Path | None = None,
    layout: Layout | None = None,
) -> str:
    """Compare the series of a file with the training series of a model.

    Parameters
    ----------
    source, alias, version, workspace, verify_key
        Which model: see `load_champion`.
    file
        Series in any format that `read_series` knows.
    target
        A CSV with a row for each series: `series`, `row` (its line in `file`), `p_value`, `unlike` (1 or 0),
        `farthest` (the statistic that is farthest out), and a column for each statistic. None: no file.
    level
        A series is marked where its conformal p-value is this or less.
    layout
        What is known of the file's layout; the rest is found out.

    Returns
    -------
    str
        For people: how many series are marked, which, and how each statistic has changed.

    Raises
    ------
    DataError
        If the file is at fault; nothing is written then.
    OutputError
        If the target is.
    RegistryError, TrackingError, UntrustedModelError, KeyFileError
        If the model is, or the key, or the model does not say what its training series look like.
    """
    check_file(file)  # what is missing or no file is said at once, not after the model is loaded
    if target is not None:
        check_output(target, file)
    champion = load_champion(source, alias=alias, version=version, workspace=workspace, verify_key=verify_key)
    champion.statistics(np.empty((0, *champion.shape)))  # refuses a model that has no reference
    assert champion.reference is not None
    parts, rows = [], []
    whose = f"the model of {champion.dataset}"
    for series, _ in read_batches_for(
        file, champion.preprocessing, whose, classes=champion.classes, layout=layout
    ):
        parts.append(champion.statistics(series.X, lengths=series.lengths, places=series.places))
        rows.append(series.rows)
    statistics, row = np.concatenate(parts), np.concatenate(rows)
    p_values = champion.reference.p_values(statistics)
    if target is not None:
        with opened(target) as sink:
            sink.write(_table(champion.reference, statistics, row, p_values, level))
    told = _told(champion.reference, statistics, row, p_values, level)
    return "\n".join([*told, *([] if target is None else [f"All series: {target}"])])


def sentence(n_marked: int, n_series: int, *, n_known: int, level: float) -> str:
    """Say how many series are marked, and how many would be by chance; see `count`."""
    if not can_mark(n_known, level):
        return (
            f"{n_known} training series are too few to mark a series at a level of {level:g}: "
            f"{int(np.ceil(1 / level)) - 1} are needed"
        )
    found = count(n_marked, n_series, n_known=n_known, level=level)
    said = f"{found.n_marked} of {found.n_series} series are unlike the training series"
    said += f" (by chance {found.expected:.3g} at a level of {level:g}"
    if found.p > SURE:
        return f"{said}; no more than chance gives)"
    how_likely = f"of {found.p:.2g}" if found.p > LEAST else f"below {LEAST:g}"
    return f"{said}; so many by chance with a probability {how_likely})"


def _told(
    reference: Reference,
    statistics: NDArray[np.float64],
    row: NDArray[np.int64],
    p_values: NDArray[np.float64],
    level: float,
) -> list[str]:
    """Return lines for people."""
    n_known = len(reference.statistics)
    marked = np.flatnonzero(p_values <= level)
    lines = [sentence(len(marked), len(row), n_known=n_known, level=level) + "."]
    marked = marked[np.argsort(-reference.distances(statistics[marked]).max(axis=1), kind="stable")]
    for i, why in zip(marked[:SHOWN], reference.reasons(statistics[marked[:SHOWN]]), strict=True):
        lines.append(f"  row {row[i]}: p = {p_values[i]:.3g}, farthest out in {why}")
    if len(marked) > SHOWN:
        lines.append(f"  and {len(marked) - SHOWN} others, less far out; --output writes all")
    names = reference.names_of_channels
    found = changes(reference.statistics[:, : len(names)], statistics[:, : len(names)], names)
    changed = [change for change in found if change.p <= SURE]
    lines.append("As a whole the file differs from the training split in:" if changed else _no(found))
    lines += [
        f"  {change.name}: median {change.now:.3g}, in training {change.before:.3g} (p = {change.p:.2g})"
        for change in changed
    ]
    return lines


def _no(found: tuple[Change, ...]) -> str:
    least = min(found, key=lambda change: change.p)
    return (
        f"As a whole the file differs from the training split in none of {len(found)} statistics (the least "
        f"p is {least.p:.2g}, of {least.name})."
    )


def _table(
    reference: Reference,
    statistics: NDArray[np.float64],
    row: NDArray[np.int64],
    p_values: NDArray[np.float64],
    level: float,
) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["series", "row", "p_value", "unlike", "farthest", *reference.names])
    reasons = reference.reasons(statistics)
    for i, values in enumerate(statistics):
        marked = int(p_values[i] <= level)
        numbers = [f"{value:.6g}" for value in values]
        writer.writerow([i + 1, row[i], f"{p_values[i]:.6g}", marked, reasons[i], *numbers])
    return stream.getvalue().encode()
