"""Methods compared pair by pair: what nothing else in the comparison has a say in.

Ranks, and tests of ranks, change with what else is compared. Of a pair the mean difference, wins, ties and
losses, and Wilcoxon's p do not: the multi-comparison matrix shows these (Ismail-Fawaz et al., 2023, An
Approach to Multiple Comparison Benchmark Evaluations that is Stable Under Manipulation of the Comparate Set,
arXiv 2305.11921).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lstmfcn.evaluation.bayesian import signed_rank_probabilities
from lstmfcn.evaluation.significance import DIGITS, MIN_DATASETS, holm, signed_rank

MIN_PAIRED = 2
"""Of fewer datasets a pair has no mean difference to speak of."""

SEED = 0

RESAMPLES = 9999

COLUMNS = (
    "method_a",
    "method_b",
    "n_datasets",
    "mean_a",
    "mean_b",
    "difference",
    "difference_low",
    "difference_high",
    "wins",
    "ties",
    "losses",
    "p",
    "p_holm",
    "significant",
    "rope",
    "better",
    "equivalent",
    "worse",
)


def pair_table(
    scores: pd.DataFrame, pairs: Sequence[tuple[str, str]], *, alpha: float, rope: float
) -> pd.DataFrame:
    """Compare methods pair by pair, each pair over the datasets that both have.

    Parameters
    ----------
    scores
        Accuracies, a row a dataset, a column a method; NaN where there is none.
    pairs
        The names of the two methods.
    alpha
        The error rate over all pairs together.
    rope
        Within how much two accuracies are practically equivalent.

    Returns
    -------
    pandas.DataFrame
        The `COLUMNS`, a row a pair with `MIN_PAIRED` datasets: the means and their difference, a less b,
        with its bootstrap interval; on how many datasets a is better (wins), as good and worse; Wilcoxon's
        p, and that by Holm's correction over the pairs of this table; and how probable it is that a is
        practically better, equivalent and worse. Intervals, tests and probabilities are missing below
        `MIN_DATASETS` datasets, `equivalent` where `rope` is 0.
    """
    rows = []
    for a, b in pairs:
        both = scores[[a, b]].dropna().to_numpy(np.float64)
        if len(both) >= MIN_PAIRED:
            rows.append({"method_a": a, "method_b": b, **_pair(both[:, 0], both[:, 1], rope), "rope": rope})
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"significant": "boolean"})
    numbers = [name for name in COLUMNS if name not in ("method_a", "method_b", "significant")]
    table[numbers] = table[numbers].astype(float)
    counts = ["n_datasets", "wins", "ties", "losses"]
    table[counts] = table[counts].astype(int)
    tested = table["p"].notna()
    table.loc[tested, "p_holm"] = holm(table.loc[tested, "p"].to_numpy(np.float64))
    table.loc[tested, "significant"] = table.loc[tested, "p_holm"] < alpha
    return table


def _pair(a: NDArray[np.float64], b: NDArray[np.float64], rope: float) -> dict[str, Any]:
    """Compare two methods by their accuracies on the same datasets."""
    difference = (a - b).round(DIGITS)
    found = {
        "n_datasets": len(a),
        "mean_a": a.mean(),
        "mean_b": b.mean(),
        "difference": difference.mean(),
        "wins": (difference > 0).sum(),
        "ties": (difference == 0).sum(),
        "losses": (difference < 0).sum(),
    }
    if len(a) < MIN_DATASETS:
        return found
    low, high = mean_interval(difference)
    better, equivalent, worse = signed_rank_probabilities(difference, rope)
    return found | {
        "difference_low": low,
        "difference_high": high,
        "p": signed_rank(difference),
        "better": better,
        "equivalent": equivalent,
        "worse": worse,
    }


def mean_interval(difference: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval (BCa; Efron, 1987) of the mean over datasets.

    Resamples have a fixed seed. Differences that are all equal have an interval without width.

    Parameters
    ----------
    difference
        float64, shape (n_datasets,).
    """
    from scipy.stats import bootstrap

    if np.ptp(difference) == 0:
        return float(difference[0]), float(difference[0])
    found = bootstrap(
        (difference,), np.mean, n_resamples=RESAMPLES, method="BCa", rng=np.random.default_rng(SEED)
    ).confidence_interval
    return float(found.low), float(found.high)


def beside_references(ours: pd.DataFrame, references: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracies of our methods and of the references, the best method first.

    The order is that of the means. A reference that lacks a dataset is not judged by which: its mean is that
    of our best method, and the mean of what it is better by where it has results.

    Parameters
    ----------
    ours
        A row a dataset, a column a method, nothing missing.
    references
        Of other classifiers; what has no result on any of our datasets is left out.

    Returns
    -------
    pandas.DataFrame
        A row a dataset of `ours`; NaN where a reference has no result.
    """
    every = ours.join(references).dropna(axis=1, how="all")
    if every.empty:
        return every
    best = ours[ours.mean().idxmax()]
    behind = every.sub(best, axis=0).mean().round(DIGITS)
    return every[behind.sort_values(ascending=False, kind="stable").index]


def pairs_with(ours: pd.DataFrame, ordered: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the pairs of columns of `ordered` of which one is ours, in their order."""
    mine = set(ours.columns)
    return [(a, b) for a, b in combinations(ordered.columns, 2) if mine & {a, b}]
