"""The methods compared with each other over the datasets."""

from __future__ import annotations

from typing import Any

from lstmfcn.evaluation.comparison import CLASS_ERROR, mean_of
from lstmfcn.evaluation.metrics import headline_metrics, metric_named
from lstmfcn.evaluation.resamples import has_resamples
from lstmfcn.report.data import Column, ReportData

TITLE = "Comparison"
ORDER = 20
TEMPLATE = "comparison.html.j2"


def section(data: ReportData) -> dict[str, Any]:
    """Return the summary of the methods, the tests between them, and what fine-tuning gave."""
    summary = data.comparison.get("summary", [])
    means = [Column(*mean_of(metric), metric) for metric in headline_metrics()]
    after_mpce = 1 + [column.name for column in means].index("mpce")
    error = Column(CLASS_ERROR, "mean error of the classes", metric_named("balanced_accuracy"))
    means.insert(after_mpce, error)
    return {
        "summary": summary,
        "resampled": data.results is not None and has_resamples(data.results),
        "means": [column for column in means if any(column.name in row for row in summary)],
        "wilcoxon": data.tables["wilcoxon"],
        "fine_tuning": data.tables["fine_tuning"],
        "notes": data.comparison.get("notes", []),
    }
