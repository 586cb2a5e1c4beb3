"""What the columns of a wide table look like: labels, values, words, numbers of the rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from lstmfcn.data.dialect import with_point
from lstmfcn.data.fields import is_missing, is_number
from lstmfcn.data.slips import NUMERIC
from lstmfcn.data.table import Table
from lstmfcn.errors import DataError

LEAST_ROWS = 5
"""Fewer rows say nothing about what a column holds."""


def numbers_rows(table: Table, column: int) -> bool:
    """Whether a column numbers the rows, in any order.

    Raises
    ------
    DataError
        If all but a few cells do.
    """
    cells = [cell.strip() for cell in table.cells(column)]
    others = [i for i, cell in enumerate(cells) if not cell.isdecimal()]
    if len({*cells}) < len(cells) or len(others) > len(cells) / 5:
        return False
    if others:
        raise DataError(
            f"{table.path}, row {table.sample[others[0]][0]}, column {column + 1}: "
            f"{cells[others[0]][:40]!r}, where the other cells number the rows. If the row is a sum, a "
            "note or of units, delete it; if the column is none of numbers, say --id or --drop."
        )
    return True


def stands_out(table: Table, left: Sequence[int]) -> bool:
    """Whether the first column looks like labels, and the next one does not."""
    return may_be_labels(table.cells(left[0])) and not may_be_labels(table.cells(left[min(1, len(left) - 1)]))


def apart(table: Table, left: Sequence[int]) -> list[int]:
    """Return the columns whose titles do not belong to the many that differ by a number alone."""
    names = table.names or ()
    stems = {column: re.sub(r"[-+]?\d+(?:\.\d+)?$", "", names[column].strip()) for column in left}
    (common, n), *_ = Counter(stems.values()).most_common(1)
    if n < max(2, len(left) / 2):
        return []
    return [column for column in left if stems[column] != common]


def may_be_labels(cells: Sequence[str]) -> bool:
    """Whether the cells of a column are whole numbers of which each occurs twice, as a rule."""
    whole = all(re.fullmatch(r"\s*[+-]?\d+(?:\.0*(?:e\+00)?)?\s*", cell) for cell in cells)
    return len(cells) >= LEAST_ROWS and whole and len({*cells}) <= len(cells) / 2


def look_like_values(cells: Sequence[str]) -> bool:
    """Whether the cells of a column are all different, and most of them fractions."""
    fractions = [cell for cell in cells if re.search(r"\d[.,]\d*[1-9]", cell)]
    return len(cells) >= LEAST_ROWS and len({*cells}) == len(cells) and len(fractions) > len(cells) / 2


def rows_of_words(table: Table, column: int) -> set[int]:
    """Return the rows in which a column holds words; none where that is in less than half of them."""
    rows = {
        row
        for row, cells in table.sample
        if not (is_number(cell := with_point(cells[column].strip(), table.decimal)) or is_missing(cell))
        and not NUMERIC.fullmatch(cells[column].strip())
    }
    return rows if len(rows) > len(table.sample) / 2 else set()


def several(table: Table, values: Sequence[int]) -> list[str]:
    """Return the beginnings of titles that as many columns each have: x_0, x_1, ..., y_0, y_1, ..."""
    names = table.names or ()
    counts = Counter(re.sub(r"\d+$", "", names[column].strip()) for column in values)
    sizes = {*counts.values()}
    return [*counts] if len(counts) > 1 and len(sizes) == 1 and sizes.pop() > 1 else []


def check_text(table: Table, values: Sequence[int]) -> None:
    """Refuse columns of values that hold words."""
    words = {column: rows for column in values if (rows := rows_of_words(table, column))}
    if not words or len(table.sample) < LEAST_ROWS:
        return
    column, rows = next(iter(words.items()))
    if odd := [
        (row, cells[column]) for row, cells in table.sample if row not in rows and cells[column].strip()
    ]:
        row, cell = odd[0]
        raise DataError(
            f"{table.path}, row {row}: {table.title(column)} holds {cell.strip()[:40]!r}, where most rows "
            "hold text. If the row is a sum or a note, delete it; if the column holds the labels, say "
            f"--label {column + 1}."
        )
    raise DataError(
        f"{table.path}: {' and '.join(map(table.title, [*words][:5]))} hold text, not values. Say what it is "
        "with --label, --id or --group, or leave it out with --drop. If a row is a time step, name --id, "
        "--time and --value."
    )
