"""The run that serves each dataset, and on what evidence."""

from __future__ import annotations

from typing import Any

from lstmfcn.evaluation.measurement import no_better_than
from lstmfcn.evaluation.metrics import headline_metrics
from lstmfcn.report.data import ReportData

TITLE = "Champions"
ORDER = 10
TEMPLATE = "champions.html.j2"


def section(data: ReportData) -> dict[str, Any]:
    """Return a row for each dataset that has a champion."""
    return {
        "columns": data.columns(headline_metrics()),
        "of_paper": bool(data.of_paper),
        "champions": [row for name in data.datasets if (row := _row(data, name))],
    }


def _row(data: ReportData, dataset: str) -> dict[str, Any] | None:
    champion, served = data.champion(dataset), data.served(dataset)
    if champion is None:
        return None
    return {
        "dataset": dataset,
        "anchor": data.anchor(dataset),
        "run": champion,
        "majority_rate": (rate := data.majority_rate(dataset)),
        "no_better": no_better_than(
            rate,
            {
                "out of fold": champion["oof_accuracy"],
                "on the test split": None if served is None else served["accuracy"],
            },
        ),
        "values": champion if served is None else served,
        "paper": None if served is None else data.beside_paper(dataset, served["model"], served["phase"]),
        "registry": data.promotions[dataset]["registry"],
    }
