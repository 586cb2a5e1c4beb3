"""The `.arff` format of Weka, as the archive has it: attributes, then one series a line, the label last.

Several channels stand in one quoted field, a channel a line, as a relational attribute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lstmfcn.data.dialect import LABELS
from lstmfcn.data.fields import Record, label_of, numbers
from lstmfcn.data.textfile import TextFile
from lstmfcn.errors import DataError

SUFFIXES: tuple[str, ...] = (".arff",)

_ATTRIBUTE = re.compile(r"""@attribute\s+('(?:[^'\\]|\\.)*'|"[^"]*"|\S+)\s+(.*)""", re.IGNORECASE)
_FIELD = re.compile(
    r"""\s*(?:'([^'\\]*(?:\\.[^'\\]*)*)'\s*|"([^"\\]*(?:\\.[^"\\]*)*)"\s*|((?!['"])[^,]*))(,|$)"""
)
_NUMERIC = ("numeric", "real", "integer")


def records(file: TextFile, *, length: int | None = None) -> Iterator[Record]:  # noqa: ARG001
    """Read series one by one; see `lstmfcn.data.readers.read_series`.

    The header says which attribute is the label.
    """
    path, lines = file.path, iter(file)
    kinds, classes = _read_header(path, lines)
    labels = [i for i, kind in enumerate(kinds) if kind == "label"]
    if len(labels) > 1:
        raise DataError(
            f"{path}: {len(labels)} attributes are no numbers. Keep the label alone, or convert it to CSV."
        )
    shape: tuple[int, int] | None = None
    for row, line in lines:
        if line.lstrip().startswith("%"):
            continue
        if line.lstrip().startswith("{"):
            raise DataError(f"{path}, row {row}: sparse series are not read. Write them in full.")
        cells = _cells(path, row, line)
        if len(cells) != len(kinds):
            raise DataError(
                f"{path}, row {row}: {len(cells)} fields, where the header has {len(kinds)} attributes."
            )
        label = None
        if labels:
            place = f"{path}, row {row}, column {labels[0] + 1}"
            label = label_of(place, cells[labels[0]], classes=classes)
            if classes and label not in classes:
                raise DataError(f"{place}: the label {label!r} is none of the header's. Correct one of them.")
        values = [i for i in range(len(cells)) if i not in labels]
        if "relational" in kinds:
            channels = [numbers(path, row, text.split(",")) for text in re.split(r"\\n|\n", cells[values[0]])]
        else:
            channels = [numbers(path, row, [cells[i] for i in values], columns=[i + 1 for i in values])]
        if len({len(channel) for channel in channels}) > 1:
            raise DataError(f"{path}, row {row}: its channels differ in length. Pad or resample first.")
        shape = shape or (len(channels), len(channels[0]))
        if len(channels) != shape[0]:
            raise DataError(
                f"{path}, row {row}: {len(channels)} channel(s), where the first series has {shape[0]}."
            )
        yield Record(row, label, np.array(channels))


def _read_header(path: Path, lines: Iterator[tuple[int, str]]) -> tuple[list[str], tuple[str, ...]]:
    """Read up to `@data`; return the kind of each attribute, and the classes."""
    kinds: list[str] = []
    classes: tuple[str, ...] = ()
    inside = False  # a relational attribute, whose own attributes count for one
    for row, text in lines:
        line = text.strip()
        lower = line.lower()
        if lower.startswith("@data"):
            if not kinds:
                raise DataError(f"{path}, row {row}: no @attribute stands before @data.")
            return kinds, classes
        if lower.startswith("@end"):
            inside = False
        elif found := _ATTRIBUTE.fullmatch(line):
            kind = found[2].strip()
            if inside:
                continue
            if kind.lower() == "relational":
                inside = True
                kinds.append("relational")
            elif kind.lower().split()[0] in _NUMERIC:
                if found[1].strip("'\"").lower() in LABELS:
                    raise DataError(
                        f"{path}, row {row}: the attribute {found[1]} is {kind}. If it holds labels, write "
                        f"@attribute {found[1]} and their names in braces, as in {{1,2}}; if it holds "
                        "values, name it otherwise."
                    )
                kinds.append("number")
            elif kind.startswith("{"):
                kinds.append("label")
                classes = tuple(_cells(path, row, kind.strip("{} ")))
            elif kind.lower() == "string":
                kinds.append("label")
            else:
                raise DataError(
                    f"{path}, row {row}: attributes of the kind {kind[:20]!r} are not read. Take it out."
                )
        elif re.match(r"@(problemname|classlabel|univariate|timestamps)\b", lower):
            raise DataError(f"{path}, row {row}: text of the .ts format. Rename the file to {path.stem}.ts.")
        elif not lower.startswith(("@relation", "%")):
            raise DataError(
                f"{path}, row {row}: not understood before the line @data. Add that line, or correct it."
            )
    raise DataError(f"{path} has no line @data: the file is cut short, or is not of the .arff format.")


def _cells(path: Path, row: int, line: str) -> list[str]:
    """Return the fields of a line; quotes are single or double, those within have a backslash."""
    if "'" not in line and '"' not in line:
        return [cell.strip() for cell in line.split(",")]
    cells, at = [], 0
    while at <= len(line):
        found = _FIELD.match(line, at)
        if found is None:
            raise DataError(
                f"{path}, row {row}: a quote may be open, at {line[at : at + 20]!r}. A quote within "
                "quotes has a backslash before it."
            )
        plain = found[3] is not None
        cells.append(found[3].strip() if plain else re.sub(r"\\(['\"\\])", r"\1", found[1] or found[2] or ""))
        at = found.end()
        if not found[4]:
            break
    return cells
