"""Tables of text: columns separated by tabs (the archive's 2018 edition), commas, semicolons, bars or blanks.

In a wide one a row is a series, in a long one a time step of a series; see `lstmfcn.data.wide` and
`lstmfcn.data.long`.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

from lstmfcn.data.dialect import BLANK, NAMES, has_header, sniff, with_point
from lstmfcn.data.disguises import check_line
from lstmfcn.data.fields import is_number, labels_of
from lstmfcn.data.layout import Reading
from lstmfcn.data.series import LabelledSeries
from lstmfcn.data.table import Row, Table
from lstmfcn.data.textfile import TextFile
from lstmfcn.errors import DataError
from lstmfcn.files import write_text

SUFFIXES: tuple[str, ...] = (".tsv", ".txt", ".csv", "")

OPTIONS = (
    "label",
    "id",
    "time",
    "channel",
    "values",
    "group",
    "drop",
    "delimiter",
    "decimal",
    "encoding",
    "header",
)
"""What a person may say of such a file."""

SAMPLE = 100
"""How many rows are looked at before a table's layout is settled, if not all of it is."""

LONGEST_FIELD = 1 << 20
"""Characters between two quotes."""

_OF_TS = re.compile(
    r"@(data|relation|attribute|problemname|classlabels?|targetlabel|timestamps|univariate)\b", re.IGNORECASE
)


@contextmanager
def table(path: Path, reading: Reading) -> Iterator[Table]:
    """Open a table.

    Raises
    ------
    DataError
        If it is missing, no text, or text of another format.
    """
    layout = reading.layout
    with TextFile(path, encoding=layout.encoding) as file:
        lines = iter(file)
        head = list(islice(lines, SAMPLE))
        _check_kind(path, head)
        delimiter = {"\\t": "\t", "tab": "\t"}.get(layout.delimiter or "", layout.delimiter)
        if head and (told := re.fullmatch(r"sep=(.)", head[0][1])):  # Excel's
            delimiter = delimiter or told[1]
            head = head[1:]
        if not head:
            yield Table(path, None, (), iter(()), ".", lambda: 1.0)
            return
        dialect = sniff([line for _, line in head], delimiter=delimiter, decimal=layout.decimal)
        rows = _rows(path, chain(head, lines), dialect.delimiter)
        sample = list(rows if reading.whole else islice(rows, SAMPLE))
        if reading.any_length and not layout.is_long:
            widest = max(len(cells) for _, cells in sample)
            sample, rows = list(_filled(sample, widest)), _filled(rows, widest)
        names = _header(path, sample, dialect.decimal, reading)
        _check_top(path, sample, names)
        body = sample if names is None else sample[1:]
        if layout.decimal is None and (dialect.decimal == "," or dialect.delimiter == ";"):
            _check_decimals(path, body, dialect.decimal, reading)
        decimals = "decimal commas, " if dialect.decimal == "," else ""
        reading.tell(
            f"columns separated by {NAMES.get(dialect.delimiter, repr(dialect.delimiter))}, "
            f"{decimals}{'no header' if names is None else 'a header'}, {file.encoding.removesuffix('-sig')}"
        )
        yield Table(path, names, body, chain(body, rows), dialect.decimal, lambda: file.share)


def write(path: Path, series: LabelledSeries) -> None:
    """Write labelled series of one channel, separated by tabs."""
    labels = labels_of(series)
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    for label, (channel,) in zip(labels, series.X, strict=True):
        writer.writerow([str(label), *map(repr, channel.tolist())])
    write_text(path, text.getvalue())


def _rows(path: Path, lines: Iterator[tuple[int, str]], delimiter: str) -> Iterator[Row]:
    """Yield the rows that lines hold; a quoted field may go over several."""
    at = 0

    def following() -> Iterator[str]:
        nonlocal at
        for row, line in lines:
            at = row
            yield f"{line}\n"

    csv.field_size_limit(LONGEST_FIELD)
    for row, line in lines:
        if '"' not in line:
            yield row, line.split(None if delimiter == BLANK else delimiter)
        else:
            at = row
            first = " ".join(line.split()) if delimiter == BLANK else line
            text = chain([f"{first}\n"], following())
            try:
                cells = next(csv.reader(text, delimiter=delimiter, skipinitialspace=True, strict=True))
            except csv.Error as error:
                raise DataError(
                    f"{path}, row {at}: {error}. A quote may be open: one within a quoted field is doubled."
                ) from None
            yield at, cells


def _filled(rows: Iterable[Row], width: int) -> Iterator[Row]:
    """Yield rows, those that end early with empty cells behind them."""
    for row, cells in rows:
        yield row, [*cells, *[""] * (width - len(cells))]


def _header(path: Path, sample: list[Row], decimal: str, reading: Reading) -> tuple[str, ...] | None:
    """Return the titles, None where there are none."""
    layout = reading.layout
    header = layout.header
    if header is None and sample:
        named = {
            layout.id,
            layout.time,
            layout.channel,
            layout.group,
            layout.label,
            *layout.values,
            *layout.drop,
        }
        if any(cell.strip() in named and not is_number(cell) for cell in sample[0][1]):
            header = True
    if header is None:
        rows = [cells for _, cells in sample[:SAMPLE]]
        header = has_header([[with_point(cell, decimal) for cell in cells] for cells in rows])
    if header is None:
        row, cells = sample[0]
        counts = " counts" if is_number(cells[0]) else ""
        reading.doubt(
            f"{path}, row {row}{counts}: {', '.join(cells[:2])}, ..., {cells[-1]}. It is taken for a header, "
            "not for a series. Say --header if it is one, --no-header if it is a series."
        )
        header = True
    return tuple(sample[0][1]) if header else None


def _check_top(path: Path, sample: list[Row], names: tuple[str, ...] | None) -> None:
    """Refuse a first row that has not as many cells as most others have: a note above the table."""
    row, cells = sample[0]
    width, n = Counter(len(cells) for _, cells in sample[1:]).most_common(1)[0] if sample[1:] else (0, 0)
    by_one = names is not None and abs(len(cells) - width) == 1 < len(cells)
    if len(cells) == width or n <= len(sample) / 2 or width < 2 or by_one:
        return
    raise DataError(
        f"{path}, row {row}: {len(cells)} column(s), where most rows have {width}. If it is a title, a "
        "comment or a note, delete it; if it is a series, it is cut short or too long."
    )


def _check_decimals(path: Path, body: list[Row], decimal: str, reading: Reading) -> None:
    """Doubt decimal marks that may all part thousands."""
    found = [cell.strip() for _, cells in body for cell in cells if decimal in cell]
    if found and all(re.fullmatch(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", cell) for cell in found):
        mark = "comma" if decimal == "," else "point"
        reading.doubt(
            f"{path}, row {body[0][0]}: {found[0]!r} is read as {found[0].replace(',', '.')}. If its {mark} "
            f"marks thousands, take it out; if it is a decimal {mark}, say --decimal '{decimal}'."
        )


def _check_kind(path: Path, head: list[tuple[int, str]]) -> None:
    """Refuse text of another format than that of the suffix."""
    row, line = next(((row, line.strip()) for row, line in head if not line.startswith(("#", "%"))), (0, ""))
    if _OF_TS.match(line):
        kind = ".arff" if re.match(r"@(relation|attribute)\b", line, re.IGNORECASE) else ".ts"
        raise DataError(
            f"{path}, row {row}: text of the {kind} format. Rename the file to {path.stem}{kind}."
        )
    check_line(path, row, line)
