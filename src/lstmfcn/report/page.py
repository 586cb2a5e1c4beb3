"""The report's page: what each stage wrote, read from files and laid into one HTML file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from lstmfcn.data.series import Split
from lstmfcn.errors import RegistryError
from lstmfcn.evaluation.comparison import read_results
from lstmfcn.evaluation.reference import load_table1, printed_methods
from lstmfcn.evaluation.significance import MIN_DATASETS
from lstmfcn.files import read_json
from lstmfcn.report.critical_difference import caption, critical_difference
from lstmfcn.report.explanation import best_run, draw_activation, draw_attention, explain, sentences
from lstmfcn.report.figures import accuracies, learning_curves, series_by_class
from lstmfcn.workspace import Workspace

MODEL_TITLES = {"fcn": "FCN", "lstm_fcn": "LSTM-FCN", "alstm_fcn": "ALSTM-FCN"}
MOST_CLASSES = 12
"""With more classes than that a confusion matrix is no longer looked at."""


@dataclass
class DatasetSection:
    """What the page shows of one dataset."""

    name: str
    verdict: dict[str, Any] | None = None
    champion: dict[str, Any] | None = None
    reason: str = ""
    registry: dict[str, Any] | None = None
    sizes: str = ""
    series: str = ""
    curves: str = ""
    methods_figure: str = ""
    methods: list[dict[str, Any]] = field(default_factory=list)
    searches: list[dict[str, Any]] = field(default_factory=list)
    explanations: list[dict[str, Any]] = field(default_factory=list)
    confusion: dict[str, Any] | None = None


def build_report(root: Path) -> str:
    """Build the page.

    Parameters
    ----------
    root
        The clone. What a stage has not written yet is missing from the page, which says so.

    Returns
    -------
    str
        HTML that needs no other file and no network. Equal files give equal text.
    """
    workspace = Workspace(root)
    missing: list[str] = []
    results = _csv(workspace.results / "results.csv", "evaluate", missing)
    promotions = _json(workspace.promotions, "promote", missing) or {}
    verdicts = {v["dataset"]: v for v in _json(workspace.verdicts, "validate", missing) or []}
    beside = _csv(workspace.comparison / "beside_paper.csv", "compare", missing)
    comparison = _json(workspace.comparison / "comparison.json", "compare", missing) or {}
    tables = {
        name: _records(_csv(workspace.comparison / f"{name}.csv", "compare", missing))
        for name in ("wilcoxon", "wilcoxon_all", "table2", "fine_tuning")
    }
    scores = _csv(workspace.comparison / "scores.csv", "compare", missing)
    names = list(dict.fromkeys([*verdicts, *promotions, *_unique(results, "dataset")]))
    sections = [
        _section(workspace, name, verdicts.get(name), promotions.get(name), results, beside) for name in names
    ]
    return render(
        "page.html.j2",
        sections=sections,
        summary=comparison.get("summary", []),
        notes=comparison.get("notes", []),
        beside=_records(beside),
        **tables,
        diagrams=_diagrams(workspace, scores),
        honest=results is None or set(results["selected_on"]) == {"train"},
        protocols=", ".join(_unique(results, "protocol")),
        seeds=len(_unique(results, "seed")),
        missing=list(dict.fromkeys(missing)),
        failed=[v for v in verdicts.values() if v["outcome"] == "failed"],
    )


def _diagrams(workspace: Workspace, scores: pd.DataFrame | None) -> list[dict[str, str]]:
    """Draw the critical differences of the paper's Table I, and of our methods among all others."""
    table1 = load_table1(workspace.reference / "table1.csv")
    fields = {"The methods of the paper's Table I": printed_methods(table1)}
    if scores is not None and len(scores):
        fields["Our methods among them"] = scores.set_index("dataset")
    drawn = [
        {"title": title, "svg": critical_difference(field, title), "caption": caption(field)}
        for title, field in fields.items()
        if len(field) >= MIN_DATASETS
    ]
    return [diagram for diagram in drawn if diagram["svg"]]


