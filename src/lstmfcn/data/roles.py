"""What the columns of a wide table are: labels, values of a series, an index, or what was named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lstmfcn.data.dialect import INDICES, LABELS, counts_up
from lstmfcn.data.fields import spelled_as
from lstmfcn.data.layout import Reading
from lstmfcn.data.looks import (
    LEAST_ROWS,
    apart,
    check_text,
    look_like_values,
    may_be_labels,
    numbers_rows,
    several,
    stands_out,
)
from lstmfcn.data.table import Table
from lstmfcn.errors import DataError


@dataclass(frozen=True)
class Roles:
    """What the columns of a wide table are, each counted from 0; None where there is no such column."""

    label: int | None
    values: Sequence[int]
    id: int | None
    group: int | None


def labels_in(table: Table, column: int, reading: Reading) -> set[str]:
    """Return the different cells of a column, spelled as the classes of the model where they are equal."""
    return {*spelled_as([cell.strip() for cell in table.cells(column)], reading.classes)}


def roles_of(table: Table, reading: Reading) -> Roles:
    """Find out what each column of a wide table is: a label, a value of the series, or what was named.

    Raises
    ------
    DataError
        If that cannot be told.
    """
    layout, tell = reading.layout, reading.tell
    id_ = None if layout.id is None else table.column(layout.id, "--id")
    group = None if layout.group is None else table.column(layout.group, "--group")
    dropped = {table.column(name, "--drop") for name in layout.drop}
    named = {column for column in (id_, group) if column is not None} | dropped
    left = [column for column in range(table.width) if column not in named]
    left = _without_empty_end(table, left, reading)
    label = _named_label(table, left, reading)
    index = _index(table, [column for column in left if column != label], reading)
    if index is not None:
        left.remove(index)
    if label is None and layout.label != "none":
        label = _found_label(table, left, reading)
        if label is not None:
            _doubt_names(table, label, reading)
    values = [column for column in left if column != label]
    if layout.label is None and label is not None and table.names:
        tell(f"{table.title(label)} is the label")
    _check_values(table, values, label, reading)
    return Roles(label, values, id_, group)


def _without_empty_end(table: Table, left: list[int], reading: Reading) -> list[int]:
    """Leave out a last column that is empty throughout: a delimiter at the end of each line."""
    last = left[-1] if left else 0
    empty = not any(cell.strip() for cell in table.cells(last))
    untitled = table.names is None or not table.names[last].strip()
    if len(table.sample) < 2 or len(left) < 3 or not empty or not untitled or last != table.width - 1:
        return left
    if reading.length is not None:  # it may as well be the last value, missing throughout
        index = counts_up(table.cells(left[0]), least=LEAST_ROWS)
        known = {*reading.classes}
        labelled = any(
            table.is_text(column) or labels_in(table, column, reading) <= known
            for column in {left[int(index)], left[-2]}
        )
        if len(left) - 1 != reading.length + labelled + index:
            return left
    reading.tell(f"each line ends with a delimiter, column {last + 1} is empty: left out")
    return left[:-1]


def _named_label(table: Table, left: Sequence[int], reading: Reading) -> int | None:
    """Return the column of labels that is named, by the person or by its title."""
    wanted = reading.layout.label
    if wanted in ("first", "last"):
        return left[0 if wanted == "first" else -1]
    if wanted == "none":
        return None
    if wanted is not None:
        return table.column(wanted, "--label")
    titled = [c for c in left if table.names and table.names[c].strip().lower() in LABELS]
    if len(titled) > 1:
        raise DataError(
            f"{table.path}: {' and '.join(map(table.title, titled))} may both hold the labels. Say which one "
            "with --label, and leave the other out with --drop."
        )
    return titled[0] if titled else None


def _index(table: Table, left: Sequence[int], reading: Reading) -> int | None:
    """Return the first column if it counts the rows and is no label."""
    if len(left) < 2:
        return None
    first = left[0]
    if (
        table.names is not None
        and table.names[first].strip().lower() in INDICES
        and numbers_rows(table, first)
    ):
        how = "counts" if counts_up(table.cells(first), least=1) else "numbers"
        reading.tell(f"{table.title(first)} {how} the rows: left out")
        return first
    if not counts_up(table.cells(first), least=LEAST_ROWS):
        return None
    others = [column for column in left[1:] if table.is_text(column)]
    if reading.length is not None and len(left) <= reading.length:
        return None
    labels_last = may_be_labels(table.cells(left[-1]))
    if others or (reading.length is None and (labels_last or reading.whole)):
        reading.doubt(
            f"{table.path}: {table.title(first)} counts the rows, {', '.join(table.cells(first)[:3])}, ...: "
            f"it is taken for an index, not for labels. Leave it out with --drop {first + 1}, or, if it "
            "holds the labels, say --label first."
        )
        return first
    return None


def _found_label(table: Table, left: Sequence[int], reading: Reading) -> int | None:
    """Return the column of labels by its looks and its place; None if there is none."""
    texts = [column for column in left if table.is_text(column)]
    extra = None if reading.length is None else len(left) - reading.length
    if len(texts) > 1 and (table.names is not None or {*texts} <= {left[0], left[-1]}):
        raise DataError(
            f"{table.path}: {' and '.join(map(table.title, texts[:5]))} hold text. Say which one is the "
            "label with --label, and what the others are with --id, --group or --drop. If a row is a time "
            "step, name --id, --time and --value."
        )
    if extra == 0:
        return None
    if extra is not None and extra != 1:
        raise DataError(
            f"{table.path}, row {table.sample[0][0]}: {table.width} columns, but a series has "
            f"{reading.length} values (and a label before them, if there is one). What else there is, name "
            "with --label, --id, --group or --drop."
        )
    if len(texts) == 1 and (
        table.names or texts[0] == left[0] or (texts[0] == left[-1] and len(table.sample) > 1)
    ):
        return texts[0]
    if table.names and (others := apart(table, left)):
        if len(others) > 1:
            raise DataError(
                f"{table.path}: {' and '.join(map(table.title, others[:5]))} are not called as the other "
                "columns are. Say which one is the label with --label, and what the others are with --id, "
                "--group or --drop."
            )
        return others[0]
    first, last = (labels_in(table, column, reading) for column in (left[0], left[-1]))
    known = {*reading.classes}
    if known and last <= known and not first <= known:
        return left[-1]
    if known and extra is None and not first <= known:
        if not first & known:
            return None
        reading.doubt(
            f"{table.path}: {table.title(left[0])} holds labels of the model, {sorted(first & known)[0]!r}, "
            f"and others, {sorted(first - known)[0]!r}. Say --label first if it holds labels, --label none "
            "if it holds values."
        )
    if (
        reading.length is None
        and not may_be_labels(table.cells(left[0]))
        and may_be_labels(table.cells(left[-1]))
    ):
        reading.doubt(
            f"{table.path}: the last column, not the first, looks like labels. Say --label last, or --label "
            "first if the first one holds them."
        )
        return left[-1]
    if reading.length is None and look_like_values(table.cells(left[0])):
        reading.doubt(
            f"{table.path}: {table.title(left[0])} holds another fraction in each row: values, it seems, not "
            "labels. Say where the labels are with --label; of a file to predict without any, --label "
            "none."
        )
    elif (
        reading.length is None
        and table.names
        and len(table.sample) >= LEAST_ROWS
        and not stands_out(table, left)
    ):
        reading.doubt(
            f"{table.path}: no column is titled label or otherwise than the rest; {table.title(left[0])} is "
            "taken for the labels. Say where they are with --label; of a file to predict without any, "
            "--label none."
        )
    return left[0]


def _doubt_names(table: Table, label: int, reading: Reading) -> None:
    """Doubt a column of labels that holds another text in each row."""
    cells = table.cells(label)
    unique = len(cells) >= LEAST_ROWS and len({*cells}) == len(cells)
    if unique and table.is_text(label) and not {*cells} <= {*reading.known_classes}:
        reading.doubt(
            f"{table.path}: {table.title(label)} holds another text in each row, {cells[0][:20]!r}, "
            f"{cells[1][:20]!r}, ...: names of the series, it seems, not labels. Say what it is with --id or "
            "--drop, and name the labels with --label."
        )


def _check_values(table: Table, values: Sequence[int], label: int | None, reading: Reading) -> None:
    """Refuse what is no series of values."""
    place = f"{table.path}, row {table.sample[0][0]}"
    if not values or table.width < 2:
        raise DataError(
            f"{place}: one column only. A row is a label and the values of a series, separated by tabs, "
            "commas, semicolons or blanks."
        )
    check_text(table, values)
    if table.names:
        if len(values) > 1 and (channels := several(table, values)):
            raise DataError(
                f"{table.path}: columns of {len(channels)} channels side by side, "
                f"{', '.join(channels[:4])}. Write a row a time step, a column a channel (--id, --time, "
                "--value), or save .npz or .ts."
            )
        if len(values) > 1 and (others := apart(table, values)):
            raise DataError(
                f"{table.path}: {' and '.join(map(table.title, others[:5]))}: not called as the columns of "
                "values are. Say what it is with --label, --id or --group, or leave it out with --drop."
            )
        _check_order(table, values, reading)
    if reading.length is not None and label is None and reading.classes and reading.layout.label is None:
        known = {*reading.classes}
        first, second = (
            labels_in(table, column, reading) for column in (values[0], values[min(1, len(values) - 1)])
        )
        if first <= known and not second <= known:
            raise DataError(
                f"{place}: {table.title(values[0])} holds nothing but labels of the model "
                f"({sorted(first)[0]!r}), so a series has {len(values) - 1} values, not {reading.length}. "
                "Give each one value more, or say --label none if it holds values."
            )


def _check_order(table: Table, values: Sequence[int], reading: Reading) -> None:
    """Doubt columns of values whose numbers do not rise: t0, t1, t10, t2."""
    names = table.names or ()
    found = [re.search(r"[-+]?\d+(?:\.\d+)?$", names[column].strip()) for column in values]
    numbers = [
        float(match[0].lstrip("-") if match[0] != names[c] else match[0])
        for c, match in zip(values, found, strict=True)
        if match
    ]
    if len(numbers) == len(values):
        for i, (before, after) in enumerate(pairwise(numbers)):
            if after <= before:
                reading.doubt(
                    f"{table.path}: {table.title(values[i + 1])} follows {names[values[i]]!r}, so the values "
                    "may not be in the order of time. Put the columns in order."
                )
                return
