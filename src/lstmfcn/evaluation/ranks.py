"""Ranks of methods over datasets."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd


def ranks(scores: pd.DataFrame, *, ties: Literal["min", "average"] = "average") -> pd.DataFrame:
    """Rank the methods on each dataset, 1 for the highest score.

    Parameters
    ----------
    scores
        A row a dataset, a column a method.
    ties
        What methods with equal scores get: "min", the smallest of their ranks, as the paper's means
        of ranks do; or "average", the mean of their ranks, which Friedman's test and
        critical-difference diagrams need.

    Raises
    ------
    ValueError
        If a score is missing: a rank among fewer methods cannot be compared.
    """
    if scores.isna().any(axis=None):
        missing = scores.index[scores.isna().any(axis=1)].tolist()
        raise ValueError(f"Scores are missing on {', '.join(map(str, missing[:5]))}.")
    return scores.rank(axis=1, ascending=False, method=ties)


def mean_ranks(ranked: pd.DataFrame) -> pd.DataFrame:
    """Return the arithmetic and the geometric mean of each method's ranks (columns of those names)."""
    return pd.DataFrame({"arithmetic": ranked.mean(axis=0), "geometric": np.exp(np.log(ranked).mean(axis=0))})
