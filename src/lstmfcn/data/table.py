"""Tables of text, wherever they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lstmfcn.data.dialect import with_point
from lstmfcn.data.fields import is_missing, is_number
from lstmfcn.errors import DataError, nearest

Row = tuple[int, Sequence[str]]
"""A row of a table: its line in the file, and its cells."""


@dataclass(frozen=True)
class Table:
    """A table that is read row by row.

    Attributes
    ----------
    path
        The file.
    names
        The titles of the columns; None where the file has none.
    sample
        The first rows, or all of them.
    rows
        All rows, those of the sample too.
    decimal
        The decimal mark of its numbers.
    share
        Returns how much of the file has been read, 0 to 1.
    """

    path: Path
    names: tuple[str, ...] | None
    sample: Sequence[Row]
    rows: Iterator[Row]
    decimal: str
    share: Callable[[], float]

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.names or self.sample[0][1])

    def title(self, column: int) -> str:
        """Return what to call a column, which is counted from 0, in a sentence."""
        named = f" ({self.names[column]!r})" if self.names else ""
        return f"column {column + 1}{named}"

    def cells(self, column: int) -> list[str]:
        """Return the cells of a column, as far as the sample goes."""
        return [cells[column] for _, cells in self.sample if column < len(cells)]

    def is_text(self, column: int) -> bool:
        """Whether a column holds text and no number, as far as the sample goes."""
        text = False
        for _, cells in self.sample:
            cell = cells[column] if column < len(cells) else ""
            if is_number(with_point(cell, self.decimal)):
                return False
            text = text or not is_missing(cell)
        return text

    def column(self, name: str, option: str) -> int:
        """Return the column that an option names.

        Raises
        ------
        DataError
            If there is none of that title or number, or more than one.
        """
        titles = [title.strip() for title in self.names or ()]
        if titles.count(name) > 1:
            raise DataError(
                f"{self.path} has {titles.count(name)} columns {name!r}. Name {option} by its number."
            )
        if name in titles:
            return titles.index(name)
        if name.isdecimal() and 1 <= int(name) <= self.width:
            return int(name) - 1
        known = f"; its columns are {', '.join(map(repr, titles[:20]))}" if titles else " and no header"
        raise DataError(
            f"{self.path} has no column {name!r} for {option}: it has {self.width} "
            f"columns{known}.{nearest(name, titles)}"
        )
