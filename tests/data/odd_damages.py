"""Sound files damaged at random, once or twice, against what others read from the same bytes.

Alone, `odd_damages.py SECONDS` goes on for so long: see `make fuzz`.
"""

import io
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import pandas as pd
from odd_archives import arff, ts
from odd_files import FAULTS, NAMES, Known, Odd, judge, known, sheet, text

MISSING = {"", "?", "na", "nan", "n/a", "null", "none", "<na>", "#n/a"}
FIELDS = (
    "",
    "abc",
    "1,5",
    "1.5",
    "12 mV",
    "nan",
    "-",
    "1e400",
    "walk",
    "0",
    "12.345",
    "2024-01-01",
    '"',
    "1_0",
    "#",
)


BYTES = b"0123456789.,;:|-+eE\"'%# \t\r\n\x00"


@dataclass(frozen=True)
class Base:
    """A sound file: how it is written, and what it holds."""

    file: str
    delimiter: str
    content: bytes
    titled: bool = False
    decimal: str = "."


def bases():
    """Return the files that are damaged."""
    found = []
    for titles in ("t{}", None):
        for label in ("first", "last"):
            for delimiter, decimal in ((",", "."), (";", ","), ("\t", "."), ("|", ".")):
                rows = sheet(
                    known(), label=label, titles=titles, number=lambda v, d=decimal: repr(v).replace(".", d)
                )
                quote = delimiter == "|"
                content = text(rows, delimiter=delimiter, quote=quote)
                found.append(Base("a.csv", delimiter, content, titles is not None, decimal))
    found += [Base("a.ts", ":", ts(data).encode()) for data in (known(), known(channels=2))]
    return [*found, Base("a.arff", ",", arff(known()).encode())]


def damaged(base, rng):
    """Return the bytes of a file after a random change of bytes, fields, rows or columns."""
    content = base.content
    for _ in range(rng.integers(1, 3)):
        content = _CHANGES[rng.integers(len(_CHANGES))](base, content, rng)
    return content


def _bytes(base, content, rng):
    at, change = rng.integers(len(content)), rng.integers(4)
    if change == 0:
        return content[:at] + content[at + 1 :]
    if change == 1:
        return content[:at] + content[at : at + 1] + content[at:]
    piece = bytes([rng.choice([*BYTES, rng.integers(256)])])
    return content[:at] + piece + content[at + (change == 2) :]


def _fields(base, content, rng):
    lines = content.split(b"\n")
    i = rng.integers(len(lines))
    parting = (b"," if base.file == "a.ts" else base.delimiter.encode()) if rng.integers(8) else b":"
    cells = lines[i].split(parting)
    j, change = rng.integers(len(cells)), rng.integers(4)
    if change == 0:
        del cells[j]
    elif change == 1:
        cells.insert(j, cells[j])
    elif change == 2:
        cells[j], cells[j - 1] = cells[j - 1], cells[j]
    else:
        cells[j] = FIELDS[rng.integers(len(FIELDS))].encode()
    lines[i] = parting.join(cells)
    return b"\n".join(lines)


def _rows(base, content, rng):
    lines = content.split(b"\n")
    i, j = rng.integers(len(lines), size=2)
    change = rng.integers(4)
    if change == 0:
        del lines[i]
    elif change == 1:
        lines.insert(i, lines[i])
    elif change == 2:
        lines[i], lines[j] = lines[j], lines[i]
    else:
        lines.insert(i, rng.choice([b"", b" ", b"# a note", b"Total,1,2", b",,,,,,,", b"=====", b"walk"]))
    return b"\n".join(lines)


def _columns(base, content, rng):
    rows = [line.split(base.delimiter.encode()) for line in content.split(b"\n")]
    j, k = rng.integers(8, size=2)
    change = rng.integers(3)
    for row in rows:
        if len(row) > max(j, k):
            if change == 0:
                del row[j]
            elif change == 1:
                row[j], row[k] = row[k], row[j]
            else:
                row.insert(j, row[j])
    return b"\n".join(base.delimiter.encode().join(row) for row in rows)


_CHANGES = (_bytes, _bytes, _bytes, _fields, _fields, _rows, _rows, _columns)


