"""NumPy's `.npz` with series and labels, and `.npy` with series alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.fields import is_missing, label_of, spelled_alike
from lstmfcn.data.layout import Reading
from lstmfcn.data.series import LabelledSeries
from lstmfcn.data.textfile import opened
from lstmfcn.errors import DataError

SUFFIXES: tuple[str, ...] = (".npz", ".npy")

SERIES, LABELS = ("X", "x", "data", "series"), ("y", "Y", "labels", "label", "target", "classes")
"""The names under which the arrays are looked for."""

OPTIONS = ("label", "values", "group", "transpose")
"""What a person may say of such a file."""

SPLITS = (("X_train", "y_train"), ("X_test", "y_test"))
"""Their names in a file of both splits."""


def load(path: Path, reading: Reading) -> LabelledSeries:
    """Read series, shape (n_series, n_channels, length) or (n_series, length), and labels, shape (n_series,).

    The number of a series, from 1, counts as its row.

    Raises
    ------
    DataError
        If the file is missing or damaged, an array is lacking, or is no numbers.
    """
    layout = reading.layout
    found = _arrays(path)
    if isinstance(found, dict):
        given = layout.values[0] if layout.values else None
        name = _pick(path, found, given, SERIES, "--value")
        if name is None:
            raise DataError(
                f"{path} holds {_shapes(found)}: which array has the series? Call it X, or name it with "
                "--value."
            )
        raw = _wanted(path, found, name)
        key = None if layout.label == "none" else _pick(path, found, layout.label, LABELS, "--label")
        if layout.group and layout.group not in found:
            raise DataError(f"{path} holds {_shapes(found)}, no array {layout.group!r} for --group.")
        _say_others(path, found, {name, key, layout.group}, reading)
    else:
        raw, key = found, None
    X = _series(path, raw, reading)
    if isinstance(found, dict) and key is None and layout.label is None and reading.length is None:
        _doubt_labels(path, found, len(X), reading)
    reading.tell(f"an array of the shape {raw.shape}, {raw.dtype}")
    n = len(X)
    texts: dict[str, list[str] | None] = {"labels": None, "groups": None}
    for what, array in (("labels", key), ("groups", layout.group)):
        if isinstance(found, dict) and array is not None:
            texts[what] = _texts(path, _wanted(path, found, array), n, what)
    labels, groups = texts["labels"], texts["groups"]
    return LabelledSeries(
        X=X,
        labels=None if labels is None else _labels(path, labels, reading),
        rows=np.arange(1, n + 1),
        path=path,
        groups=None if groups is None else _groups(path, groups),
    )


def splits_in(path: Path) -> tuple[tuple[str, str], ...]:
    """Return the names of series and labels of both splits, if a file holds both of them."""
    if ".npz" not in path.suffixes[-2:]:
        return ()
    found = _arrays(path)
    return (
        SPLITS
        if isinstance(found, dict) and {name for pair in SPLITS for name in pair} <= found.keys()
        else ()
    )


def _arrays(path: Path) -> dict[str, NDArray[Any] | None] | NDArray[Any]:
    """Return what a file holds, None for an array of Python's objects."""
    with opened(path) as binary:
        try:
            content = np.load(binary, allow_pickle=False)
            if not hasattr(content, "files"):
                return np.asarray(content)
            return {name: _unpickled(content, name) for name in content.files}
        except Exception as error:  # noqa: BLE001 - zipfile, zlib, ast and NumPy each have theirs
            why = (str(error) or repr(error)).splitlines()[0]
            if "pickle" in str(error):
                raise DataError(
                    f"{path} cannot be read as arrays: it holds pickled objects, which may run code. Save "
                    "arrays of numbers, with numpy.savez, NaN after the end of a shorter series."
                ) from None
            raise DataError(
                f"{path} cannot be read as arrays: {why}. Write it again, or fetch it again."
            ) from None


def _unpickled(content: Any, name: str) -> NDArray[Any] | None:
    try:
        return np.asarray(content[name])
    except ValueError as error:
        if "pickle" in str(error) or "Object arrays" in str(error):
            return None
        raise


def _wanted(path: Path, found: dict[str, NDArray[Any] | None], name: str) -> NDArray[Any]:
    array = found[name]
    if array is None:
        raise DataError(
            f"{path}: the array {name!r} is of objects. Arrays of objects are not read, since they may "
            "run code. Save labels as text, y.astype(str), and series as numbers, NaN after the end of a "
            "shorter one."
        )
    return array


