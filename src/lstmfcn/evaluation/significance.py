"""Significance tests between methods over datasets."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MIN_DATASETS = 6
"""With fewer, no two-sided Wilcoxon test can give p < 0.05: the smallest p of n pairs is 2 / 2**n."""

ENUMERATED = 13
"""Of so many differences scipy's test is exact, whether there are ties or not; of more, only without."""

DIGITS = 8
"""Of accuracies, and of their means and differences: what lies below is rounding, not a series more."""


def signed_rank(difference: NDArray[np.float64]) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test of paired differences.

    Zeros are left out (Wilcoxon's own rule); differences that are all zero have p = 1. Differences are
    taken to `DIGITS` decimals.
    """
    from scipy.stats import wilcoxon

    difference = difference.round(DIGITS)
    if len(difference) <= ENUMERATED:
        return _exact_signed_rank(difference)
    return float(wilcoxon(difference, zero_method="wilcox").pvalue) if difference.any() else 1.0


def _exact_signed_rank(difference: NDArray[np.float64]) -> float:
    """Return the p-value over all 2**n changes of sign, as scipy does for so few differences.

    Where there are ties or zeros scipy goes through them one by one, which takes seconds a test. Here sums of
    ranks are counted: twice a mean rank is a whole number.
    """
    from scipy.stats import rankdata

    difference = difference[difference != 0]
    ranks = (2 * rankdata(np.abs(difference))).astype(int)
    ways = np.ones(1)  # of reaching each sum with the ranks so far
    for rank in ranks:
        ways = np.pad(ways, (0, rank)) + np.pad(ways, (rank, 0))
    reached = ranks[difference > 0].sum()
    tail = min(ways[: reached + 1].sum(), ways[reached:].sum())
    return float(min(1.0, 2 * tail / ways.sum()))


def wilcoxon_table(scores: pd.DataFrame, *, alpha: float = 0.05) -> pd.DataFrame:
    """Test each pair of methods by Wilcoxon's signed-rank test, corrected by Holm's method.

    Datasets on which two methods tie are left out of their test (Wilcoxon's own rule for zeros);
    methods that tie everywhere have p = 1.

    Parameters
    ----------
    scores
        A row a dataset, a column a method, nothing missing.
    alpha
        The error rate over all pairs together.

    Returns
    -------
    pandas.DataFrame
        Columns method_a, method_b, n_datasets, n_ties, p, p_holm, significant.

    Raises
    ------
    ValueError
        If a score is missing.
    """
    if scores.isna().any(axis=None):
        raise ValueError("A Wilcoxon test needs the scores of both methods on each dataset.")
    rows = []
    for a, b in combinations(scores.columns, 2):
        difference = (scores[a] - scores[b]).to_numpy(np.float64).round(DIGITS)
        row = {"method_a": a, "method_b": b, "n_datasets": len(difference)}
        rows.append(row | {"n_ties": int((difference == 0).sum()), "p": signed_rank(difference)})
    table = pd.DataFrame(rows, columns=["method_a", "method_b", "n_datasets", "n_ties", "p"])
    table["p_holm"] = holm(table["p"].to_numpy(np.float64))
    table["significant"] = table["p_holm"] < alpha
    return table


def friedman(scores: pd.DataFrame) -> float:
    """Return the p-value of Friedman's test that all methods have equal ranks (Demsar, 2006).

    Parameters
    ----------
    scores
        A row a dataset, a column a method; at least three methods.
    """
    from scipy.stats import friedmanchisquare

    return float(friedmanchisquare(*scores.to_numpy(np.float64).T).pvalue)


def nemenyi_distance(n_methods: int, n_datasets: int, alpha: float = 0.05) -> float:
    """Return Nemenyi's critical difference of two mean ranks (Demsar, 2006): q sqrt(k (k + 1) / 6 N).

    The q is that of the studentised range over infinitely many degrees of freedom, divided by sqrt(2).
    """
    from scipy.stats import studentized_range

    q = studentized_range.ppf(1 - alpha, n_methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(n_methods * (n_methods + 1) / (6 * n_datasets)))


def p_matrix(table: pd.DataFrame, methods: list[str]) -> pd.DataFrame:
    """Return the corrected p-values of `wilcoxon_table` as a symmetric matrix with 1 on its diagonal."""
    matrix = pd.DataFrame(1.0, index=methods, columns=methods)
    for row in table.to_dict("records"):
        matrix.at[row["method_a"], row["method_b"]] = row["p_holm"]
        matrix.at[row["method_b"], row["method_a"]] = row["p_holm"]
    return matrix


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values adjusted for their number (Holm, 1979): compare each with alpha itself.

    Parameters
    ----------
    p
        Shape (n_tests,).
    """
    order = np.argsort(p, kind="stable")
    factors = len(p) - np.arange(len(p))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted
