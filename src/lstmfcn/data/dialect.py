"""What parts the columns of a text file, how it writes decimals, and whether its first row is a header."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lstmfcn.data.fields import is_missing, is_number
from lstmfcn.data.slips import NUMERIC

BLANK = " "
"""Any number of blanks and tabs."""

DELIMITERS = ("\t", ";", ",", "|", BLANK)
NAMES = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars", BLANK: "blanks"}

MOST_LINES, MOST_FIELDS = 20, 200
"""What is looked at to find the dialect."""

LEAST_COUNTED = 5
"""So many whole numbers, each one more than the last, are no chance."""

LABELS = frozenset({"label", "labels", "class", "classes", "target", "y", "category", "outcome"})
"""How columns of labels are called, in lower case."""

INDICES = frozenset({"", "unnamed: 0", "index", "level_0", "rownames", "row"})
"""How columns that count the rows are called, in lower case."""


@dataclass(frozen=True)
class Dialect:
    """How a text file parts its columns and writes its decimals."""

    delimiter: str
    decimal: str


def sniff(lines: Sequence[str], *, delimiter: str | None = None, decimal: str | None = None) -> Dialect:
    """Return the dialect under which the most fields of some lines are numbers; what is given stands.

    Of equals, the first of `DELIMITERS` and the decimal point win. Tabs in every line are the delimiter, and
    blanks, which stand in labels too, only where another fits much worse.
    """
    if delimiter is None and all("\t" in line.strip("\t") for line in lines[:MOST_LINES]):
        delimiter = "\t"
    delimiters = (delimiter,) if delimiter else DELIMITERS
    decimals = (decimal,) if decimal else (".", ",")
    choices = [Dialect(delimiter, decimal) for decimal in decimals for delimiter in delimiters]
    return max(choices, key=lambda choice: _fit(lines[:MOST_LINES], choice))


def split_line(line: str, delimiter: str) -> list[str]:
    """Return the fields of one line."""
    if delimiter == BLANK:
        return line.split()
    return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])


def has_header(rows: Sequence[Sequence[str]]) -> bool | None:
    """Return whether the first of some rows holds titles; None where it may hold a series as well.

    Titles are text above numbers, or above what is meant for numbers, or count the steps beside one that is
    known or stands above numbers.
    """
    first, rest = rows[0], rows[1:]
    texts = [i for i, cell in enumerate(first) if _is_text(cell)]
    filled = [cell for cell in first if cell.strip()]
    above = [i for i in texts if _is_numeric([row[i] for row in rest if i < len(row)])]
    if len(texts) == len(filled):  # nothing but text
        return len(first) > 1 and (bool(above) or not rest or len(texts) > 1 + sum(map(_is_text, rest[0])))
    counted = steps_evenly([cell for cell in first if is_number(cell)])
    below = [row[texts[0]] for row in rest if texts and texts[0] < len(row)]
    known = len(texts) == 1 and first[texts[0]].strip().lower() in LABELS
    if known and not counted and rest and first[texts[0]] not in below:
        return None
    if not counted or any(list(row[1:-1]) == list(first[1:-1]) for row in rest):
        return False
    if above or any(cell.strip().lower() in LABELS | INDICES for cell in first):
        return True
    for i in texts:  # the title of labels, which occur again and again below it
        below = [row[i] for row in rest if i < len(row)]
        if first[i] not in below and len({*below}) < len(below):
            return True
    counts = counts_up([cell for cell in first if is_number(cell)])
    return None if counts and rest and not any(map(_counts, rest)) else False


def counts_up(cells: Sequence[str], *, least: int = LEAST_COUNTED) -> bool:
    """Whether cells are whole numbers from 0 or 1 on, each one more than the last."""
    if len(cells) < least or not all(cell.strip().isdecimal() for cell in cells):
        return False
    found = [int(cell) for cell in cells]
    return found[0] in (0, 1) and found == list(range(found[0], found[0] + len(found)))


def steps_evenly(cells: Sequence[str]) -> bool:
    """Whether cells are numbers that rise by one and the same step, as a header of times does."""
    if len(cells) < 3:
        return False
    found = [float(cell) for cell in cells]
    step = (found[-1] - found[0]) / (len(found) - 1)
    return step > 0 and all(abs(v - found[0] - i * step) < 1e-3 * step for i, v in enumerate(found))


def _counts(row: Sequence[str]) -> bool:
    return counts_up([cell for cell in row if is_number(cell)])


def _fit(lines: Sequence[str], dialect: Dialect) -> float:
    """Return how well a dialect fits: the share of numbers, of rows of the same width."""
    try:
        rows = [split_line(line, dialect.delimiter) for line in lines]
    except csv.Error:
        return 0.0
    width, equal = Counter(map(len, rows)).most_common(1)[0]
    if width < 2:
        return 0.0
    fields = [cell for row in rows[1:] or rows for cell in row[:MOST_FIELDS] if cell.strip()]
    found = sum(
        1.0
        if is_number(with_point(cell, dialect.decimal)) or is_missing(cell)
        else 0.5 * bool(NUMERIC.fullmatch(cell.strip()))
        for cell in fields
    )
    fit = equal / len(rows) * (0.01 + found / max(len(fields), 1))
    return 0.6 * fit if dialect.delimiter == BLANK else fit


def with_point(cell: str, decimal: str) -> str:
    """Return a number with a decimal point; what is none under this decimal mark stays none."""
    if decimal == ".":
        return cell
    return f"{cell}?" if "." in cell else cell.replace(",", ".", 1)


def _is_text(cell: str) -> bool:
    return not is_number(cell) and not is_missing(cell)


def _is_numeric(cells: Sequence[str]) -> bool:
    """Whether most cells are numbers, or meant for such."""
    filled = [cell for cell in cells if not is_missing(cell)]
    return sum(is_number(cell) or bool(NUMERIC.fullmatch(cell.strip())) for cell in filled) > len(filled) / 2