def render(template: str, **values: Any) -> str:
    """Return a template of this folder filled in; text is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("lstmfcn.report", ""), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"share": _share, "number": _number, "title": _title, "difference": _difference}
    return environment.get_template(template).render(**values)


def _section(
    workspace: Workspace,
    name: str,
    verdict: dict[str, Any] | None,
    promotion: dict[str, Any] | None,
    results: pd.DataFrame | None,
    beside: pd.DataFrame | None,
) -> DatasetSection:
    section = DatasetSection(name, verdict)
    path = workspace.train_splits / f"{name}.npz"
    if path.exists():
        train = Split.load(path)
        n, channels, length = train.X.shape
        section.sizes = f"{n} training series of {length} values, {len(train.classes)} classes" + (
            f", {channels} channels" if channels > 1 else ""
        )
        section.series = series_by_class(
            train.X, train.y, train.classes, f"{name}: the training series by class"
        )
        section.explanations = _explanations(workspace, name, train)
    for search in sorted((workspace.search / name).glob("*.json")):
        section.searches.append(read_json(search))
    mine = results[results["dataset"] == name] if results is not None else None
    if mine is not None and len(mine):
        section.methods = _methods(mine, name, beside)
        section.methods_figure = _methods_figure(section.methods, f"{name}: accuracy of each method")
        section.curves = _curves(workspace, mine, f"{name}: training loss by epoch")
    if promotion and promotion["champion"]:
        section.champion = promotion["champion"] | {"test": None}
        section.reason, section.registry = promotion["reason"], promotion["registry"]
        if mine is not None:
            (served,) = [*mine[mine["key"] == section.champion["key"]].to_dict("records"), None][:1]
            if served:
                method = _find(section.methods, served["model"], served["phase"])
                section.champion |= {"test": served["accuracy"], "n_test": served["n_test"]} | {
                    k: method[k] for k in ("low", "high", "paper", "swapped")
                }
                section.confusion = _confusion(workspace, served)
    return section


def _explanations(workspace: Workspace, name: str, train: Split) -> list[dict[str, Any]]:
    """Explain the run with the best evidence, and the best with an attention worth looking at."""
    runs = {}
    for models in (MODEL_TITLES, ["alstm_fcn"]):
        try:
            run, folder = best_run(workspace, name, models)
        except RegistryError:
            continue
        runs[run.key] = folder
    explanations = [explain(f, train) for f in runs.values() if (f / "weights.npz").exists()]
    shown = [
        {
            "name": explanation.run.name,
            "model": explanation.run.model,
            "sentences": sentences(explanation),
            "activation": draw_activation(explanation, f"{explanation.run.name}: class activation maps"),
            "attention": draw_attention(explanation, f"{explanation.run.name}: attention by class"),
        }
        for explanation in explanations
    ]
    return shown[:1] + [e for e in shown[1:] if e["attention"]]


def _methods(mine: pd.DataFrame, name: str, beside: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return a row for each model and phase, the means of its seeds, beside the paper's figure."""
    rows = []
    for (model, phase), group in mine[mine["chosen"]].groupby(["model", "phase"], sort=True):
        row: dict[str, Any] = {
            "model": model,
            "phase": phase,
            "cells": ", ".join(str(int(c)) for c in sorted(set(group["cells"].dropna()))) or "none",
            "iterations": ", ".join(str(i) for i in sorted(set(group["iteration"]))),
            "seeds": len(group),
            **{k: group[k].mean() for k in ("oof_accuracy", "oof_loss", "accuracy", "pce", "log_loss")},
            "low": None,
            "high": None,
            "paper": None,
            "swapped": False,
        }
        if beside is not None:
            same = (beside["dataset"] == name) & (beside["model"] == model) & (beside["phase"] == phase)
            for found in beside[same].to_dict("records"):
                row |= {
                    "low": found["ours_low"],
                    "high": found["ours_high"],
                    "paper": None if pd.isna(found["paper"]) else found["paper"],
                    "swapped": bool(found["split_sizes_swapped"]),
                }
        rows.append(row)
    return rows


