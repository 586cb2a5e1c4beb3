"""Predictions as a table: one format for out-of-fold, test and new series.

The file is a CSV in UTF-8, a row a series: `series`, counted from 1; `row`, its line in the file that the
series came from, and `fold`, who held it out (-1: nobody), where there are such; `label`, where it is known;
`predicted`; `unlike`, 1 for a series that looks unlike the training series and 0 for others, where that was
asked; and a column `p:<class>` of probabilities for each class, empty where there is no prediction.

A label that a spreadsheet would take for a formula (it begins with =, +, -, @, a tab or a line break, and is
no plain number) stands behind an apostrophe, and so does one that begins with apostrophes and then such a
character: taking one away gives each label back. `Predictions.from_csv` does, and pandas by
`table["predicted"].str.replace(APOSTROPHE, "", regex=True)`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.errors import DataError

PROBABILITY = "p:"
"""How the columns of probabilities begin; the class follows."""

_FORMULA = re.compile(r"'*(?:\s*[=+\-@＝＋－＠]|[\t\r\n])")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

APOSTROPHE = re.compile(rf"^'(?={_FORMULA.pattern})")
"""What is to be taken away from the labels of a file."""


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What a classifier says of some series.

    Attributes
    ----------
    classes
        The labels, in the order of the columns of `probabilities`.
    probabilities
        float32, shape (n_series, n_classes); a row of NaN for a series without a prediction.
    labels
        The true labels as text, shape (n_series,), or None; they may be none of the classes.
    fold
        int64, shape (n_series,): who held each series out, -1 for nobody; or None.
    row
        int64, shape (n_series,): the line of each series in its file; or None.
    decided
        int64, shape (n_series,): the predicted classes, -1 for none, where they are known apart from the
        probabilities: in a file these are rounded, and two may look equal. None: the highest probability.
    unlike
        bool, shape (n_series,): which series look unlike the training series; or None.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """

    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]
    labels: NDArray[np.str_] | None = None
    fold: NDArray[np.int64] | None = None
    row: NDArray[np.int64] | None = None
    decided: NDArray[np.int64] | None = None
    unlike: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        n = len(self.probabilities)
        fields = (self.labels, self.fold, self.row, self.decided, self.unlike)
        if self.probabilities.shape != (n, len(self.classes)) or any(
            field is not None and field.shape != (n,) for field in fields
        ):
            raise ValueError(
                f"Probabilities {self.probabilities.shape} do not fit {len(self.classes)} classes or the "
                "labels, folds and rows beside them."
            )

    @property
    def held(self) -> NDArray[np.bool_]:
        """Which series have a prediction, shape (n_series,)."""
        return np.asarray(~np.isnan(self.probabilities).any(axis=1), dtype=np.bool_)

    @property
    def y(self) -> NDArray[np.int64]:
        """The true classes as indices, int64 (n_series,); -1 where the label is unknown or no class."""
        index = {label: k for k, label in enumerate(self.classes)}
        labels: Iterable[Any] = [None] * len(self.probabilities) if self.labels is None else self.labels
        return np.array([index.get(label, -1) for label in labels], dtype=np.int64)

    @property
    def predicted_y(self) -> NDArray[np.int64]:
        """The predicted classes as indices, int64 (n_series,); -1 where there is no prediction."""
        if self.decided is not None:
            return self.decided
        highest = np.where(self.held[:, None], self.probabilities, 0).argmax(axis=1)
        return np.where(self.held, highest, -1).astype(np.int64)

    @property
    def predicted(self) -> NDArray[np.str_]:
        """The predicted labels as text, shape (n_series,); empty where there is no prediction."""
        return np.array([*self.classes, ""])[self.predicted_y]

    def to_csv(self, *, digits: int = 7, first: int = 1) -> bytes:
        """Return the file, or a piece of it; equal predictions give equal bytes.

        Parameters
        ----------
        digits
            Of the probabilities; with 9 they read back equal to the bit.
        first
            The number of the first series. The header stands above series 1 alone, so the pieces of a file
            follow each other.
        """
        columns: dict[str, Iterable[str]] = {
            "series": map(str, range(first, first + len(self.probabilities)))
        }
        for name in ("row", "fold"):
            if (values := getattr(self, name)) is not None:
                columns[name] = map(str, values.tolist())
        if self.labels is not None:
            columns["label"] = map(_cell, self.labels.tolist())
        columns["predicted"] = map(_cell, self.predicted.tolist())
        if self.unlike is not None:
            columns["unlike"] = map(str, self.unlike.astype(int).tolist())
        for label, values in zip(self.classes, self.probabilities.T, strict=True):
            columns[PROBABILITY + label] = ["" if np.isnan(p) else f"{p:.{digits}g}" for p in values.tolist()]
        lines: list[Iterable[str]] = [map(_cell, columns)] if first == 1 else []
        lines += zip(*columns.values(), strict=True)
        return "".join(",".join(line) + "\n" for line in lines).encode()

    @classmethod
    def from_csv(cls, source: bytes | Path) -> Predictions:
        """Read what `to_csv` wrote.

        Parameters
        ----------
        source
            The content of a file, or its path.

        Raises
        ------
        DataError
            If it is no such file, naming the row that is at fault.
        """
        name = "The table of predictions" if isinstance(source, bytes) else str(source)
        try:
            content = source if isinstance(source, bytes) else source.read_bytes()
            header, *rows = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
        except (OSError, ValueError, csv.Error) as error:
            raise DataError(f"{name} cannot be read: {error}. Make it again.") from error
        if header[:1] != ["series"] or "predicted" not in header:
            raise DataError(
                f"{name} is no table of predictions: series or predicted is missing. Make it again."
            )
        for at, row in enumerate(rows, start=2):
            if len(row) != len(header):
                raise DataError(f"{name}, row {at}: {len(row)} columns, not {len(header)}. Make it again.")
        columns = dict(zip(header, zip(*rows, strict=True) if rows else ((),) * len(header), strict=True))
        for column in {"label", "predicted"} & columns.keys():
            columns[column] = tuple(APOSTROPHE.sub("", text) for text in columns[column])
        classes = tuple(c.removeprefix(PROBABILITY) for c in header if c.startswith(PROBABILITY))
        index = {label: k for k, label in enumerate(classes)} | {"": -1}
        try:
            return cls(
                classes=classes,
                probabilities=np.array(
                    [[float(p or "nan") for p in columns[PROBABILITY + label]] for label in classes],
                    dtype=np.float32,
                ).T,
                labels=np.array(columns["label"], dtype=np.str_) if "label" in columns else None,
                fold=np.array(columns["fold"], dtype=np.int64) if "fold" in columns else None,
                row=np.array(columns["row"], dtype=np.int64) if "row" in columns else None,
                decided=np.array([index[label] for label in columns["predicted"]], dtype=np.int64),
                unlike=np.array(columns["unlike"], dtype=np.int64) == 1 if "unlike" in columns else None,
            )
        except (ValueError, KeyError) as error:
            raise DataError(f"{name} holds what is no prediction: {error}. Make it again.") from error


def _cell(text: str) -> str:
    """Return a label as a file holds it; Python's own writer leaves a lone carriage return without quotes."""
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\r\n') else text
