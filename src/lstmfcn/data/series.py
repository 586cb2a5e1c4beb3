"""The two values that all data passes through: a set of series as read, and a split as prepared."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.lengths import ends
from lstmfcn.errors import DataError
from lstmfcn.files import hash_of, read_arrays, write_arrays


@dataclass(frozen=True)
class LabelledSeries:
    """Series as a file holds them.

    Attributes
    ----------
    X
        float64, shape (n_series, n_channels, length); missing values are NaN, and so is what follows the end
        of a series that is shorter than the longest.
    labels
        The labels as text, shape (n_series,), spelled as `lstmfcn.data.fields.spelled_alike` does;
        None where the file has none.
    rows
        The 1-based line of the file on which each series stands, or begins, shape (n_series,).
    path
        The file.
    lengths
        int64, shape (n_series,): how many values each series has; None where all have as many as `X` holds.
    ids, groups
        Text, shape (n_series,): what the file calls each series, and to which patient or machine it belongs;
        None where the file does not say.
    """

    X: NDArray[np.float64]
    labels: NDArray[np.str_] | None
    rows: NDArray[np.int64]
    path: Path
    lengths: NDArray[np.int64] | None = None
    ids: NDArray[np.str_] | None = None
    groups: NDArray[np.str_] | None = None

    @property
    def places(self) -> list[str]:
        """Where each series stands, for errors."""
        return [f"{self.path}, row {row}" for row in self.rows]

    def ends(self) -> NDArray[np.int64]:
        """Return how many values each series has, int64, shape (n_series,).

        Where the file does not say, a series ends at its last value; one without any is as long as all.
        """
        if self.lengths is not None:
            return self.lengths
        own = ends(self.X)
        return np.where(own == 0, self.X.shape[-1], own)

    def take(self, which: NDArray[np.integer] | slice) -> LabelledSeries:
        """Return some of the series, in this order."""

        def part(values: NDArray[Any] | None) -> NDArray[Any] | None:
            return None if values is None else values[which]

        return LabelledSeries(
            self.X[which],
            part(self.labels),
            self.rows[which],
            self.path,
            lengths=part(self.lengths),
            ids=part(self.ids),
            groups=part(self.groups),
        )


@dataclass(frozen=True)
class Split:
    """One split of a dataset, ready for the models.

    Attributes
    ----------
    X
        float32, shape (n_series, n_channels, length), as the `prepare` stage prepared it; NaN after the end
        of a series that is padded.
    y
        int64, shape (n_series,): the index of each series' label in `classes`.
    classes
        The labels as text, sorted by value.
    groups
        Text, shape (n_series,): to which patient or machine each series belongs; None where nobody says so.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]
    classes: tuple[str, ...]
    groups: NDArray[np.str_] | None = None

    @property
    def hash(self) -> str:
        """The SHA-256, in hex, of what the split holds, whatever file it came from."""
        parts: list[object] = [list(self.classes)]
        for array in (self.X, self.y):
            content = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
            parts.append([list(array.shape), array.dtype.str, content])
        if self.groups is not None:
            parts.append(self.groups.tolist())
        return hash_of(*parts)

    def save(self, path: Path) -> None:
        """Write the split as `.npz`."""
        arrays: dict[str, NDArray[Any]] = {"X": self.X, "y": self.y}
        arrays["classes"] = np.array(self.classes, dtype=np.str_)
        if self.groups is not None:
            arrays["groups"] = self.groups
        write_arrays(path, arrays)

    @classmethod
    def load(cls, path: Path) -> Split:
        """Read a split that `save` wrote.

        Raises
        ------
        DataError
            If the file is missing or damaged.
        """
        try:
            arrays = read_arrays(path)
            X, y, classes, groups = arrays["X"], arrays["y"], arrays["classes"], arrays.get("groups")
            if X.ndim != 3 or y.shape != X.shape[:1] or X.dtype != np.float32 or y.dtype != np.int64:
                raise ValueError(f"X is {X.dtype} {X.shape}, y is {y.dtype} {y.shape}")
            if classes.ndim != 1 or not np.isin(y, np.arange(len(classes))).all():
                raise ValueError("its classes and y do not fit together")
            if groups is not None and (groups.shape != y.shape or groups.dtype.kind != "U"):
                raise ValueError(f"groups is {groups.dtype} {groups.shape}")
            return cls(X, y, tuple(str(c) for c in classes), groups)
        except FileNotFoundError:
            raise DataError(f"{path} is missing. Run the stage that makes it: `dvc repro prepare`.") from None
        except Exception as error:
            raise DataError(f"{path} is damaged ({error}). Delete it and run `dvc repro prepare`.") from error


def encode_labels(labels: NDArray[np.str_]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Encode labels by their own sorted values: numbers by value, anything else by text.

    Parameters
    ----------
    labels
        Text, shape (n_series,).

    Returns
    -------
    y, classes
        int64 indices, shape (n_series,), into the tuple of distinct labels.
    """
    distinct = {str(label) for label in labels}
    try:
        classes = tuple(sorted(distinct, key=lambda label: (float(label), label)))
    except ValueError:
        classes = tuple(sorted(distinct))
    index = {label: i for i, label in enumerate(classes)}
    return np.array([index[str(label)] for label in labels], dtype=np.int64), classes