def _methods_figure(methods: list[dict[str, Any]], title: str) -> str:
    rows = [
        (
            f"{_title(m['model'])}\n{_title(m['phase'])}",
            None if pd.isna(m["oof_accuracy"]) else float(m["oof_accuracy"]),
            float(m["accuracy"]),
            float(m["accuracy"] if m["low"] is None else m["low"]),
            float(m["accuracy"] if m["high"] is None else m["high"]),
            m["paper"],
        )
        for m in methods
    ]
    return accuracies(rows, title)


def _curves(workspace: Workspace, mine: pd.DataFrame, title: str) -> str:
    """Return the learning curves of each model's first seed."""
    curves = {}
    for model, group in mine.groupby("model", sort=True):
        place = Path(mine["dataset"].iloc[0], str(model), f"seed-{group['seed'].min()}")
        folders = [workspace.phase1 / place]
        iterations = (workspace.finetuned / place).glob("iteration-*")
        folders += sorted(iterations, key=lambda folder: int(folder.name.removeprefix("iteration-")))
        parts = [
            (folder.name, pd.read_csv(folder / "history.csv")["loss"].to_numpy(np.float64))
            for folder in folders
            if (folder / "history.csv").exists()
        ]
        if parts:
            curves[_title(str(model))] = parts
    return learning_curves(curves, title) if curves else ""


def _confusion(workspace: Workspace, served: dict[str, Any]) -> dict[str, Any] | None:
    """Return the test predictions of a champion, counted by true and predicted label."""
    trained = f"iteration-{served['iteration']}" if served["iteration"] else "phase1"
    place = Path(served["dataset"], served["model"], f"seed-{served['seed']}", trained)
    path = workspace.results / "predictions" / place / "predictions.csv"
    if not path.exists():
        return None
    predictions = pd.read_csv(path, dtype={"label": str, "predicted": str}, keep_default_na=False)
    classes = [c.removeprefix("p:") for c in predictions.columns if c.startswith("p:")]
    if len(classes) > MOST_CLASSES:
        return None
    counts = pd.crosstab(predictions["label"], predictions["predicted"])
    counts = counts.reindex(index=classes, columns=classes, fill_value=0)
    return {"classes": classes, "rows": [[int(v) for v in row] for row in counts.to_numpy()]}


def _find(methods: list[dict[str, Any]], model: str, phase: str) -> dict[str, Any]:
    return next(m for m in methods if m["model"] == model and m["phase"] == phase)


def _csv(path: Path, stage: str, missing: list[str]) -> pd.DataFrame | None:
    try:
        return read_results(path)
    except (FileNotFoundError, pd.errors.EmptyDataError):
        missing.append(stage)
        return None


def _records(table: pd.DataFrame | None) -> list[dict[Any, Any]]:
    return [] if table is None else table.to_dict("records")


def _json(path: Path, stage: str, missing: list[str]) -> Any:
    try:
        return read_json(path)
    except FileNotFoundError:
        missing.append(stage)
        return None


def _unique(results: pd.DataFrame | None, column: str) -> list[Any]:
    return [] if results is None else list(dict.fromkeys(results[column]))


def _share(value: float | None) -> str:
    """Return an accuracy as text, to the digits the paper prints."""
    return "–" if value is None or pd.isna(value) else f"{value:.4f}"


def _number(value: float | None, digits: int = 4) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.{digits}g}"


def _difference(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:+.4f}"


def _title(name: str) -> str:
    titles = MODEL_TITLES | {"phase1": "phase 1", "finetuned": "fine-tuned"}
    return titles.get(name, name)
