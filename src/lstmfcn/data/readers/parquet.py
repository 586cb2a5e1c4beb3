"""Parquet files: tables with titles, wide or long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any

from lstmfcn.data.layout import Reading
from lstmfcn.data.readers.columns import SAMPLE
from lstmfcn.data.table import Row, Table
from lstmfcn.data.textfile import opened
from lstmfcn.errors import DataError

SUFFIXES: tuple[str, ...] = (".parquet", ".pq")

OPTIONS = ("label", "id", "time", "channel", "values", "group", "drop")
"""What a person may say of such a file."""

BATCH = 1024
"""Rows in memory at once."""


@contextmanager
def table(path: Path, reading: Reading) -> Iterator[Table]:
    """Open a table; row 1 is the first below the titles.

    Raises
    ------
    DataError
        If it is missing, or no such file.
    """
    import pyarrow.parquet as pq

    with opened(path) as binary:
        try:
            file = pq.ParquetFile(binary, page_checksum_verification=True)
            n_rows = max(1, file.metadata.num_rows)
            names = tuple(str(name) for name in file.schema_arrow.names)
        except Exception as error:  # noqa: BLE001 - of a damaged file, of many kinds
            raise DataError(f"{path} cannot be read as Parquet: {_first_line(error)}.") from None
        at = 0

        def rows() -> Iterator[Row]:
            nonlocal at
            try:
                for batch in file.iter_batches(BATCH):
                    columns = [column.to_pylist() for column in batch.columns]
                    for cells in zip(*columns, strict=True):
                        at += 1
                        yield at, [_text(path, at, cell) for cell in cells]
            except DataError:
                raise
            except Exception as error:  # noqa: BLE001 - of a damaged file, of many kinds
                raise DataError(f"{path}, after row {at}: {_first_line(error)}.") from None

        every = rows()
        sample = list(every if reading.whole else islice(every, SAMPLE))
        reading.tell("columns of a Parquet file")
        yield Table(path, names, sample, chain(sample, every), ".", lambda: min(1.0, at / n_rows))


def _first_line(error: Exception) -> str:
    return (str(error) or repr(error)).splitlines()[0]


def _text(path: Path, row: int, cell: Any) -> str:
    """Return a cell as the text that names it to the bit."""
    if cell is None:
        return ""
    if isinstance(cell, str | int | float | Decimal):
        return str(cell)
    if hasattr(cell, "isoformat"):
        return str(cell.isoformat())
    raise DataError(
        f"{path}, row {row}: a cell that holds {type(cell).__name__}. Give each value a column or a row of "
        "its own."
    )
