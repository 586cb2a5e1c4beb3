"""What the checks looked at, in words: what was expected, what was seen, and what was left out, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

COLUMNS = {
    "length": "length",
    "n_missing": "missing values in a series",
    "n_infinite": "infinite values in a series",
    "mean": "mean of a series",
    "spread": "spread of a series",
    "relative_spread": "spread, relative to the largest value",
    "copies_within": "further series that are equal, in the split",
    "copies_across": "equal series in the other split",
    "group_across": "series of a group that the other split has",
    "label": "label",
    "n_series": "number of series",
    "n_classes": "number of classes",
    "n_rare": "classes of a single series",
    "n_absent": "classes of the other split alone",
}
"""The columns of `lstmfcn.data.description`."""

DOUBTS = {
    "doubtful_labels": "labels that name classes",
    "doubtful_axes": "series along the last axis",
    "level_tells_class": "classes that differ in shape",
    "lost_in_float32": "series that float32 can hold",
}
"""What is expected of a dataset as a whole; see `lstmfcn.data.doubts`."""

MOST_VALUES = 8
"""So many values of a set are named."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at, or left out.

    Attributes
    ----------
    finding
        What it is a finding of where it is not met.
    split
        "train" or "test"; empty where it is about both.
    expected, seen
        In words. Of what was left out, `seen` is the reason.
    outcome
        "met"; where it is not met what `params.yaml` makes of it, "error" or "warn"; or "left out".
    """

    finding: str
    split: str
    expected: str
    seen: str
    outcome: Literal["met", "error", "warn", "left out"]


def expected_of(expectation: Any) -> str:
    """Return what one of Great Expectations' expectations about a column says."""
    what = COLUMNS[expectation.column]
    if hasattr(expectation, "value_set"):
        return f"{what}: {_listed(expectation.value_set)}"
    low, high = expectation.min_value, expectation.max_value
    if low is None:
        return f"{what}: {high:g}" if high == 0 else f"{what}: at most {high:g}"
    return f"{what}: at least {low:g}" if high is None else f"{what}: {low:g} to {high:g}"


def seen_in(column: pd.Series[Any], n_broken: int) -> str:
    """Return what stands in a column of which so many values are not as expected."""
    if pd.api.types.is_numeric_dtype(column):
        low, high = column.min(), column.max()
        seen = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
    else:
        seen = _listed(sorted(set(map(str, column))))
    if n_broken == 0 or len(column) == 1:
        return seen
    return f"{seen}; {n_broken} of {len(column)} series otherwise"


def of_doubts(
    odd: Mapping[str, str], findings: Mapping[str, str], reasons: Mapping[str, str], *, of_archive: bool
) -> Iterator[Check]:
    """Yield a check for each doubt there may be of a dataset as a whole.

    Parameters
    ----------
    odd
        What is odd, in words, by finding.
    findings
        "error", "warn" or "ignore" by finding.
    reasons
        Why each that is ignored is so.
    of_archive
        Whether the dataset is the archive's, which is known.
    """
    for finding, expected in DOUBTS.items():
        outcome: Any = findings[finding] if finding in odd else "met"
        seen = odd.get(finding, "nothing odd")
        if of_archive:
            outcome, seen = "left out", "the archive's datasets are known"
        elif findings[finding] == "ignore":
            outcome, seen = "left out", reasons[finding]
        yield Check(finding=finding, split="", expected=expected, seen=seen, outcome=outcome)


def _listed(values: Iterable[Any]) -> str:
    texts = [str(value) for value in values]
    return ", ".join(texts[:MOST_VALUES]) + (", ..." if len(texts) > MOST_VALUES else "")
