"""What the pipeline gave, in a few lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lstmfcn.config import Params
from lstmfcn.errors import DataError
from lstmfcn.evaluation.measurement import ends_of, no_better_than
from lstmfcn.evaluation.metrics import Metric, all_metrics, headline_metrics, metric_named
from lstmfcn.files import read_json
from lstmfcn.runs.identity import identity_of
from lstmfcn.workspace import Workspace

HEADER = ("DATASET", "BEST", "CELLS", "PHASE")


def in_columns(lines: Sequence[tuple[str, ...]]) -> str:
    """Return lines of cells as text in which the columns stand under each other."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def summarise(workspace: Workspace, params: Params) -> tuple[list[tuple[str, ...]], list[str], list[str]]:
    """Return a table of the best runs by the headline metrics, out of fold and then of the test split.

    Besides, a line for each best run that is no better than the majority rate, and one for each dataset that
    was left out or is an old copy. Datasets that `params.yaml` does not name are not shown, whatever there is
    of them.

    Raises
    ------
    DataError
        If the pipeline has not run.
    """
    promotions, results = _read(workspace)
    metrics = headline_metrics()
    shown = [(f"oof_{metric.name}", metric) for metric in metrics] + [(m.name, m) for m in metrics]
    titles = [f"{'OOF' if name.startswith('oof_') else 'TEST'} {m.title.upper()}" for name, m in shown]
    lines: list[tuple[str, ...]] = [(*HEADER, *titles, "MAJORITY RATE")]
    verdicts = {verdict["dataset"]: verdict for verdict in read_json(workspace.verdicts)}
    left_out = [line for name in params.datasets if (line := _left_out(name, verdicts.get(name), promotions))]
    no_better = []
    for dataset, best in _best_runs(workspace, params, promotions):
        if best is None:
            lines.append((dataset, "none", *["-"] * (len(lines[0]) - 2)))
            continue
        phase = identity_of(best | {"dataset": dataset}).title
        row, cells = best | results.get(best["key"], {}), best["cells"]
        values = [metric.text(_number(row.get(name)), missing="-") for name, metric in shown]
        rate = _number(row.get("majority_rate"))
        values.append(metric_named("accuracy").text(rate, missing="-"))
        lines.append((dataset, best["model"], "-" if cells is None else str(cells), phase, *values))
        places = {"oof_accuracy": "out of fold", "accuracy": "on the test split"}
        low = no_better_than(rate, {where: _number(row.get(name)) for name, where in places.items()})
        no_better += [f"{dataset}: the best run is {low}."] if low else []
    return lines, no_better, left_out


def measured(workspace: Workspace, params: Params) -> list[tuple[str, ...]]:
    """Return a table of every metric of the best runs with its 95 % interval, and of their sensitivities.

    Raises
    ------
    DataError
        If the pipeline has not run.
    """
    promotions, results = _read(workspace)
    lines: list[tuple[str, ...]] = [("DATASET", "METRIC", "OOF", "95 % INTERVAL", "TEST", "95 % INTERVAL")]
    for dataset, best in _best_runs(workspace, params, promotions):
        row = {} if best is None else results.get(best["key"], {})
        if not row:
            continue
        for name, metric in all_metrics().items():
            cells = (_with_interval(row, f"{split}{name}", metric) for split in ("oof_", ""))
            lines.append((dataset, metric.title, *(cell for pair in cells for cell in pair)))
        of_class = [json.loads(row.get(f"{split}sensitivity") or "{}") for split in ("oof_", "")]
        share = metric_named("accuracy")
        for label in dict.fromkeys(label for found in of_class for label in found):
            texts = [share.text(found.get(label), missing="-") for found in of_class]
            lines.append((dataset, f"sensitivity of {label}", texts[0], "", texts[1], ""))
        rate = share.text(_number(row.get("majority_rate")), missing="-")
        lines.append((dataset, "majority rate (training split)", rate, "", "", ""))
    return lines


def _best_runs(workspace: Workspace, params: Params, promotions: Any) -> Iterator[tuple[str, Any]]:
    """Yield each dataset that is asked for and in use, and its best run."""
    verdicts = {verdict["dataset"]: verdict["outcome"] for verdict in read_json(workspace.verdicts)}
    for dataset in params.datasets:
        if dataset in promotions and verdicts.get(dataset) != "failed":
            yield dataset, promotions[dataset].get("best")


def _with_interval(row: Mapping[str, str], name: str, metric: Metric) -> tuple[str, str]:
    value, *ends = (metric.text(_number(row.get(column)), missing="") for column in (name, *ends_of(name)))
    return value or "-", " to ".join(ends) if all(ends) else ""


def _read(workspace: Workspace) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """Return what was promoted by dataset, and the rows of the results by key."""
    for path in (workspace.promotions, workspace.verdicts, workspace.results / "results.csv"):
        if not path.exists():
            raise DataError(f"{path} is missing. Run `dvc repro`.")
    with (workspace.results / "results.csv").open(encoding="utf-8", newline="") as file:
        results = {row["key"]: row for row in csv.DictReader(file)}
    return read_json(workspace.promotions), results


def _left_out(dataset: str, verdict: Any, promotions: Any) -> str | None:
    """Say why a dataset has no row, or has one that may be out of date."""
    if verdict is None or (verdict["outcome"] != "failed" and dataset not in promotions):
        return f"{dataset}: has not been run yet. Run `dvc repro`."
    severity = "error" if verdict["outcome"] == "failed" else "warn"
    messages = [
        f["message"]
        for f in verdict["findings"]
        if f["severity"] == severity and (severity == "error" or f["finding"] == "source_gone")
    ]
    return f"{dataset}: {' '.join(messages)}" if messages else None


def _number(value: str | float | None) -> float | None:
    return None if value is None or value == "" else float(value)
