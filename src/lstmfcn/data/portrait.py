"""A dataset in a few lines of text: its sizes, its classes, and a line drawn for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.series import LabelledSeries

BLOCKS, PLAIN = "▁▂▃▄▅▆▇█", "_.,-~+*#"
"""From the lowest value to the highest; the latter where the terminal knows ASCII alone."""

WIDTH = 40
MOST_CLASSES = 20


def portrait(splits: Sequence[LabelledSeries], *, encoding: str = "utf-8") -> list[str]:
    """Return lines about a dataset's splits, or about all of it; `encoding` is that of the terminal."""
    first = splits[0]
    n_series = sum(len(split.X) for split in splits)
    lengths = np.concatenate([split.ends() for split in splits])
    length = str(lengths.min()) if lengths.min() == lengths.max() else f"{lengths.min()} to {lengths.max()}"
    n_channels = first.X.shape[1]
    lines = [f"{n_series} series of {n_channels} channel{'s' * (n_channels > 1)} and {length} values"]
    counts = [Counter(split.labels.tolist() if split.labels is not None else ()) for split in splits]
    labels = list(dict.fromkeys(label for count in counts for label in sorted(count)))
    width = max(map(len, [*labels[:MOST_CLASSES], "class"]), default=5)
    heads = ["train", "test"] if len(splits) == 2 else ["series"]
    lines.append("  ".join([f"  {'class':<{width}}", *(f"{head:>6}" for head in heads), "the first of each"]))
    for label in labels[:MOST_CLASSES]:
        numbers = (f"{count[label]:>6}" for count in counts)
        split = next(split for split, count in zip(splits, counts, strict=True) if count[label])
        assert split.labels is not None
        at = int(np.flatnonzero(split.labels == label)[0])
        x = split.X[at, 0, : split.ends()[at]]
        lines.append("  ".join([f"  {label:<{width}}", *numbers, sparkline(x, encoding=encoding)]))
    if len(labels) > MOST_CLASSES:
        lines.append(f"  and {len(labels) - MOST_CLASSES} more classes")
    return lines


def sparkline(x: NDArray[np.float64], *, width: int = WIDTH, encoding: str = "utf-8") -> str:
    """Draw a series, shape (length,), in one line of text; where values are missing it is blank."""
    try:
        BLOCKS.encode(encoding)
        marks = BLOCKS
    except (UnicodeEncodeError, LookupError):
        marks = PLAIN
    finite = np.where(np.isfinite(x), x, np.nan)
    if np.isnan(finite).all():
        return ""
    low, high = float(np.nanmin(finite)), float(np.nanmax(finite))
    drawn = []
    for piece in np.array_split(finite, min(width, len(x))):
        known = piece[~np.isnan(piece)]
        if not len(known):
            drawn.append(" ")
            continue
        mean = float((known / len(known)).sum())
        share = (mean / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5
        drawn.append(marks[min(len(marks) - 1, max(0, int(share * len(marks))))])
    return "".join(drawn)
