"""95 % intervals of metrics: how far another split of this size may lie from this one by chance.

They say nothing of what another training would give. Bootstrap intervals (Efron, 1979) are percentiles over
resamples of the series, drawn with a fixed seed, so that equal predictions have equal intervals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstmfcn.evaluation.scores import binomial_interval

SEED = 0

MOST, FEWEST, DRAWS = 1000, 100, 10**7
"""The most and the fewest resamples, and how many numbers are drawn in all where neither bounds them."""

PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class Counts:
    """Resampled series, counted by class: float64, shape (n_classes, n_resamples) each.

    Attributes
    ----------
    hits
        Of the class and predicted as it.
    actual
        Of the class.
    predicted
        Predicted as it.
    """

    hits: NDArray[np.float64]
    actual: NDArray[np.float64]
    predicted: NDArray[np.float64]


def of_share(y: NDArray[np.int64], predicted: NDArray[np.int64]) -> tuple[float, float]:
    """Return the interval of the share of series predicted right (Wilson, 1927)."""
    return binomial_interval(int((y == predicted).sum()), len(y))


def of_mean(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the bootstrap interval of the mean of a number of each series.

    Parameters
    ----------
    values
        Shape (n_series,).
    """
    rng, n = np.random.default_rng(SEED), len(values)
    return _percentiles(np.array([values[rng.integers(0, n, n)].mean() for _ in range(_resamples(n))]))


def of_counts(
    y: NDArray[np.int64],
    predicted: NDArray[np.int64],
    n_classes: int,
    statistic: Callable[[Counts], NDArray[np.float64]],
) -> tuple[float, float]:
    """Return the bootstrap interval of what is computed from a confusion matrix alone.

    To resample the series is to draw the cells of the matrix from a multinomial distribution, which costs
    the same however many series there are.

    Parameters
    ----------
    y, predicted
        Class indices, shape (n_series,).
    statistic
        From the counts to a number of each class and resample; NaN where it has none. Their mean over the
        classes is meant.
    """
    cells, counts = np.unique(y * n_classes + predicted, return_counts=True)
    rng, n = np.random.default_rng(SEED), len(y)
    draws = rng.multinomial(n, counts / n, size=_resamples(len(cells))).T.astype(np.float64)
    hits, actual, named = (np.zeros((n_classes, draws.shape[1])) for _ in range(3))
    for cell, drawn in zip(cells, draws, strict=True):
        true, said = divmod(int(cell), n_classes)
        actual[true] += drawn
        named[said] += drawn
        if true == said:
            hits[true] += drawn
    with np.errstate(invalid="ignore"):
        return _percentiles(np.nanmean(statistic(Counts(hits, actual, named)), axis=0))


def of_auroc(y: NDArray[np.int64], probabilities: NDArray[np.float32]) -> tuple[float, float]:
    """Return the normal interval of `lstmfcn.evaluation.measures.auroc` by DeLong's variance.

    DeLong, DeLong and Clarke-Pearson (1988), here of the mean over the classes: what each series adds to
    each area is averaged before it is squared. Cut to [0, 1]; NaN where all series are of one class.
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    present = np.unique(y)
    if len(present) < 2:
        return float("nan"), float("nan")
    added, areas = np.zeros(len(y)), []
    for k in present:
        score, of_class = probabilities[:, k], y == k
        n, others = int(of_class.sum()), int((~of_class).sum())
        rank = rankdata(score)
        below = (rank[of_class] - rankdata(score[of_class])) / others
        above = 1 - (rank[~of_class] - rankdata(score[~of_class])) / n
        area = below.mean()
        areas.append(area)
        added[of_class] += (below - area) / np.sqrt(n * max(n - 1, 1))
        added[~of_class] += (above - area) / np.sqrt(others * max(others - 1, 1))
    half = float(ndtri(0.975) * np.sqrt(((added / len(present)) ** 2).sum()))
    area = float(np.mean(areas))
    return max(area - half, 0.0), min(area + half, 1.0)


def _resamples(n: int) -> int:
    return int(np.clip(DRAWS // n, FEWEST, MOST))


def _percentiles(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.percentile(values, PERCENTILES)
    return float(low), float(high)
