"""The best run of each dataset, and on what evidence. What serves is the registry's to say."""

from __future__ import annotations

from typing import Any

from lstmfcn.evaluation.measurement import no_better_than
from lstmfcn.evaluation.metrics import headline_metrics
from lstmfcn.report.data import ReportData
from lstmfcn.report.html import phase

TITLE = "The best of each dataset"
ORDER = 10
TEMPLATE = "champions.html.j2"


def section(data: ReportData) -> dict[str, Any]:
    """Return a row for each dataset that has a run to choose."""
    return {
        "columns": data.columns(headline_metrics()),
        "of_paper": bool(data.of_paper),
        "champions": [row for name in data.datasets if (row := _row(data, name))],
    }


def _row(data: ReportData, dataset: str) -> dict[str, Any] | None:
    best, row = data.best(dataset), data.best_row(dataset)
    if best is None:
        return None
    return {
        "dataset": dataset,
        "anchor": data.anchor(dataset),
        "run": best,
        "step": f"fine-tuned {best['iteration']}" if best["iteration"] else phase(best | {"phase": "phase1"}),
        "majority_rate": (rate := data.majority_rate(dataset)),
        "no_better": no_better_than(
            rate,
            {
                "out of fold": best["oof_accuracy"],
                "on the test split": None if row is None else row["accuracy"],
            },
        ),
        "values": best if row is None else row,
        "paper": None if row is None else data.beside_paper(dataset, row["model"], row["phase"]),
    }
