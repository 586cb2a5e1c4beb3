"""Fetched series in numbers, a row each: what the checks look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lstmfcn.data.lengths import ends
from lstmfcn.data.series import LabelledSeries


def describe(series: LabelledSeries, other: LabelledSeries) -> pd.DataFrame:
    """Return a row for each series.

    Parameters
    ----------
    series, other
        A split, and the other one of the dataset.

    Returns
    -------
    pandas.DataFrame
        Columns row (of the file), length (up to the last value that is not missing), n_missing (before
        that), n_infinite, mean and spread (of the finite values, over all channels), relative_spread (to
        the largest of them; 0 where all are 0), label, copies_within and copies_across (other series with
        the same values in the split, and in the other one), group_across (1 if the other split has series
        of its group).
    """
    values = series.X.copy()
    missing: NDArray[np.bool_] = np.isnan(values)
    infinite: NDArray[np.bool_] = np.isinf(values)
    width = values.shape[-1]
    steps = series.ends()
    inside = np.less(np.arange(width), steps[:, None, None])
    values[missing | infinite] = np.nan
    with np.errstate(invalid="ignore"):
        filled = np.where(np.isnan(values), 0.0, values)
        count = np.maximum((~np.isnan(values)).sum(axis=(1, 2)), 1)
        largest = np.abs(filled).max(axis=(1, 2))
        unit = np.where(largest > 0, largest, 1.0)  # in which no square leaves float64
        mean = (filled / unit[:, None, None]).sum(axis=(1, 2)) / count
        deviation = np.where(np.isnan(values), 0.0, values / unit[:, None, None] - mean[:, None, None])
        spread = np.sqrt(np.square(deviation).sum(axis=(1, 2)) / count)
    prints, others = _prints(series.X), _prints(other.X)
    here, there = Counter(prints), Counter(others)
    return pd.DataFrame(
        {
            "row": series.rows,
            "length": steps,
            "n_missing": (missing & inside).sum(axis=(1, 2)),
            "n_infinite": infinite.sum(axis=(1, 2)),
            "mean": mean * unit,
            "spread": spread * unit,
            "relative_spread": spread,
            "label": series.labels,
            "copies_within": [here[p] - 1 for p in prints],
            "copies_across": [there[p] for p in prints],
            "group_across": _groups_in_both(series, other),
        }
    )


def _groups_in_both(series: LabelledSeries, other: LabelledSeries) -> NDArray[np.int64]:
    if series.groups is None or other.groups is None:
        return np.zeros(len(series.X), np.int64)
    return np.isin(series.groups, other.groups).astype(np.int64)


def _prints(X: NDArray[np.float64]) -> list[bytes]:
    """Return what tells series apart, however much NaN stands after their ends."""
    return [series[:, :end].tobytes() for series, end in zip(X, ends(X), strict=True)]


def summarise(series: LabelledSeries, labels: Mapping[str, set[str]]) -> pd.DataFrame:
    """Return one row about a whole split; `labels` holds those that occur, by split."""
    counts = Counter(map(str, series.labels if series.labels is not None else ()))
    return pd.DataFrame(
        {
            "n_series": [len(series.rows)],
            "length": [series.X.shape[-1]],
            "n_classes": [len(counts)],
            "n_rare": [sum(n == 1 for n in counts.values())],
            "n_absent": [len(labels["train"] | labels["test"]) - len(counts)],
        }
    )
