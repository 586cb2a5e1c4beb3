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

RESAMPLES = 999
"""Of a permutation test: the lowest p-value that it gives is 1 / (RESAMPLES + 1)."""

SEED = 0
"""Equal predictions have equal p-values."""


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
    parts, worse
        How many parts of the series were looked at besides, and in how many of them the first is worse.
    """

    n: int
    first: float
    second: float
    gain: float
    p: float
    only_first: int
    only_second: int
    parts: int
    worse: int


def compare(
    y: Labels,
    first: Probabilities,
    second: Probabilities,
    metric: Metric,
    *,
    parts: Sequence[NDArray[np.bool_]] = (),
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
    parts
        Which series one and the same training predicted, bool, shape (n_series,), for each of several
        trainings. To the test each series is new evidence; how lucky a training was is the same for all
        that it predicted.
    """
    right, other = (p.argmax(axis=1) == y for p in (first, second))
    values = [float(metric.function(y, p)) for p in (first, second)]
    gain = _gain(y, first, second, metric)
    worse = sum(_gain(y[part], first[part], second[part], metric) < 0 for part in parts)
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
        parts=len(parts),
        worse=worse,
    )


def _gain(y: Labels, first: Probabilities, second: Probabilities, metric: Metric) -> float:
    """Return by how much the first is better; NaN where the metric is not defined."""
    gain = float(metric.function(y, first) - metric.function(y, second))
    return gain if metric.higher_is_better else -gain


def _mcnemar(only_first: int, only_second: int) -> float:
    from scipy.stats import binomtest

    return float(binomtest(only_first, only_first + only_second, alternative="greater").pvalue)


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
