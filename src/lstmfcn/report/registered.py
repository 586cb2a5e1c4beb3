"""The registered models as tables for a terminal: first the evidence, then, apart, what was measured once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from lstmfcn.evaluation.measurement import ends_of, no_better_than
from lstmfcn.evaluation.metrics import Metric, metric_named
from lstmfcn.evaluation.results import read_results
from lstmfcn.report.summary import Table
from lstmfcn.workspace import Workspace


def listed(workspace: Workspace, versions: Iterable[Any], metric: Metric) -> tuple[Table, Table, list[str]]:
    """Return a table of the evidence of versions, one of their test figures, and notes.

    Intervals and test figures are those of the study's results: versions of other results have none here.

    Parameters
    ----------
    workspace
        The study.
    versions
        As `lstmfcn.tracking.registry.versions.registered` returns them.
    metric
        Which one to show; that which chooses.
    """
    results, accuracy = _results(workspace), metric_named("accuracy")
    titles = ("DATASET", "VERSION", "ALIASES", "CLASSIFIER", "CELLS", "STEP")
    evidence: Table = [(*titles, metric.title.upper(), "95 % INTERVAL")]
    once: Table = [("DATASET", "VERSION", "ACCURACY", "95 % INTERVAL", "MAJORITY RATE")]
    notes = []
    for v in versions:
        row = results.get(v.key, {})
        value = metric.text(v.evidence.get(f"oof_{metric.name}"), "-")
        cells = "-" if v.cells == "None" else v.cells
        aliases = ", ".join([*v.aliases, *(["rejected"] if v.rejected else [])])
        what = (v.dataset, str(v.version), aliases, v.model, cells, v.phase_title)
        evidence.append((*what, value, _interval(row, f"oof_{metric.name}", metric)))
        if row:
            rate = accuracy.text(v.majority_rate, "-")
            measured = (accuracy.text(row["accuracy"], "-"), _interval(row, "accuracy", accuracy))
            once.append((v.dataset, str(v.version), *measured, rate))
        if low := no_better_than(v.majority_rate, {"out of fold": v.evidence.get("oof_accuracy")}):
            notes.append(f"{v.dataset}, version {v.version}: {low}.")
    return evidence, once, notes


def _results(workspace: Workspace) -> dict[str, dict[Any, Any]]:
    """Return the rows of the study's results by the keys of runs; none where there are no results."""
    try:
        rows = read_results(workspace.results_table).to_dict("records")
    except (FileNotFoundError, pd.errors.EmptyDataError):
        return {}
    return {row["key"]: row for row in rows}


def _interval(row: dict[Any, Any], name: str, metric: Metric) -> str:
    ends = [metric.text(row.get(end), "") for end in ends_of(name)]
    return "-".join(ends) if all(ends) else ""