def _pick(
    path: Path,
    found: dict[str, NDArray[Any] | None],
    given: str | None,
    names: tuple[str, ...],
    option: str,
) -> str | None:
    if given is not None:
        if given not in found:
            raise DataError(f"{path} holds {_shapes(found)}, no array {given!r} for {option}.")
        return given
    known = [name for name in names if name in found]
    if len(known) > 1:
        raise DataError(f"{path} holds {' and '.join(known)}: say which one with {option}.")
    return known[0] if known else None


def _doubt_labels(path: Path, found: dict[str, NDArray[Any] | None], n: int, reading: Reading) -> None:
    """Doubt that there are no labels where an array has as many values as there are series."""
    flat = [name for name, array in found.items() if array is None or array.shape == (n,)]
    if flat:
        reading.doubt(
            f"{path} holds {_shapes(found)}: may {flat[0]} be the labels? Say --label {flat[0]}, or "
            "--label none if there are none."
        )


def _say_others(
    path: Path, found: dict[str, NDArray[Any] | None], used: set[str | None], reading: Reading
) -> None:
    """Say which arrays are not used, those of splits that were named apart."""
    splits = {name for pair in SPLITS for name in pair}
    others = {name: array for name, array in found.items() if name not in used}
    if left := {name: array for name, array in others.items() if name not in splits}:
        reading.tell(f"not used: {_shapes(left)}")
    if len(used & splits) < 2 and (split := [name for name in others if name in splits]):
        reading.doubt(f"{path}: {', '.join(split)} are not used. Name one split with --value and --label.")


def _series(path: Path, raw: NDArray[Any], reading: Reading) -> NDArray[np.float64]:
    if raw.dtype.kind not in "fiub":
        raise DataError(f"{path}: series of {raw.dtype}, not of numbers. Convert them first.")
    if raw.ndim not in (2, 3) or 0 in raw.shape:
        raise DataError(
            f"{path}: series of the shape {raw.shape}. It should be (series, values) or (series, channels, "
            "values)."
        )
    X = raw.astype(np.float64)
    if raw.dtype.itemsize > 8 and not np.array_equal(X.astype(raw.dtype), raw, equal_nan=True):
        raise DataError(
            f"{path}: series of {raw.dtype}, of more digits than float64 holds. Save them as float64."
        )
    if raw.dtype.kind in "iu" and raw.dtype.itemsize == 8 and ((X > 2**53) | (X < -(2**53))).any():
        raise DataError(
            f"{path}: whole numbers beyond 2**53, which float64 cannot tell apart. Scale them down."
        )
    if X.ndim == 2:
        return X[:, None, :]
    if reading.layout.transpose:
        return np.ascontiguousarray(X.transpose(0, 2, 1))
    _, n_channels, length = X.shape
    if n_channels > length > 1 and length != reading.length:
        reading.doubt(
            f"{path}: series of {n_channels} channels of {length} values. If the axes are (series, length, "
            "channels), as Keras and tsai have them, say --transpose, or save X.transpose(0, 2, 1)."
        )
    return X


def _texts(path: Path, array: NDArray[Any], n: int, what: str) -> list[str]:
    """Return labels or groups as text, one for each of n series."""
    if array.shape != (n,):
        hint = " Give each series one."
        if array.ndim == 2 and array.shape[0] == n:
            hint = (
                " Save y.ravel()." if array.shape[1] == 1 else " If they are one-hot, save y.argmax(axis=1)."
            )
        raise DataError(f"{path}: {what} of the shape {array.shape} for {n} series.{hint}")
    if array.dtype.kind == "S":
        try:
            return [text.decode() for text in array.tolist()]
        except UnicodeDecodeError:
            raise DataError(f"{path}: {what} of bytes that are not UTF-8. Save them as text.") from None
    if array.dtype.kind not in "Uiubf":
        raise DataError(f"{path}: {what} of {array.dtype}. Save them as text or whole numbers.")
    return [str(each) for each in array.tolist()]


def _labels(path: Path, labels: list[str], reading: Reading) -> NDArray[np.str_]:
    texts = [
        label_of(f"{path}, series {i}", label, classes=reading.known_classes)
        for i, label in enumerate(labels, start=1)
    ]
    return np.array(spelled_alike(texts), dtype=np.str_)


def _groups(path: Path, groups: list[str]) -> NDArray[np.str_]:
    for i, group in enumerate(groups, start=1):
        if is_missing(group):
            raise DataError(f"{path}, series {i}: the group is missing. Fill it in.")
    return np.array(groups)


def _shapes(found: Mapping[str, NDArray[Any] | None]) -> str:
    return (
        ", ".join(f"{name} {'of objects' if array is None else array.shape}" for name, array in found.items())
        or "no arrays"
    )
