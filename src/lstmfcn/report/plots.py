"""What `dvc plots` draws, and the page on which it draws: no network is needed to look at it."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from lstmfcn.evaluation.evidence import OOF_FILE
from lstmfcn.evaluation.measurement import ends_of
from lstmfcn.evaluation.metrics import metric_named
from lstmfcn.report.data import ReportData, leading
from lstmfcn.report.html import render, title
from lstmfcn.runs.outputs import load_run, read_output
from lstmfcn.runs.predictions import Predictions
from lstmfcn.runs.rows import run_of

VEGA_LITE = "6.4"
"""Of the versions that vl-convert brings; older ones know less of what templates may say."""


def tables(data: ReportData, datasets: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the path of each file under `reports/plots`, and its text.

    For each dataset the evidence of each classifier (its best run out of fold, by the metric that chooses,
    with the 95 % interval), what the run with the best evidence made of each training series, and the
    learning curves of phase 1, each classifier's by its first seed.
    """
    for dataset in datasets:
        mine = data.results_of(dataset)
        if mine is None:
            continue
        for kind, rows in (
            ("evidence", _evidence(data, dataset, mine)),
            ("confusion", _confusion(data, dataset)),
            ("curves", _curves(data, mine)),
        ):
            if rows is not None and len(rows):
                yield f"{kind}/{dataset}.csv", rows.to_csv(index=False, float_format="%.9g")


@functools.cache
def page() -> str:
    """Return the page on which `dvc plots` draws: Vega is in it, which DVC's own loads from elsewhere.

    So does this one where vl-convert, which brings Vega, is not installed.
    """
    try:
        import vl_convert
    except ModuleNotFoundError:
        return render("plots.html.j2", vega="")
    bundle = vl_convert.javascript_bundle("window.vegaEmbed=vegaEmbed;", vl_version=VEGA_LITE)
    return render("plots.html.j2", vega=bundle)


def _evidence(data: ReportData, dataset: str, mine: pd.DataFrame) -> pd.DataFrame | None:
    metric = metric_named(data.metric(dataset))
    name = f"oof_{metric.name}"
    if name not in mine:
        return None
    best = leading(mine, metric).dropna(subset=[name])
    low, high = (best.get(end, best[name]).fillna(best[name]) for end in ends_of(name))
    return pd.DataFrame({"classifier": best["model"].map(title), "oof": best[name], "low": low, "high": high})


def _confusion(data: ReportData, dataset: str) -> pd.DataFrame | None:
    candidate = data.best(dataset)
    if candidate is None:
        return None
    run = load_run(data.workspace, run_of(candidate | {"dataset": dataset}))
    if OOF_FILE not in run.artifacts:
        return None
    oof = Predictions.from_csv(read_output(data.workspace, run, OOF_FILE))
    if oof.labels is None:
        return None
    return pd.DataFrame({"actual": oof.labels[oof.held], "predicted": oof.predicted[oof.held]})


def _curves(data: ReportData, mine: pd.DataFrame) -> pd.DataFrame | None:
    phase1 = mine[mine["iteration"] == 0].sort_values("seed").drop_duplicates("model")
    curves = [_curve(data, row) for row in phase1.sort_values("model").to_dict("records")]
    known = [curve for curve in curves if curve is not None]
    return pd.concat(known) if known else None


def _curve(data: ReportData, row: dict[Any, Any]) -> pd.DataFrame | None:
    run = load_run(data.workspace, run_of(row))
    if run.history is None:
        return None
    history = pd.read_csv(io.BytesIO(read_output(data.workspace, run, run.history)))
    return history[["epoch", "loss"]].assign(classifier=title(row["model"]))
