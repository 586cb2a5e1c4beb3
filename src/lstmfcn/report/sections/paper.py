"""Ours beside the paper's tables."""

from __future__ import annotations

from typing import Any

import pandas as pd

from lstmfcn.evaluation.beside_paper import same_split
from lstmfcn.evaluation.reference import load_table1, printed_methods
from lstmfcn.evaluation.resamples import has_resamples
from lstmfcn.evaluation.significance import MIN_DATASETS
from lstmfcn.report.critical_difference import caption, critical_difference
from lstmfcn.report.data import ReportData, records
from lstmfcn.report.sections.pairs import drawn, method

TITLE = "Beside the paper"
ORDER = 30
TEMPLATE = "paper.html.j2"


def section(data: ReportData) -> dict[str, Any] | None:
    """Return ours beside Table I, the diagrams of critical differences, and Table II recomputed.

    None where no dataset of the paper is in the study.
    """
    if not data.of_paper:
        return None
    pairs = data.tables["paper_pairs"]
    scores = same_split(data.beside) if pairs and data.beside is not None else None
    return {
        "pairs": [
            {**row, "method_a": method(row["method_a"].removeprefix("ours, ")), "method_b": "the paper's"}
            for row in pairs
        ],
        "tested": any(pd.notna(row["p"]) for row in pairs),
        "scatters": []
        if scores is None
        else [drawn(row, scores[row["method_a"]], scores[row["method_b"]]) for row in pairs],
        "resampled": data.results is not None and has_resamples(data.results),
        "beside": [row for row in records(data.beside) if row["dataset"] in data.in_paper],
        "diagrams": _diagrams(data),
        "table2": data.tables["table2"],
        "wilcoxon_all": data.tables["wilcoxon_all"],
    }


def _diagrams(data: ReportData) -> list[dict[str, str]]:
    """Draw the critical differences of the paper's Table I, and of our methods among all others."""
    fields = {"The methods of the paper's Table I": printed_methods(load_table1())}
    if data.scores is not None and len(data.scores):
        fields["Our methods among them"] = data.scores.set_index("dataset")
    drawn = [
        {"title": title, "svg": critical_difference(field, title), "caption": caption(field)}
        for title, field in fields.items()
        if len(field) >= MIN_DATASETS
    ]
    return [diagram for diagram in drawn if diagram["svg"]]
