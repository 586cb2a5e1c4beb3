"""Methods pair by pair: the matrix of all, what the tests say of each pair, and its scatter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lstmfcn.classifiers.table import has_phases
from lstmfcn.report.critical_difference import caption, critical_difference
from lstmfcn.report.data import ReportData
from lstmfcn.report.html import share
from lstmfcn.report.html import title as title_of
from lstmfcn.report.scatter import furthest, scatter
from lstmfcn.runs.identity import PHASE_TITLES

TITLE = "Pair by pair"
ORDER = 25
TEMPLATE = "pairs.html.j2"

MOST_DRAWN = 24
"""How many pairs are drawn: each is some 20 kB of the page."""

MOST_OPEN = 6
"""How many are drawn where they are seen without asking for them."""


def section(data: ReportData) -> dict[str, Any] | None:
    """Return the matrix, the pairs and their scatters; None where there are no two methods to compare."""
    pairs = data.tables["pairs"]
    if not pairs or data.accuracies is None:
        return None
    scores = data.accuracies.set_index("dataset")
    ours = [f"{row['model']} {row['phase']}" for row in data.comparison["summary"]]
    tested = any(pd.notna(row["p"]) for row in pairs)
    return {
        "matrix": matrix(scores, pairs, [name for name in scores.columns if name in ours]),
        "ranks": None if data.of_paper else ranks(scores),  # else the section on the paper has them
        "pairs": [named(row) for row in pairs],
        "tested": tested,
        "scatters": [
            drawn(row, scores[row["method_a"]], scores[row["method_b"]]) for row in pairs[:MOST_DRAWN]
        ],
        "opened": tested and len(pairs) <= MOST_OPEN,
        "n_left_out": max(len(pairs) - MOST_DRAWN, 0),
    }


def matrix(
    scores: pd.DataFrame, pairs: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> dict[str, Any]:
    """Return the multi-comparison matrix: a row a method, a column a method of ours, the best first.

    Parameters
    ----------
    scores
        Accuracies, a row a dataset, a column a method, in the order of the rows.
    pairs
        Rows of `lstmfcn.evaluation.pairs.pair_table`.
    columns
        The methods of ours.

    Returns
    -------
    dict
        `columns`, the titles with their means; `rows`, each a title with its mean, and its cells; a cell is
        None where no two are compared.
    """
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    for row in pairs:
        a, b = row["method_a"], row["method_b"]
        known = {
            "p": row["p"],
            "significant": pd.notna(row["p"]) and bool(row["significant"]),
            "n_datasets": row["n_datasets"],
        }
        forth = {"difference": row["difference"], "counts": (row["wins"], row["ties"], row["losses"])}
        back = {"difference": -row["difference"], "counts": forth["counts"][::-1]}
        cells |= {(a, b): known | forth, (b, a): known | back}
    largest = max(abs(cell["difference"]) for cell in cells.values())
    for cell in cells.values():
        cell["strength"] = abs(cell["difference"]) / largest if largest else 0.0
    heads = {
        name: {"title": method(name), "mean": share(scores[name].mean()), "n": int(scores[name].count())}
        for name in scores.columns
    }
    return {
        "columns": [heads[name] for name in columns],
        "rows": [{"head": heads[a], "cells": [cells.get((a, b)) for b in columns]} for a in scores.columns],
        "n_datasets": len(scores),
    }


def ranks(scores: pd.DataFrame) -> dict[str, str] | None:
    """Return the critical differences on the datasets that all methods have; None where these are too few."""
    complete = scores.dropna().rename(columns=method)
    svg = critical_difference(complete, "Mean ranks of the methods")
    return {"svg": svg, "caption": caption(complete)} if svg else None


def drawn(row: Mapping[str, Any], a: pd.Series, b: pd.Series) -> dict[str, str]:
    """Return the scatter of a pair, and what stands beneath it."""
    first, second = method(row["method_a"]), method(row["method_b"])
    far = [f"{name} {value:+.4f}" for name, value in furthest(a, b).items()]
    return {
        "svg": scatter(a.rename(first), b.rename(second), row, f"{first} against {second}"),
        "caption": f"Furthest from the diagonal: {', '.join(far)}." if far else "They tie everywhere.",
    }


def named(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the table of pairs, its methods as people call them."""
    return {**row, "method_a": method(row["method_a"]), "method_b": method(row["method_b"])}


def method(name: str) -> str:
    """Return what people call a method: a classifier and its phase, or another's name as it is.

    Not every classifier has phases.
    """
    whose, comma, rest = name.rpartition(", ")
    model, _, phase = rest.rpartition(" ")
    if not has_phases(model):
        return f"{whose}{comma}{title_of(model)}"
    return f"{whose}{comma}{title_of(model)}, {title_of(phase)}" if phase in PHASE_TITLES else name
