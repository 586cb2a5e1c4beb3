"""The series of a request: from bytes to numbers, or a sentence that names the series at fault.

A request is JSON or CSV. JSON has one of four keys, as MLflow's scoring protocol has them: `inputs` or
`instances`, a list of series, each a list of channels or, of one channel, a list of numbers;
`dataframe_split` or `dataframe_records`, a row a series of one channel. CSV is what `lstmfcn predict` reads.
"""

from __future__ import annotations

import gc
import itertools
import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.fields import is_missing, is_number
from lstmfcn.data.layout import Layout, Reading
from lstmfcn.data.readers import read_series
from lstmfcn.errors import DataError, nearest

FORMATS = ("inputs", "instances", "dataframe_split", "dataframe_records")

_WORDS = {bool: "a truth value", str: "text", type(None): "null", list: "a list", dict: "an object"}


@dataclass(frozen=True)
class Series:
    """What a request asks about.

    Attributes
    ----------
    X
        float64, shape (n_series, n_channels, length); values may be NaN or infinite.
    rows
        The line of each series, where the request is CSV.
    """

    X: NDArray[np.float64]
    rows: Sequence[int] | None = None

    def places(self, first: int, n: int) -> list[str]:
        """Return what to call `n` series in errors, the first of which is number `first`."""
        return [_place(i, self.rows[i] if self.rows else None) for i in range(first, first + n)]


def read_json(body: bytes, shape: tuple[int, int]) -> Series:
    """Read the series of a body of JSON.

    Parameters
    ----------
    body
        In UTF-8.
    shape
        (n_channels, length) of the model.

    Raises
    ------
    DataError
        If it is no JSON, has other keys, or a series is none or of another shape.
    """
    try:
        # What no number can hold becomes infinite, so that it is refused where its series has a name.
        with _uncollected():
            content = json.loads(_text(body), parse_int=float, object_pairs_hook=_object)
    except RecursionError:
        raise DataError("The body is nested too deep. A list of lists of numbers is what is read.") from None
    except json.JSONDecodeError as error:
        raise DataError(f"The body is no JSON: {error}.") from None
    rows = _rows(content)
    series = [_series(row, shape, _place(i)) for i, row in enumerate(rows)]
    return Series(np.array(series, np.float64).reshape(-1, *shape))


def read_csv(body: bytes, shape: tuple[int, int], *, header: bool | None = None) -> Series:
    """Read the series of a body of CSV: a line each, with or without labels, as `lstmfcn predict` reads them.

    Parameters
    ----------
    body, shape
        As for `read_json`.
    header
        Whether the first line names the columns. None: it does if it holds no number, or counts them from 0
        as pandas does.

    Raises
    ------
    DataError
        If a line is no series of the model's shape.
    """
    n_channels, length = shape
    if n_channels > 1:
        raise DataError(f"CSV holds series of one channel, and the model takes {n_channels}. Send JSON.")
    text = _text(body)
    if header is None:
        header = _is_header(next((line for line in text.splitlines() if line.strip()), ""))
    with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        reading = Reading(layout=Layout(header=header), length=length)
        try:
            found = read_series(Path(file.name), reading=reading)
        except DataError as error:
            raise DataError(str(error).replace(file.name, "Body")) from None
    rows = found.rows.tolist()
    lengths = itertools.repeat(found.X.shape[2]) if found.lengths is None else found.lengths.tolist()
    for i, (row, n) in enumerate(zip(rows, lengths, strict=False)):
        if n != length:
            raise DataError(f"{_place(i, row)}: {n} values; the model takes {length}.")
    return Series(found.X, rows)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Collect no garbage for a while: going through millions of new lists again and again takes seconds."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"The body is not in UTF-8: byte {error.start} (counted from 0) is none.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise DataError(f"The key {twice[:40]!r} is given twice in one object.")
    return found


def _rows(content: Any) -> list[Any]:
    """Return what the body says are series."""
    if not isinstance(content, dict):
        raise DataError(f"The body is {_word(content)}, not an object with one of {', '.join(FORMATS)}.")
    formats = [key for key in content if key in FORMATS]
    for key, value in content.items():
        if key not in FORMATS and not (key == "params" and not value):  # MLflow's clients send it empty
            raise DataError(f"The key {key[:40]!r} is not known.{nearest(key[:40], FORMATS)}")
    if len(formats) != 1:
        raise DataError(f"The body has {len(formats)} of the keys {', '.join(FORMATS)}; it needs one.")
    (name,) = formats
    value = content[name]
    if name == "dataframe_split":
        return _split(value)
    if not isinstance(value, list):
        raise DataError(f"{name} is {_word(value)}, not a list of series.")
    return _records(value) if name == "dataframe_records" else value


