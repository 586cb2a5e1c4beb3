"""Long tables: a row a time step, or a row a time step and channel; the series have names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.dialect import with_point
from lstmfcn.data.fields import Record, is_missing, label_of, numbers
from lstmfcn.data.layout import Reading
from lstmfcn.data.slips import alike
from lstmfcn.data.table import Table
from lstmfcn.data.wide import check_row, group_of, with_points
from lstmfcn.errors import DataError

TIMES = frozenset({"t", "time", "times", "timestamp", "date", "datetime", "step", "timestep", "when"})
"""How columns of times are called, in lower case."""


def records(table: Table, reading: Reading) -> Iterator[Record]:
    """Read the series of a table, in the order in which their names first occur.

    All of the table is in memory. Where a channel has no value at a time of the series, it is missing.

    Raises
    ------
    DataError
        If a column is lacking, a series has two labels or groups, or a value twice at one time.
    """
    import pandas as pd

    layout = reading.layout
    if not table.sample:
        return
    if layout.id is None or not layout.values:
        raise DataError(
            f"{table.path}: a table with a row a time step needs the columns of --id (which series) and "
            "--value (one a channel, or one with --channel); --time, if its rows are not in order."
        )
    if layout.channel is not None and len(layout.values) > 1:
        raise DataError(
            f"{table.path}: with --channel there is one column of --value, not {len(layout.values)}."
        )
    columns = {
        name: table.column(title, f"--{name}")
        for name in ("id", "time", "channel", "group", "label")
        if (title := getattr(layout, name)) is not None and title != "none"
    }
    values = [table.column(title, "--value") for title in layout.values]
    _check_columns(table, columns, values, reading)
    frame = pd.DataFrame(_rows(table, columns, values, reading))
    if "time" in frame:
        frame["time"] = _times(table, frame["time"], frame["row"])
    else:
        by = ["id", "channel"] if "channel" in frame else ["id"]
        frame["time"] = frame.groupby(by, sort=False).cumcount()
    channels = (
        sorted(frame["channel"].unique(), key=_by_number) if "channel" in frame else list(layout.values)
    )
    for what, option, names in (("series", "id", frame["id"].unique()), ("channels", "channel", channels)):
        if option in columns and (pair := alike(list(names), numbers=True)):
            reading.doubt(
                f"{table.path}: the {what} {pair[0]!r} and {pair[1]!r} are called alike. If they are one, "
                "spell them alike."
            )
    reading.tell(f"a row a time step, {len(channels)} channel(s): {', '.join(map(str, channels[:10]))}")
    uneven = 0
    for name, part in frame.groupby("id", sort=False):
        X, times = _series(table, part, channels)
        uneven += _is_uneven(times)
        yield Record(
            int(part["row"].iloc[0]),
            _only(table, part, "label") if "label" in columns else None,
            X,
            id=str(name),
            group=_only(table, part, "group") if "group" in columns else "",
        )
    if uneven:
        reading.tell(f"the steps of time are uneven in {uneven} series: the networks take them for even")


def _check_columns(table: Table, columns: dict[str, int], values: Sequence[int], reading: Reading) -> None:
    """Refuse a column of two roles; say which have none, and doubt times among them."""
    options = [*columns.items(), *(("value", column) for column in values)]
    for i, (name, column) in enumerate(options):
        if other := next((other for other, same in options[:i] if same == column and other != "label"), None):
            raise DataError(
                f"{table.path}: {table.title(column)} is named both by --{other} and by --{name}."
            )
    used = {column for _, column in options} | {table.column(name, "--drop") for name in reading.layout.drop}
    left = [c for c in range(table.width) if c not in used and any(map(str.strip, table.cells(c)))]
    if left:
        reading.tell(f"not used: {', '.join(map(table.title, left[:10]))}")
    times = [c for c in left if table.names and table.names[c].strip().lower() in TIMES]
    if times and "time" not in columns:
        reading.doubt(
            f"{table.path}: {table.title(times[0])} seems to hold times, but rows are taken in their "
            f"order. Say --time {table.names[times[0]] if table.names else times[0] + 1}, or leave it out "
            "with --drop."
        )


def _rows(
    table: Table, columns: dict[str, int], values: Sequence[int], reading: Reading
) -> Iterator[dict[str, Any]]:
    """Yield each row as values by name; those of the channels have the numbers from 0."""
    numbered = [column + 1 for column in values]
    for row, cells in table.rows:
        check_row(table, row, cells)
        found: dict[str, Any] = {"row": row}
        for name, column in columns.items():
            place = f"{table.path}, row {row}, column {column + 1}"
            text = cells[column].strip()
            if name == "label":
                empty = is_missing(text) and text not in reading.known_classes
                found[name] = "" if empty else label_of(place, text, classes=reading.known_classes)
            elif name == "group":
                found[name] = group_of(table, row, column, cells)
            elif is_missing(text):
                raise DataError(
                    f"{place}: the {'name of the series' if name == 'id' else name} is missing. Fill it in."
                )
            else:
                found[name] = text
        fields: Sequence[str] = [cells[column] for column in values]
        if table.decimal == ",":
            fields = with_points(table, row, fields, numbered)
        read = numbers(table.path, row, fields, columns=numbered)
        yield found | {f"value {i}": value for i, value in enumerate(read)}


def _times(table: Table, texts: Any, rows: Any) -> Any:
    """Return times as numbers, or in nanoseconds where they are dates."""
    import pandas as pd

    plain = texts.map(lambda text: with_point(text, ",")) if table.decimal == "," else texts
    found = pd.to_numeric(plain, errors="coerce")
    if np.isfinite(found).all():
        return found.to_numpy()  # whole ones stay whole: nanoseconds would be equal as floats
    dates = pd.to_datetime(texts, errors="coerce", format="ISO8601", utc=True)
    if dates.notna().all():
        zoned = texts.str.contains(_ZONE)
        if zoned.any() and not zoned.all():
            bad = int(np.flatnonzero(zoned != zoned.iloc[0])[0])
            raise DataError(
                f"{table.path}, row {rows.iloc[bad]}: of the times {texts.iloc[0]!r} and "
                f"{texts.iloc[bad]!r} one names its time zone, one does not. Write all with it, or all "
                "without."
            )
        return dates.astype("datetime64[ns, UTC]").astype("int64").to_numpy()
    found = found.where(np.isfinite(found))
    bad = int(
        np.flatnonzero((dates.isna() & found.isna()).to_numpy() | (found.notna().any() & found.isna()))[0]
    )
    raise DataError(
        f"{table.path}, row {rows.iloc[bad]}: the time {texts.iloc[bad][:40]!r} is neither a number nor a "
        "date like 2024-05-31 12:00:00. Write it so, or leave --time out if the rows are in order."
    )


def _series(table: Table, part: Any, channels: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return the values of one series, shape (n_channels, length), and its times."""
    keys = ["time", "channel"] if "channel" in part else ["time"]
    if (twice := part.duplicated(keys)).any():
        bad = part[twice].iloc[0]
        raise DataError(
            f"{table.path}, row {bad['row']}: the series {bad['id']!r} has a second value at its time. Name "
            "the column that tells them apart with --channel, or take one out."
        )
    if "channel" in part:
        wide = part.pivot(index="time", columns="channel", values="value 0").reindex(columns=channels)
    else:
        wide = part.set_index("time").sort_index()[[f"value {i}" for i in range(len(channels))]]
    return wide.to_numpy(np.float64).T, wide.index.to_numpy()


def _only(table: Table, part: Any, name: str) -> str:
    """Return the one label or group of a series."""
    given = part[name][part[name] != ""]
    if len(found := list(dict.fromkeys(given))) > 1:
        row = part["row"][given.index[given != found[0]][0]]
        raise DataError(
            f"{table.path}, row {row}: the series {part['id'].iloc[0]!r} has a second {name}, {found[1]!r} "
            f"after {found[0]!r}. A series has one: correct it, or name other series with --id."
        )
    if not found:
        raise DataError(
            f"{table.path}, row {part['row'].iloc[0]}: the series {part['id'].iloc[0]!r} has no {name}."
        )
    return str(found[0])


_ZONE = re.compile(r":\d{2}.*(?:[zZ]|[+-]\d{2}(?::?\d{2})?)$")


def _is_uneven(times: NDArray[Any]) -> bool:
    steps = np.diff(times.astype(np.float64))
    return len(steps) > 1 and bool(steps.max() > 1.5 * np.median(steps))


def _by_number(name: str) -> tuple[list[Any], str]:
    """Return a key by which x2 comes before x10."""
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in re.split(r"(\d+)", name)], name
