"""NumPy's `.npz` with series and labels, and `.npy` with series alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.fields import label_of, spelled_alike
from lstmfcn.data.layout import Reading
from lstmfcn.data.series import LabelledSeries
from lstmfcn.data.textfile import opened
from lstmfcn.errors import DataError

SUFFIXES: tuple[str, ...] = (".npz", ".npy")

SERIES, LABELS = ("X", "x", "data", "series"), ("y", "Y", "labels", "label", "target", "classes")
"""The names under which the arrays are looked for."""

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
        raw = found[name]
        label = None if layout.label in ("none", "first", "last") else layout.label
        key = None if layout.label == "none" else _pick(path, found, label, LABELS, "--label")
        labels = None if key is None else found[key]
        groups = found.get(layout.group) if layout.group else None
        if layout.group and groups is None:
            raise DataError(f"{path} holds {_shapes(found)}, no array {layout.group!r} for --group.")
    else:
        raw, labels, groups = found, None, None
    X = _series(path, raw, reading)
    reading.tell(f"an array of the shape {raw.shape}, {raw.dtype}")
    n = len(X)
    for name, array in (("labels", labels), ("groups", groups)):
        if array is not None and array.shape != (n,):
            raise DataError(
                f"{path}: {name} of the shape {array.shape} for {n} series. Give each series one."
            )
    return LabelledSeries(
        X=X,
        labels=None if labels is None else _labels(path, labels, reading),
        rows=np.arange(1, n + 1),
        path=path,
        groups=None if groups is None else np.array([str(group) for group in groups.tolist()]),
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


def _arrays(path: Path) -> dict[str, NDArray[Any]] | NDArray[Any]:
    with opened(path) as binary:
        try:
            content = np.load(binary, allow_pickle=False)
            return {name: content[name] for name in content.files} if hasattr(content, "files") else content
        except Exception as error:  # noqa: BLE001 - zipfile, zlib, ast and NumPy each have theirs
            hint = (
                " Arrays of objects are not read, as they may hold code: put NaN after the end of a shorter "
                "series."
                if "pickle" in str(error)
                else ""
            )
            raise DataError(
                f"{path} cannot be read as arrays: {(str(error) or repr(error)).splitlines()[0]}.{hint}"
            ) from None


def _pick(
    path: Path, found: dict[str, NDArray[Any]], given: str | None, names: tuple[str, ...], option: str
) -> str | None:
    if given is not None:
        if given not in found:
            raise DataError(f"{path} holds {_shapes(found)}, no array {given!r} for {option}.")
        return given
    return next((name for name in names if name in found), None)


def _series(path: Path, raw: NDArray[Any], reading: Reading) -> NDArray[np.float64]:
    if raw.dtype.kind not in "fiub":
        raise DataError(f"{path}: series of {raw.dtype}, not of numbers. Convert them first.")
    if raw.ndim not in (2, 3) or 0 in raw.shape:
        raise DataError(
            f"{path}: series of the shape {raw.shape}. It should be (series, values) or (series, channels, "
            "values)."
        )
    X = raw.astype(np.float64)
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


def _labels(path: Path, labels: NDArray[Any], reading: Reading) -> NDArray[np.str_]:
    texts = [
        label_of(f"{path}, series {i}", str(label), classes=reading.known_classes)
        for i, label in enumerate(labels.tolist(), start=1)
    ]
    return np.array(spelled_alike(texts), dtype=np.str_)


def _shapes(found: dict[str, NDArray[Any]]) -> str:
    return ", ".join(f"{name} {array.shape}" for name, array in found.items()) or "no arrays"
