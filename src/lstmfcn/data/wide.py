"""Wide tables: a row a series, a column a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lstmfcn.data.fields import Record, is_missing, is_number, label_of, numbers
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
    for row, cells in table.sample:
        check_row(table, row, cells)
    roles = roles_of(table, reading)
    columns = [column + 1 for column in roles.values]
    first, last = roles.values[0], roles.values[-1] + 1
    together = len(roles.values) == last - first
    # Where neither titles nor a label are behind the values, a row may be longer than those looked at first.
    open_end = reading.any_length and table.names is None and together and last == table.width
    for row, cells in table.rows:
        check_row(table, row, cells, open_end=open_end)
        end = len(cells) if open_end else last
        fields = cells[first:end] if together else [cells[column] for column in roles.values]
        numbered = range(first + 1, end + 1) if together else columns
        if table.decimal == ",":
            fields = with_points(table, row, fields, numbered)
        values = np.array([numbers(table.path, row, fields, columns=numbered)])
        if reading.any_length:
            values = values[:, : max(1, ends(values[None])[0])]
        label = None
        if roles.label is not None:
            place = f"{table.path}, row {row}, column {roles.label + 1}"
            label = label_of(place, cells[roles.label], classes=reading.known_classes)
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


def check_row(table: Table, row: int, cells: Sequence[str], *, open_end: bool = False) -> None:
    """Refuse a row that is none. With an `open_end`, it may have more cells than the others.

    Raises
    ------
    DataError
        If it has not as many cells as the others, holds nothing, or is the header again.
    """
    if len(cells) != table.width and not (open_end and len(cells) > table.width):
        what = "the header" if table.names else f"row {table.sample[0][0]}"
        hint = (
            "The file may be cut short; if its series differ in length, leave what is after their end empty, "
            "or say what becomes of them by prepare.lengths (docs/unequal-lengths.md)."
        )
        if cells[0].lstrip().startswith(("#", "%")) or (len(cells) == 1 and not is_number(cells[0])):
            hint = "If it is a comment, a note or a sum, delete it."
        raise DataError(
            f"{table.path}, row {row}: {len(cells)} column{'s' * (len(cells) > 1)}, where {what} has "
            f"{table.width}. {hint}"
        )
    if not any(map(str.strip, cells)):
        raise DataError(f"{table.path}, row {row} is empty but for its delimiters. Delete it.")
    if (
        table.names
        and cells[0] == table.names[0]
        and tuple(cells) == table.names
        and not all(map(is_number, cells))
    ):
        raise DataError(f"{table.path}, row {row} is the header again. Delete it.")
