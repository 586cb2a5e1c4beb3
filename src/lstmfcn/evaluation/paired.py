"""Whether one classifier is better than another on the same series, beyond chance: a paired test.

What is asked is one-sided: whether the first is better. What follows where it is worse is the same as
where it is as good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstmfcn.evaluation.metrics import DEFAULT, Labels, Metric, Probabilities
from lstmfcn.runs.predictions import Predictions

RESAMPLES = 999
"""Of a permutation test: the lowest p-value that it gives is 1 / (RESAMPLES + 1)."""

SEED = 0
"""Equal predictions have equal p-values."""

MANY = 1000
"""From so many series on, how lucky the trainings were weighs more than which series there are."""


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Two classifiers on the same series.

    Attributes
    ----------
    n
        How many series there are.
    first, second
        The metric of either.
    gain
        By how much the first is better; negative where it is worse.
    p
        How often chance alone gives such a gain, or a greater one, where neither is better; 1 where there is
        no gain.
    only_first, only_second
        How many series only the first, and only the second, predicts right.
    p_folds
        How often trainings that are luckier by chance give such gains in the folds; 0 where no folds are
        known.
    """

    n: int
    first: float
    second: float
    gain: float
    p: float
    only_first: int
    only_second: int
    p_folds: float


def level_over_folds(level: float, n: int) -> float:
    """Return the level of the test over folds, which are few: twice the other test's, below `MANY` series.

    `benchmarks/promotion.py` measures what that gives.
    """
    return level if n >= MANY else 2 * level


def beyond_chance(paired: Paired, level: float) -> bool:
    """Return whether the first is better by both tests, as a candidate has to be that is promoted."""
    over_folds = paired.p_folds <= level_over_folds(level, paired.n)
    return paired.gain > 0 and paired.p <= level and over_folds


def compare_predictions(first: Predictions, second: Predictions, metric: Metric) -> Paired | None:
    """Compare two on the series that both have predictions of; None where there are none, or not the same.

    Each may have folds of its own: both sets are tested, see `compare`.
    """
    if first.classes != second.classes or not np.array_equal(first.y, second.y):
        return None
    held = first.held & second.held
    if not held.any():
        return None
    folds = [fold[held] for fold in (first.fold, second.fold) if fold is not None]
    return compare(first.y[held], first.probabilities[held], second.probabilities[held], metric, folds=folds)


def compare(
    y: Labels,
    first: Probabilities,
    second: Probabilities,
    metric: Metric,
    *,
    folds: Sequence[NDArray[np.int64]] = (),
) -> Paired:
    """Compare two classifiers by a metric, and test whether the first is better.

    Of the accuracy it is the exact form of McNemar's test (1947): of the series that only one of the two
    predicts right, each falls to either with chance 1/2. Of other metrics it is a permutation test: the two
    predictions of each series are swapped or not, at random, and the metric is taken anew.

    Parameters
    ----------
    y
        Class indices, int64, shape (n_series,).
    first, second
        Their probabilities, float32, shape (n_series, n_classes), nothing missing.
    metric
        A row of the table.
    folds
        Which training predicted each series, int64, shape (n_series,), of either of the two. To the test each
        series is new evidence; but how lucky a training was is the same for all that it predicted. So the
        gains of the folds are tested besides, by Student's t-test; of two sets of folds the higher p counts.
    """
    right, other = (p.argmax(axis=1) == y for p in (first, second))
    values = [float(metric.function(y, p)) for p in (first, second)]
    gain = _gain(y, first, second, metric)
    only = int((right & ~other).sum()), int((other & ~right).sum())
    if not gain > 0:  # NaN, too
        p = 1.0
    elif metric.name == DEFAULT:
        p = _mcnemar(*only)
    else:
        p = _permuted(y, first, second, metric)
    return Paired(
        n=len(y),
        first=values[0],
        second=values[1],
        gain=gain,
        p=p,
        only_first=only[0],
        only_second=only[1],
        p_folds=max((_over_folds(y, first, second, metric, fold) for fold in folds), default=0.0),
    )


def _gain(y: Labels, first: Probabilities, second: Probabilities, metric: Metric) -> float:
    """Return by how much the first is better; NaN where the metric is not defined."""
    gain = float(metric.function(y, first) - metric.function(y, second))
    return gain if metric.higher_is_better else -gain


def _mcnemar(only_first: int, only_second: int) -> float:
    from scipy.stats import binomtest

    return float(binomtest(only_first, only_first + only_second, alternative="greater").pvalue)


def _over_folds(
    y: Labels, first: Probabilities, second: Probabilities, metric: Metric, fold: NDArray[np.int64]
) -> float:
    from scipy.stats import ttest_1samp

    parts = [fold == k for k in np.unique(fold)]
    gains = np.array([_gain(y[part], first[part], second[part], metric) for part in parts])
    gains = gains[~np.isnan(gains)]
    if len(gains) < 2:
        return 0.0
    if np.ptp(gains) < np.finfo(np.float32).eps:  # no spread to hold the mean to
        return 0.0 if gains.mean() > 0 else 1.0
    return float(ttest_1samp(gains, 0, alternative="greater").pvalue)


def _permuted(y: Labels, first: Probabilities, second: Probabilities, metric: Metric) -> float:
    from scipy.stats import permutation_test

    both = np.concatenate([first, second])

    def gain(of_first: NDArray[np.int64], of_second: NDArray[np.int64]) -> float:
        return _gain(y, both[of_first], both[of_second], metric)

    rows = np.arange(len(y))
    found = permutation_test(
        (rows, rows + len(y)),
        gain,
        permutation_type="samples",
        n_resamples=RESAMPLES,
        alternative="greater",
        rng=np.random.default_rng(SEED),
    )
    return float(found.pvalue)
