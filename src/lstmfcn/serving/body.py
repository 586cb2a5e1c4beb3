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

from lstmfcn.data.batches import MOST_SERIES, series_at_once
from lstmfcn.data.fields import is_missing, is_number
from lstmfcn.data.fitting import reading_for
from lstmfcn.data.layout import Layout
from lstmfcn.data.preprocessing import LENGTHS_HELP, MISSING_HELP, Preprocessing
from lstmfcn.data.readers import read_batches
from lstmfcn.errors import DataError, nearest

FORMATS = ("inputs", "instances", "dataframe_split", "dataframe_records")

_WORDS = {bool: "a truth value", str: "text", type(None): "null", list: "a list", dict: "an object"}


@dataclass(frozen=True)
class Series:
    """What a request asks about.

    Attributes
    ----------
    X
        Series, each float64 of shape (n_channels, n_values); values may be NaN or infinite.
    rows
        The line of each series, where the request is CSV.
    """

    X: Sequence[NDArray[np.float64]]
    rows: Sequence[int] | None = None

    def batches(self) -> Iterator[tuple[Sequence[NDArray[np.float64]], list[str]]]:
        """Yield the series that a network takes at once, and what to call them in errors.

        They are few where one of them is long: all get its length.
        """
        first = 0
        while first < len(self.X):
            end, longest = first, 1
            while end < len(self.X):
                longest = max(longest, self.X[end].shape[1])
                if end > first and end - first >= series_at_once(len(self.X[end]), longest):
                    break
                end += 1
            yield self.X[first:end], [self._place(i) for i in range(first, end)]
            first = end

    def _place(self, i: int) -> str:
        return _place(i, self.rows[i] if self.rows else None)


def read_json(body: bytes, takes: Preprocessing) -> Series:
    """Read the series of a body of JSON.

    Parameters
    ----------
    body
        In UTF-8.
    takes
        What the model does to series. Where that takes missing values, or series of any length, null is
        read as NaN.

    Raises
    ------
    DataError
        If it is no JSON, has other keys, or a series is none or of a shape that the model does not take.
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
    return Series([_series(row, takes, _place(i)) for i, row in enumerate(rows)])


def read_csv(
    body: bytes, takes: Preprocessing, *, header: bool | None = None, classes: tuple[str, ...] = ()
) -> Series:
    """Read the series of a body of CSV: a line each, with or without labels, as `lstmfcn predict` reads them.

    Parameters
    ----------
    body, takes
        As for `read_json`.
    header
        Whether the first line names the columns. None: it does if it holds no number, or counts them from 0
        as pandas does.
    classes
        Those of the model.

    Raises
    ------
    DataError
        If a line is no series of the model's shape.
    """
    if takes.n_channels > 1:
        raise DataError(
            f"CSV holds series of one channel, and the model takes {takes.n_channels}. Send JSON."
        )
    text = _text(body)
    if header is None:
        header = _is_header(next((line for line in text.splitlines() if line.strip()), ""))
    X: list[NDArray[np.float64]] = []
    rows: list[int] = []
    n_values = MOST_SERIES * takes.length
    with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        known = () if takes.lengths == "refuse" else classes  # the length tells labels from values
        reading = reading_for(takes, classes=known, layout=Layout(header=header))
        try:
            for found, _ in read_batches(Path(file.name), n_values, reading=reading):
                if reading.any_length and found.labels is not None and any(map(is_number, found.labels)):
                    raise DataError(
                        "The first column holds numbers that may be labels as well as values, since the "
                        "model takes series of any length. Send JSON."
                    )
                ends = found.ends() if reading.any_length else itertools.repeat(None)
                X += [x[:, :end] for x, end in zip(found.X, ends, strict=False)]
                rows += found.rows.tolist()
        except DataError as error:
            raise DataError(str(error).replace(file.name, "Body")) from None
    for i, (row, x) in enumerate(zip(rows, X, strict=True)):
        _check_length(x.shape[1], takes, _place(i, row))
    return Series(X, rows)


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


def _series(row: Any, takes: Preprocessing, place: str) -> NDArray[np.float64]:
    """Return a series, shape (n_channels, n_values)."""
    if not isinstance(row, list):
        raise DataError(f"{place}: {_word(row)} in a series' place. Each series is a list of its own.")
    flat = takes.n_channels == 1 and not any(isinstance(value, list) for value in row[:1])
    channels = [row] if flat else row
    for channel in channels:
        if not isinstance(channel, list):
            raise DataError(f"{place}: {_word(channel)} in a channel's place; {_shape(takes)}.")
    if len(channels) != takes.n_channels:
        raise DataError(f"{place}: {len(channels)} channels; {_shape(takes)}.")
    if len({*map(len, channels)}) > 1:
        raise DataError(f"{place}: its channels differ in length. End shorter ones with null.")
    _check_length(len(channels[0]), takes, place)
    return np.array([_channel(channel, takes, place) for channel in channels])


def _channel(channel: list[Any], takes: Preprocessing, place: str) -> NDArray[np.float64]:
    known = {float} if takes.strict else {float, type(None)}
    if not {*map(type, channel)} <= known:
        j, value = next((j, value) for j, value in enumerate(channel) if type(value) not in known)
        help_ = f" To take missing values, {MISSING_HELP} and train on that." if value is None else ""
        raise DataError(f"{place}: value {j} is {_word(value)}, not a number.{help_}")
    return np.array(channel, np.float64)  # None becomes NaN


def _check_length(n: int, takes: Preprocessing, place: str) -> None:
    if takes.lengths == "refuse" and n != takes.length:
        raise DataError(
            f"{place}: {n} values; {_shape(takes)}. To take series of other lengths, {LENGTHS_HELP} and "
            "train on that."
        )
    if not n:
        raise DataError(f"{place}: no values; {_shape(takes)}.")


def _shape(takes: Preprocessing) -> str:
    length = takes.length if takes.lengths == "refuse" else "any number"
    return f"the model takes {takes.n_channels} x {length} (channels x values)"


def _is_header(line: str) -> bool:
    fields = [field.strip().strip('"') for field in line.split("," if "," in line else None)]
    return fields == [str(i) for i in range(len(fields))] or not any(
        is_number(f) or is_missing(f) for f in fields
    )


def _place(i: int, row: int | None = None) -> str:
    return f"Series {i} (counted from 0)" + (f", row {row}" if row else "")


def _word(value: Any) -> str:
    return _WORDS.get(type(value), "a number")
