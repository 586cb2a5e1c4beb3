"""What the pipeline gave, in a few lines."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Any

from lstmfcn.config import Params
from lstmfcn.errors import DataError
from lstmfcn.evaluation.metrics import headline_metrics
from lstmfcn.files import read_json
from lstmfcn.runs.identity import identity_of
from lstmfcn.workspace import Workspace

HEADER = ("DATASET", "CHAMPION", "CELLS", "PHASE")


def in_columns(lines: Sequence[tuple[str, ...]]) -> str:
    """Return lines of cells as text in which the columns stand under each other."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def summarise(workspace: Workspace, params: Params) -> tuple[list[tuple[str, ...]], list[str]]:
    """Return a table of the champions, and a line for each dataset that was left out or is an old copy.

    Datasets that `params.yaml` does not name are not shown, whatever there is of them. The table shows the
    headline metrics, out of fold and then of the test split.

    Raises
    ------
    DataError
        If the pipeline has not run.
    """
    for path in (workspace.promotions, workspace.verdicts, workspace.results / "results.csv"):
        if not path.exists():
            raise DataError(f"{path} is missing. Run `dvc repro`.")
    promotions = read_json(workspace.promotions)
    with (workspace.results / "results.csv").open(encoding="utf-8", newline="") as file:
        results = {row["key"]: row for row in csv.DictReader(file)}
    metrics = headline_metrics()
    shown = [(f"oof_{metric.name}", metric) for metric in metrics] + [(m.name, m) for m in metrics]
    titles = [f"{'OOF' if name.startswith('oof_') else 'TEST'} {m.title.upper()}" for name, m in shown]
    lines: list[tuple[str, ...]] = [(*HEADER, *titles)]
    verdicts = {verdict["dataset"]: verdict for verdict in read_json(workspace.verdicts)}
    left_out = [line for name in params.datasets if (line := _left_out(name, verdicts.get(name), promotions))]
    for dataset in params.datasets:
        if dataset not in promotions or verdicts.get(dataset, {}).get("outcome") == "failed":
            continue
        champion = promotions[dataset]["champion"]
        if champion is None:
            lines.append((dataset, "none", *["-"] * (len(lines[0]) - 2)))
            continue
        phase = identity_of(champion | {"dataset": dataset}).title
        row, cells = champion | results.get(champion["key"], {}), champion["cells"]
        values = [metric.text(_number(row.get(name)), missing="-") for name, metric in shown]
        lines.append((dataset, champion["model"], "-" if cells is None else str(cells), phase, *values))
    return lines, left_out


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
