"""What there is to say of each dataset of the paper: its series, methods, best run, and what it looks at."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from lstmfcn.classifiers.table import classifiers
from lstmfcn.data.series import Split
from lstmfcn.errors import RegistryError
from lstmfcn.evaluation.calibration import calibrated
from lstmfcn.evaluation.measurement import CALIBRATED, ends_of
from lstmfcn.evaluation.measures import reliability
from lstmfcn.evaluation.metrics import all_metrics, headline_metrics
from lstmfcn.evaluation.resamples import SD, has_resamples, spread
from lstmfcn.evaluation.scores import binomial_interval
from lstmfcn.files import member, read_json
from lstmfcn.report.data import ReportData
from lstmfcn.report.explanation import draw_activation, draw_attention, sentences
from lstmfcn.report.explanation_page import best_run, explain_run
from lstmfcn.report.figures import accuracies, learning_curves, reliability_diagram, series_by_class
from lstmfcn.report.html import phase, title
from lstmfcn.runs.identity import Identity, identity_of, search_tables
from lstmfcn.runs.outputs import load_run, read_output
from lstmfcn.runs.predictions import Predictions
from lstmfcn.runs.rows import run_of
from lstmfcn.runs.run import WEIGHTS_FILE
from lstmfcn.workspace import Workspace

TITLE = "Datasets"
ORDER = 40
TEMPLATE = "dataset.html.j2"

HISTORY_FILE, PREDICTIONS_FILE = "history.csv", "predictions.csv"

MOST_CLASSES = 12
"""With more classes than that a confusion matrix is no longer looked at."""


def section(data: ReportData) -> dict[str, Any] | None:
    """Return what the page shows of each dataset of the paper, after what compares all of them."""
    return shown(data, data.of_paper)


def shown(data: ReportData, datasets: Sequence[str]) -> dict[str, Any] | None:
    """Return what the page shows of some datasets; each stands in the navigation by itself."""
    if not datasets:
        return None
    return {
        "links": [(data.anchor(name), name) for name in datasets],
        "columns": data.columns(all_metrics().values()),
        "honest": data.honest,
        "datasets": [_dataset(data, name) for name in datasets],
    }


def _dataset(data: ReportData, name: str) -> dict[str, Any]:
    workspace = data.workspace
    mine, served = data.results_of(name), data.best_row(name)
    methods = [] if mine is None else _methods(data, mine, name)
    return _series(data, name) | {
        "name": name,
        "anchor": data.anchor(name),
        "of_paper": name in data.in_paper,
        "verdict": data.verdicts.get(name),
        "champion": data.best(name),
        "reason": data.promotions.get(name, {}).get("reason") or "",
        "methods": methods,
        "resampled": None if mine is None else _resampled(data, mine, name),
        "methods_figure": _methods_figure(methods, f"{name}: accuracy of each method") if methods else "",
        "measured": [] if served is None else _measured(served),
        "majority_rate": data.majority_rate(name),
        "calibration": None if served is None else _calibration(workspace, served, name),
        "confusion": None if served is None else _confusion(workspace, served),
        "curves": "" if mine is None else _curves(workspace, mine, f"{name}: training loss by epoch"),
        "searches": [read_json(path) for path in search_tables(workspace, name)],
    }


def _series(data: ReportData, name: str) -> dict[str, Any]:
    """Return the training split in words and drawn, and what the networks look at in it."""
    workspace = data.workspace
    path = member(workspace.train_splits, workspace.train_split(name).name)
    if not path.exists():
        return {"sizes": "", "series": "", "explanations": []}
    train = Split.load(path)
    n, channels, length = train.X.shape
    more = f", {channels} channels" if channels > 1 else ""
    return {
        "sizes": f"{n} training series of {length} values, {len(train.classes)} classes{more}",
        "series": series_by_class(train.X, train.y, train.classes, f"{name}: the training series by class"),
        "explanations": _explanations(data, name, train),
    }


def _explanations(data: ReportData, name: str, train: Split) -> list[dict[str, Any]]:
    """Explain the run that stands for a dataset, and the best with an attention worth looking at."""
    workspace, best = data.workspace, data.best(name)
    attentive = [row.name for row in classifiers().values() if getattr(row, "attention", False)]
    runs = {}
    if best is not None:
        runs[best["key"]] = load_run(workspace, identity_of({"dataset": name, **best}))
    for models in (attentive,) if runs else (None, attentive):
        with suppress(RegistryError):
            run, _ = best_run(workspace, name, models, metric=data.metric(name))
            runs[run.key] = run
    shown = []
    for run in runs.values():
        if not (run.identity.folder(workspace) / WEIGHTS_FILE).exists():
            continue
        explanation = explain_run(workspace, run, train)
        shown.append(
            {
                "name": run.name,
                "model": run.identity.classifier,
                "sentences": sentences(explanation),
                "activation": draw_activation(explanation, f"{run.name}: class activation maps"),
                "attention": draw_attention(explanation, f"{run.name}: attention by class"),
            }
        )
    return shown[:1] + [e for e in shown[1:] if e["attention"]]


def _methods(data: ReportData, mine: pd.DataFrame, name: str) -> list[dict[str, Any]]:
    """Return a row for each model and phase, the means of its seeds, beside the paper's figure."""
    columns = [column.name for column in data.columns(all_metrics().values())]
    return [
        {
            "model": model,
            "phase": phase,
            "cells": ", ".join(str(int(c)) for c in sorted(set(group["cells"].dropna()))) or "none",
            "iterations": ", ".join(str(i) for i in sorted(set(group["iteration"]))),
            **{name: group[name].mean() for name in columns},
            **data.beside_paper(name, str(model), str(phase)),
        }
        for (model, phase), group in mine[mine["chosen"]].groupby(["model", "phase"], sort=True)
    ]