def _split(frame: Any) -> list[Any]:
    if not isinstance(frame, dict) or not isinstance(frame.get("data"), list):
        raise DataError("dataframe_split needs `data`, a list of rows, as pandas' to_dict('split') has it.")
    if unknown := sorted(frame.keys() - {"data", "columns", "index"}):
        raise DataError(f"The key {unknown[0][:40]!r} is not known in dataframe_split.")
    rows: list[Any] = frame["data"]
    names = frame.get("columns")
    if names is None:
        return rows
    if not isinstance(names, list):
        raise DataError(f"The columns of dataframe_split are {_word(names)}, not a list of names.")
    for i, row in enumerate(rows):
        if isinstance(row, list) and len(row) != len(names):
            raise DataError(f"{_place(i)}: {len(row)} values under {len(names)} columns.")
    order = _order([str(name) for name in names])
    return [order(row) if isinstance(row, list) else row for row in rows]


def _records(records: list[Any]) -> list[Any]:
    """Return the values of records in the order of their columns."""
    rows = []
    names: list[str] | None = None
    for i, record in enumerate(records):
        if not isinstance(record, dict):
            raise DataError(f"{_place(i)}: {_word(record)}, not an object with a value for each column.")
        if names is None:
            names = [*record]
            order = _order(names)
        if record.keys() != set(names):
            raise DataError(f"{_place(i)}: its columns are not those of series 0.")
        rows.append(order([record[name] for name in names]))
    return rows


def _order(names: Sequence[str]) -> Callable[[list[Any]], list[Any]]:
    """Return what brings values into the order of time.

    Columns that are numbered (0, 1, ... or t0, t1, ...) stand by their numbers: clients that sort keys as
    text put t10 before t2. Others stay as they are.
    """
    found = [re.fullmatch(r"(.{,40}?)([0-9]{1,9})(?:\.0)?", name) for name in names]
    if len({match and match[1] for match in found}) > 1 or not all(found):
        return lambda values: values
    numbers = [int(match[2]) for match in found if match]
    if len(set(numbers)) < len(numbers):
        raise DataError("Two columns have the same number.")
    places = sorted(range(len(numbers)), key=numbers.__getitem__)
    return lambda values: [values[place] for place in places]


def _series(row: Any, shape: tuple[int, int], place: str) -> list[NDArray[np.float64]]:
    """Return the channels of a series."""
    n_channels, length = shape
    takes = f"the model takes {n_channels} x {length} (channels x values)"
    if not isinstance(row, list):
        raise DataError(f"{place}: {_word(row)} in a series' place. Each series is a list of its own.")
    flat = n_channels == 1 and not any(isinstance(value, list) for value in row[:1])
    channels = [row] if flat else row
    for channel in channels:
        if not isinstance(channel, list):
            raise DataError(f"{place}: {_word(channel)} in a channel's place; {takes}.")
    if len(channels) != n_channels:
        raise DataError(f"{place}: {len(channels)} channels; {takes}.")
    return [_channel(channel, length, place, takes) for channel in channels]


def _channel(channel: list[Any], length: int, place: str, takes: str) -> NDArray[np.float64]:
    if len(channel) != length:
        raise DataError(f"{place}: {len(channel)} values; {takes}.")
    if {*map(type, channel)} != {float}:
        j, value = next((j, value) for j, value in enumerate(channel) if type(value) is not float)
        raise DataError(f"{place}: value {j} is {_word(value)}, not a number.")
    return np.array(channel, np.float64)


def _is_header(line: str) -> bool:
    fields = [field.strip().strip('"') for field in line.split("," if "," in line else None)]
    return fields == [str(i) for i in range(len(fields))] or not any(
        is_number(f) or is_missing(f) for f in fields
    )


def _place(i: int, row: int | None = None) -> str:
    return f"Series {i} (counted from 0)" + (f", row {row}" if row else "")


def _word(value: Any) -> str:
    return _WORDS.get(type(value), "a number")