def seen(base, content):
    """Return what another reader reads from these bytes; None where it reads none, or labels of another "
    "kind."""
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        decoded = content.decode("cp1252", "replace")
    try:
        if base.file == "a.csv":
            return _by_pandas(base, decoded)
        return _of_lines(base, decoded)
    except (ValueError, IndexError, StopIteration):
        return None


def _by_pandas(base, decoded):
    filled = "\n".join(line for line in decoded.split("\n") if line.strip())
    frame = pd.read_csv(
        io.StringIO(filled),
        sep=base.delimiter,
        header=None,
        dtype=str,
        keep_default_na=False,
        skipinitialspace=True,
    )
    rows = frame.to_numpy().tolist()
    if any(not isinstance(cell, str) for row in rows for cell in row):
        return None  # rows cut short
    if base.titled and sum(_is_number(cell, base.decimal) for cell in rows[0]) < len(rows[0]) / 2:
        titles, *rows = rows
    else:
        titles = []
    named = [j for j, title in enumerate(titles) if title.strip() == "label"]
    shares = [sum(row[j].strip() in NAMES["words"] for row in rows) for j in range(len(rows[0]))]
    label = named[0] if len(named) == 1 else int(np.argmax(shares))
    if shares[label] < len(rows) / 2:
        return None
    X = [[_number(cell, base.decimal) for j, cell in enumerate(row) if j != label] for row in rows]
    return _known(X, [row[label] for row in rows])


def _of_lines(base, decoded):
    lines = [line for line in decoded.splitlines() if line.strip()]
    at = next(i for i, line in enumerate(lines) if line.strip().lower().startswith("@data"))
    series, labels = [], []
    for line in lines[at + 1 :]:
        if line.lstrip().startswith(("#", "%")):
            continue
        *channels, label = line.split(base.delimiter)
        channels = [channel.split(",") for channel in channels] if base.file == "a.ts" else [channels]
        series.append([[_number(cell, ".") for cell in channel] for channel in channels])
        labels.append(label)
    return _known(series, labels)


def _known(X, labels):
    array = np.array(X, dtype=float)
    return Known(
        X=array if array.ndim == 3 else array[:, None], labels=tuple(label.strip() for label in labels)
    )


def _number(cell, decimal):
    cell = cell.strip()
    if cell.lower() in MISSING:
        return np.nan
    if "_" in cell or (decimal == "," and "." in cell):
        raise ValueError(cell)
    return float(cell.replace(decimal, ".", 1))


def _is_number(cell, decimal):
    try:
        return not np.isnan(_number(cell, decimal))
    except ValueError:
        return False


def every(n, seed=0):
    """Yield damaged files, each with what another reader reads from it."""
    rng = np.random.default_rng(seed)
    sound = bases()
    for i in range(n):
        base = sound[i % len(sound)]
        content = damaged(base, rng)
        yield Odd(
            name=f"damage {seed}/{i} of {base.file} {base.delimiter!r}",
            file=base.file,
            content=content,
            right=seen(base, content),
            cause=".",
        )


GRAMMAR = ("odd_tables", "odd_cells", "odd_long", "odd_archives", "odd_binaries", "odd_disguises")
"""The modules of files that are odd in ways that people know."""


def main(seconds):
    """Judge the files of the grammar, then damaged ones for so many seconds; return the counts, and "
    "what is wrong."""
    end, seed = time.monotonic() + seconds, 0
    counts, wrong = {"odd": Counter(), "damaged": Counter()}, []
    with tempfile.TemporaryDirectory() as folder:

        def look(kind, cases):
            for odd in cases:
                outcome, message = judge(odd, folder)
                counts[kind][outcome] += 1
                if outcome in FAULTS:
                    wrong.append(f"{outcome}: {odd.name}: {message}\n{odd.content!r}")

        for name in GRAMMAR:
            look("odd", import_module(name).every())
        while time.monotonic() < end:
            seed += 1
            look("damaged", every(500, seed))
    return "".join(f"{n.total()} {kind} files: {dict(n)}\n" for kind, n in counts.items()), wrong


if __name__ == "__main__":
    said, misread = main(float(sys.argv[1]))
    sys.stdout.write(said)
    sys.exit("\n".join(misread) or 0)
