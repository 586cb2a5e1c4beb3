"""Estimators of other libraries beside the networks: where one does as well, a reader is to know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lstmfcn.classifiers.table import references, title_of
from lstmfcn.evaluation.beside import Beside
from lstmfcn.evaluation.metrics import metric_named
from lstmfcn.report.data import ReportData, leading
from lstmfcn.report.references import left_out_of, references_beside
from lstmfcn.wording import counted

TITLE = "References"
ORDER = 12
TEMPLATE = "references.html.j2"

MOST_SENTENCES = 6
"""Of more datasets it is counted how a reference stands; the table has each of them."""


def section(data: ReportData) -> dict[str, Any] | None:
    """Return a row for each dataset and reference, and the sentences; None where none was asked for."""
    found = [one for dataset in data.datasets for one in references_beside(data.workspace, dataset)]
    left_out = [one for dataset in data.datasets for one in left_out_of(data.workspace, dataset)]
    if not found and not left_out:
        return None
    told = (one.sentence(title_of(one.reference), title_of(one.network)) for one in found)
    sentences = [sentence for sentence in told if sentence]
    return {
        "rows": [_row(data, one) for one in found],
        "sentences": sentences if len(found) <= MOST_SENTENCES else _counted(found),
        "about": [row.summary for name, row in references().items() if name in data.unique("model")],
        "left_out": [
            f"{one.identity.dataset}: {title_of(one.identity.classifier)} was left out. {one.reason}"
            for one in left_out
        ],
    }


def _counted(found: Sequence[Beside]) -> list[str]:
    """Say on how many datasets each reference is better, as good, and behind."""
    by_name: dict[str, list[str]] = {}
    for one in found:
        by_name.setdefault(one.reference, []).append(one.verdict)
    return [
        f"{title_of(name)} is better beyond chance on {verdicts.count('better')}, as good on "
        f"{verdicts.count('as good')}, and behind beyond chance on {verdicts.count('behind')} of "
        f"{counted(len(verdicts), 'dataset')}."
        for name, verdicts in by_name.items()
    ]


def _row(data: ReportData, one: Beside) -> dict[str, Any]:
    metric, results = metric_named(one.metric), data.results_of(one.dataset)
    best = None if results is None else leading(results, metric_named(data.metric(one.dataset)))
    test = {} if best is None else best.set_index("model")["accuracy"].to_dict()
    return {
        "dataset": one.dataset,
        "anchor": data.anchor(one.dataset),
        "reference": one.reference,
        "network": one.network,
        "metric": metric.title,
        "value": metric.text(one.value),
        "other": metric.text(one.other),
        "p": one.p,
        "verdict": one.verdict,
        "test": test.get(one.reference),
        "other_test": test.get(one.network),
    }
