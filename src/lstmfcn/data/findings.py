"""What the checks find in a dataset, and how it is said: file, row and remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from lstmfcn.data.catalogue import CatalogueEntry
from lstmfcn.data.doubts import Doubt
from lstmfcn.data.looked_at import Check
from lstmfcn.data.preprocessing import LENGTHS_HELP, MISSING_HELP
from lstmfcn.data.series import LabelledSeries

ROWS_NAMED = 20
"""How many rows a finding names."""

WHAT = {
    "missing_values": "missing values",
    "infinite_values": "infinite values",
    "constant_series": "series that are constant",
    "unequal_length": "series of another length than the rest",
    "catalogue_mismatch": "sizes that are not the catalogue's",
    "class_missing_in_train": "labels that the training split lacks",
    "class_missing_in_test": "classes that the test split lacks",
    "single_class": "one class only",
    "rare_class": "classes of a single training series",
    "duplicates_within_split": "series that occur more than once in the split",
    "duplicates_across_splits": "series that occur in both splits",
    "doubtful_labels": "labels that may be none",
    "doubtful_axes": "channels of length 1",
    "lost_in_float32": "series that float32 cannot hold",
    "level_tells_class": "classes that differ in level or spread alone",
    "groups_across_splits": "series of groups that the training split has too",
    "not_normalised": "series whose mean is not 0 or whose spread is not 1",
}

PREPARED = {
    "missing_values": f"Correct it at its source, or {MISSING_HELP}.",
    "unequal_length": f"Correct it at its source, or {LENGTHS_HELP}.",
}
"""What a policy of `prepare` can handle, and how."""

FATAL = frozenset(
    {
        "missing_values",
        "infinite_values",
        "unequal_length",
        "class_missing_in_train",
        "single_class",
        "lost_in_float32",
    }
)
"""What no network can be trained or judged with: always an error."""


@dataclass(frozen=True)
class Found:
    """Something that validation found.

    Attributes
    ----------
    finding
        Its name in `params.yaml`, "unreadable", "unprepared", "source_gone", or "not_resampled".
    severity
        What `params.yaml` makes of it.
    split
        "train" or "test"; empty where it is about both.
    rows
        The lines of the split's file, at most `ROWS_NAMED` of them.
    count
        How many there are in all.
    message
        A sentence for people.
    """

    finding: str
    severity: Literal["error", "warn"]
    split: str
    rows: tuple[int, ...]
    count: int
    message: str


@dataclass(frozen=True)
class Verdict:
    """What validation says of a dataset: "failed" if a finding is an error. `checks` is all it looked at."""

    dataset: str
    outcome: Literal["passed", "warned", "failed"]
    findings: tuple[Found, ...]
    checks: tuple[Check, ...] = ()

    def noting(self, finding: str, message: str | None) -> Verdict:
        """Return the verdict with one more warning, if there is any."""
        if message is None:
            return self
        outcome: Literal["warned", "failed"] = "failed" if self.outcome == "failed" else "warned"
        found = Found(finding, "warn", "", (), 1, message)
        return replace(self, outcome=outcome, findings=(*self.findings, found))

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as JSON-able values, without the checks."""
        return {name: value for name, value in asdict(self).items() if name != "checks"}


def labels_at_fault(series: LabelledSeries, labels: Mapping[str, set[str]]) -> dict[str, str]:
    """Return, for the findings about classes, which labels they are about."""
    counts = Counter(map(str, series.labels if series.labels is not None else ()))
    names = {
        "class_missing_in_train": labels["test"] - labels["train"],
        "class_missing_in_test": labels["train"] - labels["test"],
        "rare_class": {label for label, n in counts.items() if n == 1},
    }
    return {finding: f" ({', '.join(sorted(found)[:10])})" for finding, found in names.items()}


def unreadable(dataset: str, reason: str) -> Verdict:
    """Return the verdict on a dataset that could not be had or read."""
    return Verdict(dataset, "failed", (Found("unreadable", "error", "", (), 1, reason),))


def found_in_dataset(doubt: Doubt, findings: Mapping[str, str], path: Path) -> Found:
    """Return a finding about a dataset as a whole; the doubt says itself what to do."""
    setting = findings[doubt.finding]
    way_out = (
        f" Or set validate.{doubt.finding} to warn."
        if setting == "error" and doubt.finding not in FATAL
        else ""
    )
    return Found(doubt.finding, _severity(setting), "", (), 1, f"{_place(path)}: {doubt.message}{way_out}")


def found_in_series(
    finding: str,
    findings: Mapping[str, str],
    split: str,
    path: Path,
    rows: list[int],
    at_fault: Mapping[str, str],
) -> Found:
    """Return a finding about series, which stand on these rows of the file."""
    named = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    what = WHAT[finding] + at_fault.get(finding, "")
    message = f"{_place(path)}, row {named}: {what}.{_remedy(finding, findings[finding])}"
    return Found(finding, _severity(findings[finding]), split, tuple(rows[:ROWS_NAMED]), len(rows), message)


def found_in_split(
    finding: str,
    findings: Mapping[str, str],
    split: str,
    path: Path,
    summary: pd.DataFrame,
    entry: CatalogueEntry | None,
    at_fault: Mapping[str, str],
) -> Found:
    """Return a finding about a whole split."""
    (row,) = summary.to_dict("records")
    message = f"{_place(path)}: {WHAT[finding]}{at_fault.get(finding, '')}"
    if finding == "catalogue_mismatch" and entry is not None:
        expected = entry.n_train if split == "train" else entry.n_test
        message += (
            f": {row['n_series']} series of {row['length']} values in {row['n_classes']} classes, not "
            f"{expected} of {entry.length} in {entry.n_classes}"
        )
    message += f".{_remedy(finding, findings[finding])}"
    return Found(finding, _severity(findings[finding]), split, (), 1, message)


def _place(path: Path) -> str:
    """Return the path as seen from the study: the same in each."""
    return "/".join(path.parts[-4:])


def _severity(setting: str) -> Literal["error", "warn"]:
    return "error" if setting == "error" else "warn"


def _remedy(finding: str, setting: str) -> str:
    if setting != "error":
        return ""
    if finding in PREPARED:
        return f" {PREPARED[finding]}"
    if finding in FATAL:
        return " Correct it at its source."
    return f" Correct it at its source, or set validate.{finding} to warn in params.yaml."
