"""Figures over the resamples of a dataset: their mean and standard deviation beside the own split's."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

RESAMPLE = "resample"
"""The column that says on which split of its dataset a run was trained; 0 is the dataset's own."""

SD = "_sd"
"""How the name of a column of standard deviations ends."""


def with_resample(results: pd.DataFrame) -> pd.DataFrame:
    """Return a table of results with a column `resample`; a table of before has the own splits' alone."""
    if RESAMPLE in results:
        return results
    at = 1 + list(results.columns).index("dataset") if "dataset" in results else 0
    columns = [*results.columns[:at], RESAMPLE, *results.columns[at:]]
    return results.assign(**{RESAMPLE: 0})[columns]


def own_split(results: pd.DataFrame) -> pd.DataFrame:
    """Return the rows about the datasets' own splits."""
    return results[with_resample(results)[RESAMPLE] == 0]


def has_resamples(results: pd.DataFrame) -> bool:
    """Return whether there are rows about other splits than the datasets' own."""
    return len(own_split(results)) < len(results)


def spread(results: pd.DataFrame, by: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    """Return mean and standard deviation of columns over the resamples.

    Parameters
    ----------
    results
        Rows of `results.csv`. On each resample the mean of a group's rows counts, its seeds'.
    by
        What makes a group, a dataset among it.
    names
        The columns.

    Returns
    -------
    pandas.DataFrame
        A row a group: `by`; resamples, how many there are; each column's mean and, under its name and `SD`,
        the standard deviation, with n - 1 in the denominator; NaN where there is one resample.
    """
    each = with_resample(results).groupby([*by, RESAMPLE], sort=True)[list(names)].mean().reset_index()
    groups = each.groupby(list(by), sort=True)
    deviations = groups[list(names)].std(ddof=1).add_suffix(SD)
    found = groups.size().to_frame("resamples").join(groups[list(names)].mean()).join(deviations)
    return found.reset_index()
