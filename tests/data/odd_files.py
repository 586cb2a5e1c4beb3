"""Files as people hold and spoil them, each with the series it is made from, and a judge of what is read.

The files are made by the other `odd_*` modules; `odd_damages` damages sound ones at random.
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lstmfcn.data.fields import spelled_alike
from lstmfcn.data.fitting import read_for
from lstmfcn.data.layout import Layout
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.errors import LstmfcnError
from lstmfcn.study.adding import understand

NAMES = {
    "words": ["walk", "run", "sit"],
    "phrases": ["to walk, fast", "to run; slowly", "sit | lie"],
    "letters": ["Größe", "Höhe", "Maß"],
    "integers": ["1", "2", "3"],
    "signed": ["-1", "1"],
    "scientific": ["1.0000000e+00", "2.0000000e+00"],
    "zeros": ["01", "1", "001"],
    "versions": ["v1.1", "v1.10", "v1.2"],
    "large": ["9007199254740992", "9007199254740993"],
    "booleans": ["True", "False"],
    "sodium": ["Na", "K", "Cl"],
    "nothing": ["none", "some", "null"],
}


@dataclass(frozen=True, kw_only=True)
class Known:
    """Series: values of shape (n_series, n_channels, length), NaN where missing; texts of shape "
    "(n_series,)."""

    X: np.ndarray
    labels: tuple[str, ...] | None
    ids: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None

    def but(self, **changes):
        """Return the same with some parts changed."""
        return replace(self, **changes)

    def take(self, which):
        """Return some of the series, in this order."""
        texts = {
            name: None if (texts := getattr(self, name)) is None else tuple(texts[i] for i in which)
            for name in ("labels", "ids", "groups")
        }
        return Known(X=self.X[list(which)], **texts)


def known(*, n=12, channels=1, length=7, names="words", seed=0, whole=False):
    """Return series of fractions, or of whole numbers, whose labels take turns in a random order."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, channels, length)).round(4)
    if whole:
        X = rng.integers(-500, 500, size=X.shape).astype(float)
    labels = [NAMES[names][i % len(NAMES[names])] for i in range(n)]
    rng.shuffle(labels)
    return Known(X=X, labels=tuple(labels))


@dataclass(frozen=True, kw_only=True)
class Odd:
    """A file, and what may become of it.

    Attributes
    ----------
    name
        What is odd about it.
    file, content
        Its name, and its bytes.
    right
        What may be read from it; None where reading it is wrong, whatever is read.
    cause
        A pattern of what may be said when it is refused or doubted; empty where it must be read.
    layout
        What a person says of it.
    """

    name: str
    file: str
    content: bytes
    right: Known | None
    cause: str = ""
    layout: Layout = field(default_factory=Layout)


FAULTS = ("misread", "wrong cause", "refused in vain", "doubted in vain", "no file named", "crashed")


def judge(odd, folder, *, how="add"):
    """Return what becomes of a file, "read", "refused", "doubted" or one of `FAULTS`, and what is said."""
    path = Path(folder, odd.file)
    path.write_bytes(odd.content)
    said = []
    try:
        series, told = {"add": _added, "predict": _predicted}[how](odd, path)
        said += told
    except LstmfcnError as error:
        message = str(error)
        if odd.file.split(".")[0] not in message:
            return "no file named", message
        if not odd.cause:
            return "refused in vain", message
        return ("refused" if re.search(odd.cause, message) else "wrong cause"), message
    except Exception as error:  # noqa: BLE001 - whatever it is, nobody has put it into words
        return "crashed", repr(error)
    message = " | ".join(said)
    if odd.cause and re.search(odd.cause, message):
        return "doubted", message
    if odd.right is None or (difference := _difference(series, odd.right)):
        found = f"{difference if odd.right else 'it was read'}: {series.labels} {series.X.shape} {message}"
        return ("misread" if not said else "wrong cause"), found
    return ("doubted in vain" if said else "read"), message


def _added(odd, path):
    """Return the series as `lstmfcn add` reads them, in the order of the file, and what it finds odd."""
    found = understand([path], odd.layout, share=0.25, normalise="none", policies={"missing": "mask"})
    series = found.train, found.test
    order = np.argsort(np.concatenate([split.rows for split in series]), kind="stable")

    def joined(name):
        parts = [getattr(split, name) for split in series]
        return None if parts[0] is None else np.concatenate(parts)[order]

    lengths = np.concatenate([split.ends() for split in series])[order]
    together = replace(
        found.train,
        **{name: joined(name) for name in ("X", "labels", "rows", "ids", "groups")},
        lengths=lengths,
    )
    return together, [*found.odd, *(line for line in found.told if "not used" in line)]


def _predicted(odd, path):
    """Return the series as `lstmfcn predict` reads them: the model says how long they are, and the "
    "classes."""
    _, n_channels, length = odd.right.X.shape
    names = tuple(sorted({*(odd.right.labels or ())}))
    shape = Preprocessing("none", n_channels, length, missing="interpolate")
    return read_for(path, shape, "the model", classes=names, layout=odd.layout), []


def _difference(series, right):
    """Return in what read series differ from those that they were made from; empty if in nothing."""
    if series.X.shape != right.X.shape:
        return f"shape {series.X.shape} for {right.X.shape}"
    if not np.array_equal(series.X, right.X, equal_nan=True):
        return f"values, first in series {np.flatnonzero((series.X != right.X).any(axis=(1, 2)))[:1]}"
    for name in ("labels", "ids", "groups"):
        wanted, found = getattr(right, name), getattr(series, name)
        if name == "labels" and wanted is not None:
            wanted = tuple(spelled_alike(wanted))
        if wanted is not None and (found is None or tuple(found.tolist()) != wanted):
            return f"{name} {found} for {wanted}"
    return ""


def hole(X):
    """Return values without the first one."""
    X = X.copy()
    X[0, 0, 0] = np.nan
    return X


def sheet(data, *, label="first", title="label", titles="t{}", index=None, number=repr):
    """Return the cells of a wide table, the titles first unless `titles` is None."""
    values = [[number(float(v)) for v in x.ravel()] for x in data.X]
    rows = [*values] if data.labels is None or label is None else []
    for x, y in zip(values, data.labels or (), strict=False):
        if label is not None:
            rows.append([y, *x] if label == "first" else [*x, y])
    if titles is not None:
        head = [titles.format(i) for i in range(len(values[0]))]
        if len(rows[0]) > len(head):
            head = [title, *head] if label == "first" else [*head, title]
        rows.insert(0, head)
    if index is not None:
        first = 0 if titles is None else 1
        rows = [[*([index] if i < first else [str(i - first)]), *row] for i, row in enumerate(rows)]
    return rows


def text(rows, *, delimiter=",", newline="\n", quote=False, encoding="utf-8", end=""):
    """Return cells as the bytes of a file; cells that need it are quoted."""

    def cell(value):
        special = quote or any(mark in value for mark in (delimiter, '"', "\n"))
        return '"' + value.replace('"', '""') + '"' if special and delimiter != " " else value

    return (newline.join(delimiter.join(map(cell, row)) + end for row in rows) + newline).encode(encoding)
