"""Whether a whole file looks like the training series: how many are marked, and each statistic by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

from lstmfcn.evaluation.significance import holm


@dataclass(frozen=True)
class Count:
    """How many series are marked beside how many would be by chance.

    Attributes
    ----------
    n_marked, n_series
        Of the file.
    expected
        How many would be, on average, if the series were drawn as the training series were.
    p
        The probability of so many or more then.
    """

    n_marked: int
    n_series: int
    expected: float
    p: float


@dataclass(frozen=True)
class Change:
    """A statistic in the training split and in a file.

    Attributes
    ----------
    name
        What it is called.
    before, now
        Its median.
    p
        Of the two-sided test of Kolmogorov and Smirnov, corrected by Holm's method for the number of
        statistics.
    """

    name: str
    before: float
    now: float
    p: float


def can_mark(n_known: int, level: float) -> bool:
    """Whether so many training series suffice for a p-value of `level`."""
    return _rank(n_known, level) > 0


def count(n_marked: int, n_series: int, *, n_known: int, level: float) -> Count:
    """Judge how many series are marked.

    Their p-values are compared with the same training series, so they are not independent: their number has a
    beta-binomial distribution, wide where there are few training series (Vovk, Conditional validity of
    inductive conformal predictors, 2012, gives the beta distribution of the share).

    Parameters
    ----------
    n_marked, n_series
        How many series have a conformal p-value of `level` or less, and how many there are.
    n_known
        The number of training series that the p-values are made of.
    level
        From 0 to 1.
    """
    from scipy.stats import betabinom

    rank = _rank(n_known, level)
    if rank == 0:
        return Count(n_marked, n_series, 0.0, 1.0)
    p = float(betabinom.sf(n_marked - 1, n_series, rank, n_known + 1 - rank))
    return Count(n_marked, n_series, n_series * rank / (n_known + 1), p)


def changes(
    known: NDArray[np.float64], found: NDArray[np.float64], names: Sequence[str]
) -> tuple[Change, ...]:
    """Compare each statistic of a file with that of the training split.

    Parameters
    ----------
    known, found
        The statistics, float64 (n_series, n_statistics), of the two.
    names
        What they are called.
    """
    from scipy.stats import ks_2samp

    p = holm(np.array([ks_2samp(a, b).pvalue for a, b in zip(known.T, found.T, strict=True)]))
    medians = np.median(known, axis=0), np.median(found, axis=0)
    return tuple(
        Change(name, float(before), float(now), float(value))
        for name, before, now, value in zip(names, *medians, p, strict=True)
    )


def _rank(n_known: int, level: float) -> int:
    """Return at how many p-values at most, of the n_known + 1 that there can be, a series is marked."""
    return floor(level * (n_known + 1) + 1e-9)
