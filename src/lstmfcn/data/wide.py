"""Wide tables: a row a series, a column a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lstmfcn.data.fields import Record, is_missing, label_of, numbers
from lstmfcn.data.layout import Reading
from lstmfcn.data.lengths import ends
from lstmfcn.data.roles import roles_of
from lstmfcn.data.table import Table
from lstmfcn.errors import DataError


def records(table: Table, reading: Reading) -> Iterator[Record]:
    """Read series one by one.

    Raises
    ------
    DataError
        If it cannot be told what a column is, rows differ in their number of columns, a value is no number
        or a label is missing.
    """
    if not table.sample:
        return
    _check_widths(table)
    roles = roles_of(table, reading)
    columns = [column + 1 for column in roles.values]
    first, last = roles.values[0], roles.values[-1] + 1
    together = len(roles.values) == last - first
    # Where neither titles nor a label are behind the values, a row may be longer than those looked at first.
    open_end = reading.any_length and table.names is None and together and last == table.width
    for row, cells in table.rows:
        if len(cells) != table.width and not (open_end and len(cells) > table.width):
            raise unequal_width(table, row, len(cells))
        label = None
        if roles.label is not None:
            place = f"{table.path}, row {row}, column {roles.label + 1}"
            label = label_of(place, cells[roles.label], classes=reading.known_classes)
        end = len(cells) if open_end else last
        fields = cells[first:end] if together else [cells[column] for column in roles.values]
        numbered = range(first + 1, end + 1) if together else columns
        if table.decimal == ",":
            fields = with_points(table, row, fields, numbered)
        values = np.array([numbers(table.path, row, fields, columns=numbered)])
        if reading.any_length:
            values = values[:, : max(1, ends(values[None])[0])]
        yield Record(
            row,
            label,
            values,
            id="" if roles.id is None else cells[roles.id].strip(),
            group="" if roles.group is None else group_of(table, row, roles.group, cells),
        )


def with_points(table: Table, row: int, fields: Sequence[str], columns: Sequence[int]) -> list[str]:
    """Return numbers of decimal commas with points.

    Raises
    ------
    DataError
        If one has a point already: it may mark thousands.
    """
    for column, field in zip(columns, fields, strict=True):
        if "." in field:
            raise DataError(
                f"{table.path}, row {row}, column {column}: {field.strip()[:40]!r} has a point, where other "
                "numbers have a decimal comma. Marks of thousands are not read: take them out. If the comma "
                "is none, say --decimal '.'."
            )
    return [field.replace(",", ".", 1) for field in fields]


def group_of(table: Table, row: int, column: int, cells: Sequence[str]) -> str:
    """Return the group of a row.

    Raises
    ------
    DataError
        If it is missing: such a series could stand in both splits.
    """
    if is_missing(cells[column]):
        raise DataError(f"{table.path}, row {row}, column {column + 1}: the group is missing. Fill it in.")
    return cells[column].strip()


def _check_widths(table: Table) -> None:
    """Refuse a header of another width than the rows below it."""
    row, cells = table.sample[0]
    if table.names is not None and len(table.names) != len(cells):
        hint = ""
        if len(table.names) == len(cells) - 1:
            hint = " The title of an index may be lacking: put a delimiter before the first title."
        raise DataError(
            f"{table.path}, row {row}: {len(cells)} columns under {len(table.names)} "
            f"titles.{hint or ' Correct it.'}"
        )


def unequal_width(table: Table, row: int, width: int) -> DataError:
    """Return the error of a row that has not as many cells as the others."""
    what = "the header" if table.names else f"row {table.sample[0][0]}"
    return DataError(
        f"{table.path}, row {row}: {width} columns, where {what} has {table.width}. The file may be cut "
        "short; if its series differ in length, leave the cells after their end empty, or say what becomes "
        "of them by prepare.lengths (docs/unequal-lengths.md)."
    )