def _resampled(data: ReportData, mine: pd.DataFrame, name: str) -> dict[str, Any] | None:
    """Return mean and standard deviation over the resamples of each model and phase, beside the own split's.

    None where there is the own split alone.
    """
    every = data.every_result_of(name)
    if not has_resamples(every):
        return None
    columns = data.columns(headline_metrics())
    names, by = [column.name for column in columns], ["model", "phase"]
    own = mine[mine["chosen"]].groupby(by)[names].mean()
    rows = []
    found: list[dict[Any, Any]] = spread(every[every["chosen"]], by, names).to_dict("records")
    for row in found:
        here: dict[Any, Any] = own.loc[(row["model"], row["phase"])].to_dict()
        texts = [(c.text(row), c.metric.text(row[c.name + SD]), c.text(here)) for c in columns]
        cells = [f"{mean} ± {deviation} ({of_own_split})" for mean, deviation, of_own_split in texts]
        rows.append({"model": row["model"], "phase": row["phase"], "n": row["resamples"], "cells": cells})
    return {"titles": [column.title for column in columns], "rows": rows}


def _methods_figure(methods: list[dict[str, Any]], name: str) -> str:
    rows = [
        (
            f"{title(m['model'])}\n{phase(m)}",
            None if pd.isna(m["oof_accuracy"]) else float(m["oof_accuracy"]),
            float(m["accuracy"]),
            float(m["accuracy"] if m["low"] is None else m["low"]),
            float(m["accuracy"] if m["high"] is None else m["high"]),
            m["paper"],
        )
        for m in methods
    ]
    return accuracies(rows, name)


def _measured(served: dict[Any, Any]) -> list[dict[str, str]]:
    """Return a row for each metric of the best run: out of fold and on the test split, with its intervals."""
    rows = []
    for name, metric in all_metrics().items():
        row = {"title": metric.title}
        for split in ("oof_", ""):
            value, *ends = (metric.text(served.get(n)) for n in (split + name, *ends_of(split + name)))
            row |= {f"{split}value": value, f"{split}interval": " – ".join(ends) if metric.interval else ""}
        rows.append(row)
    return rows


def _curves(workspace: Workspace, mine: pd.DataFrame, name: str) -> str:
    """Return the learning curves of each model's first seed."""
    curves = {}
    for model, group in mine.groupby("model", sort=True):
        first = group[group["seed"] == group["seed"].min()].sort_values("iteration")
        steps = [run_of(row) for row in first.to_dict("records")]
        parts = [
            (step.title, pd.read_csv(io.BytesIO(file))["loss"].to_numpy(np.float64))
            for step in steps
            if (file := _file(workspace, step, HISTORY_FILE)) is not None
        ]
        if parts:
            curves[title(str(model))] = parts
    return learning_curves(curves, name) if curves else ""


def _test_predictions(workspace: Workspace, served: dict[Any, Any]) -> Predictions | None:
    file = _file(workspace, run_of(served).test(), PREDICTIONS_FILE)
    return None if file is None else Predictions.from_csv(file)


def _calibration(workspace: Workspace, served: dict[Any, Any], name: str) -> dict[str, Any] | None:
    """Return the metrics of the best run's probabilities before and after calibration, and the diagram."""
    temperature, made = served.get("temperature"), _test_predictions(workspace, served)
    if made is None or temperature is None or pd.isna(temperature):
        return None
    after = calibrated(made.probabilities, temperature)
    curves = {
        "as the network gives them": reliability(made.y, made.probabilities),
        f"calibrated, T = {temperature:.3g}": reliability(made.y, after),
    }
    metrics = [metric for metric in all_metrics().values() if metric.needs_probabilities]
    return {
        "temperature": f"{temperature:.3g}",
        "figure": reliability_diagram(curves, f"{name}: reliability of the best run on the test split"),
        "rows": [
            (m.title, m.text(served.get(m.name)), m.text(served.get(CALIBRATED + m.name))) for m in metrics
        ],
    }


def _confusion(workspace: Workspace, served: dict[Any, Any]) -> dict[str, Any] | None:
    """Return the test predictions of the best run, counted by true and predicted class."""
    predictions = _test_predictions(workspace, served)
    if predictions is None:
        return None
    n = len(predictions.classes)
    if n > MOST_CLASSES:
        return None
    counts = np.zeros((n, n), dtype=int)
    np.add.at(counts, (predictions.y, predictions.predicted_y), 1)
    shares = [
        (row[k] / row.sum(), *binomial_interval(int(row[k]), int(row.sum()))) if row.sum() else (None,) * 3
        for k, row in enumerate(counts)
    ]
    return {"classes": predictions.classes, "rows": counts.tolist(), "sensitivities": shares}


def _file(workspace: Workspace, one: Identity, name: str) -> bytes | None:
    """Return a file of a run as the run left it; None where it is not there."""
    if not (one.folder(workspace) / name).exists():
        return None
    return read_output(workspace, load_run(workspace, one), name)
