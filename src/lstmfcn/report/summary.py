"""What the pipeline gave, in a few lines: first the evidence, then, apart, what was measured once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lstmfcn.classifiers.table import has_phases, references, title_of
from lstmfcn.config import Params
from lstmfcn.errors import DataError
from lstmfcn.evaluation.measurement import ends_of, no_better_than
from lstmfcn.evaluation.metrics import Metric, all_metrics, headline_metrics, metric_named
from lstmfcn.evaluation.resamples import own_split
from lstmfcn.evaluation.results import read_results
from lstmfcn.files import read_json
from lstmfcn.report.data import leading
from lstmfcn.report.references import left_out_of, references_beside
from lstmfcn.report.resampled import over_resamples
from lstmfcn.runs.facts import read_facts, seconds_to
from lstmfcn.runs.outputs import load_run
from lstmfcn.runs.rows import run_of
from lstmfcn.runs.run import RUN_FILE
from lstmfcn.workspace import Workspace

Table = list[tuple[str, ...]]
Facts = Mapping[str, Mapping[str, object]]

EVIDENCE = "Out of fold, each training series by a model that has not seen it: this chooses."
ONCE = "Test split, measured once, after every choice: this chooses nothing."
OVER = "Over the resamples, the best run of each by its evidence there (docs/resamples.md), out of fold:"
OVER_ONCE = "The same runs on the test splits of the resamples, each measured once:"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What there is to say of a study.

    Attributes
    ----------
    evidence
        A table of the best run of each classifier by the metric that chooses, with the seconds that it took
        to come to it, and of what serves.
    once
        A table of what the test split says of what serves, or of the candidate where nothing does.
    over, over_once
        Tables of mean and standard deviation over the resamples, out of fold and on the test splits; of a
        line of titles where there are none.
    notes
        What serves nothing, what is no better than the majority rate, which references are as good as the
        networks or better, and which were left out, a line each.
    left_out
        A line for each dataset that was left out or is an old copy.
    """

    evidence: Table
    once: Table
    over: Table
    over_once: Table
    notes: list[str]
    left_out: list[str]


@dataclass(frozen=True)
class _Dataset:
    """A dataset's rows of results, and, if there are such, its best run and the version that serves.

    `every` holds the rows about its resamples too, `results` those about its own split alone.
    """

    name: str
    every: pd.DataFrame
    results: pd.DataFrame
    best: Mapping[str, Any] | None
    version: Any

    def row(self, key: str) -> dict[Any, Any] | None:
        """Return the row of the results about a run."""
        return next(iter(self.results[self.results["key"] == key].to_dict("records")), None)

    @property
    def serving(self) -> dict[Any, Any] | None:
        """The row of the run that serves; what the registry knows of it where these results lack it."""
        if self.version is None:
            return None
        return self.row(self.version.key) or {
            "dataset": self.name,
            "key": self.version.key,
            "model": self.version.model,
            "cells": pd.to_numeric(self.version.cells, errors="coerce"),
            "seed": self.version.seed,
            "iteration": self.version.iteration,
            "majority_rate": self.version.majority_rate,
            **self.version.evidence,
        }

    @property
    def shown(self) -> dict[Any, Any] | None:
        """The row of what serves, or of the candidate where nothing does."""
        return self.serving or (None if self.best is None else self.row(self.best["key"]))

    def role(self, row: Mapping[Any, Any]) -> str:
        """Return what a run is: the champion is what serves, the candidate has the best evidence."""
        if self.version is not None and row["key"] == self.version.key:
            return f"champion v{self.version.version}"
        if self.best is not None and row["key"] == self.best["key"]:
            return "candidate"
        return "reference" if row["model"] in references() else ""


def in_columns(lines: Sequence[tuple[str, ...]]) -> str:
    """Return lines of cells as text in which the columns stand under each other."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def summarise(workspace: Workspace, params: Params, serving: Mapping[str, Any] | None) -> Summary:
    """Sum up a study. Datasets that `params.yaml` does not name are not shown, whatever there is of them.

    Parameters
    ----------
    workspace, params
        The study.
    serving
        The version that serves each dataset, as `lstmfcn.tracking.registry.versions` has them; None where
        the registry does not say.

    Raises
    ------
    DataError
        If the pipeline has not run.
    """
    promotions, results = _read(workspace)
    metric = metric_named(params.promote.metric)
    ties = [m for m in (metric_named("log_loss"),) if m.name != metric.name]
    titles = (metric.title.upper(), "95 % INTERVAL", *(m.title.upper() for m in ties))
    evidence: Table = [("DATASET", "CLASSIFIER", "STEP", *titles, "SECONDS", "")]
    others = [m for m in headline_metrics() if m.name != "accuracy"]
    columns = ("ACCURACY", "95 % INTERVAL", *(m.title.upper() for m in others), "MAJORITY RATE")
    once: Table = [("DATASET", "", *columns)]
    notes: list[str] = []
    facts = read_facts(workspace)
    every = list(_datasets(workspace, params, promotions, results, serving))
    for one in every:
        rows: list[dict[Any, Any]] = leading(one.results, metric).to_dict("records")
        if one.serving is not None and all(row["key"] != one.serving["key"] for row in rows):
            rows.insert(0, one.serving)
        for row in rows:
            loss = [m.text(_number(row, f"oof_{m.name}"), missing="-") for m in ties]
            took = duration(_seconds(workspace, facts, row))
            shown = (*_what(row), *_with_interval(row, "oof_", metric), *loss, took, one.role(row))
            evidence.append((one.name, *shown))
        notes += _notes(one, promotions, registry_answers=serving is not None)
        notes += _of_references(workspace, one, rows, facts)
        if (main := one.shown) is not None:
            accuracy = metric_named("accuracy")
            values = [m.text(_number(main, m.name), missing="-") for m in others]
            rate = accuracy.text(_number(main, "majority_rate"), missing="-")
            once.append((one.name, one.role(main), *_with_interval(main, "", accuracy), *values, rate))
    verdicts = {verdict["dataset"]: verdict for verdict in read_json(workspace.verdicts)}
    left_out = [line for name in params.datasets if (line := _left_out(name, verdicts.get(name), promotions))]
    over, over_once = over_resamples([(one.name, one.every) for one in every], metric)
    return Summary(
        evidence=evidence, once=once, over=over, over_once=over_once, notes=notes, left_out=left_out
    )


def measured(workspace: Workspace, params: Params, serving: Mapping[str, Any] | None) -> Table:
    """Return a table of every metric of what serves, or of the candidates, with intervals and sensitivities.

    The parameters and errors are those of `summarise`.
    """
    promotions, results = _read(workspace)
    lines: Table = [("DATASET", "METRIC", "OOF", "95 % INTERVAL", "TEST, ONCE", "95 % INTERVAL")]
    for one in _datasets(workspace, params, promotions, results, serving):
        row = one.shown
        if row is None:
            continue
        for metric in all_metrics().values():
            cells = (_with_interval(row, split, metric) for split in ("oof_", ""))
            lines.append((one.name, metric.title, *(cell for pair in cells for cell in pair)))
        of_class = [json.loads(_text(row, f"{split}sensitivity") or "{}") for split in ("oof_", "")]
        share = metric_named("accuracy")
        for label in dict.fromkeys(label for found in of_class for label in found):
            texts = [share.text(found.get(label), missing="-") for found in of_class]
            lines.append((one.name, f"sensitivity of {label}", texts[0], "", texts[1], ""))
        rate = share.text(_number(row, "majority_rate"), missing="-")
        lines.append((one.name, "majority rate", rate, "", "", ""))
    return lines


def _read(workspace: Workspace) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return what was promoted by dataset, and the results."""
    for path in (workspace.promotions, workspace.verdicts, workspace.results_table):
        if not path.exists():
            raise DataError(f"{path} is missing. Run `dvc repro`.")
    return read_json(workspace.promotions), read_results(workspace.results_table)


def _datasets(
    workspace: Workspace,
    params: Params,
    promotions: Mapping[str, Any],
    results: pd.DataFrame,
    serving: Mapping[str, Any] | None,
) -> Iterator[_Dataset]:
    """Yield each dataset that is asked for and in use."""
    verdicts = {verdict["dataset"]: verdict["outcome"] for verdict in read_json(workspace.verdicts)}
    for name in params.datasets:
        if name in promotions and verdicts.get(name) != "failed":
            mine = results[results["dataset"] == name]
            version = (serving or {}).get(name)
            yield _Dataset(name, mine, own_split(mine), promotions[name].get("best"), version)


def _notes(one: _Dataset, promotions: Mapping[str, Any], *, registry_answers: bool) -> Iterator[str]:
    if one.best is None and one.version is None:
        yield f"{one.name}: there is no candidate: {promotions[one.name]['reason']}."
    elif one.version is None and registry_answers:
        yield f"{one.name}: nothing serves yet. `lstmfcn sync` registers the candidate."
    if (row := one.shown) is not None:
        places = {"oof_accuracy": "out of fold", "accuracy": "on the test split"}
        accuracies = {where: _number(row, name) for name, where in places.items()}
        if low := no_better_than(_number(row, "majority_rate"), accuracies):
            yield f"{one.name}: the {one.role(row)} is {low}."


def _of_references(
    workspace: Workspace, one: _Dataset, rows: Sequence[Mapping[Any, Any]], facts: Facts
) -> Iterator[str]:
    """Say of a dataset's references which are as good as the networks, and which were left out."""
    took = {row["model"]: _seconds(workspace, facts, row) for row in rows}
    for row in references_beside(workspace, one.name):
        mine, other = (took.get(name) for name in (row.reference, row.network))
        cost = "" if mine is None or other is None else f"in {duration(mine)} s beside {duration(other)} s"
        if said := row.sentence(title_of(row.reference), title_of(row.network), cost):
            yield said
    for left in left_out_of(workspace, one.name):
        yield f"{one.name}: {title_of(left.identity.classifier)} is left out: {left.reason}"


def _seconds(workspace: Workspace, facts: Facts, row: Mapping[Any, Any]) -> float | None:
    """Return how long it took to come to the run of a row; None where that is not known."""
    one = run_of(row)
    if not (one.folder(workspace) / RUN_FILE).exists():
        return None
    run = load_run(workspace, one)
    if run.key != row["key"]:  # of an earlier recipe, which the registry alone remembers
        return None
    return seconds_to(workspace, run, lambda job: facts.get(job, {}))


def duration(seconds: float | None) -> str:
    """Return seconds to as many digits as matter."""
    if seconds is None:
        return "-"
    return f"{seconds:.2f}" if seconds < 0.095 else f"{seconds:.1f}" if seconds < 9.95 else f"{seconds:.0f}"


def _what(row: Mapping[Any, Any]) -> tuple[str, str]:
    """Return the classifier and the step of a run, where it has one."""
    return row["model"], run_of(row).title if has_phases(row["model"]) else "-"


def _with_interval(row: Mapping[Any, Any], split: str, metric: Metric) -> tuple[str, str]:
    name = f"{split}{metric.name}"
    value, *ends = (metric.text(_number(row, column), missing="") for column in (name, *ends_of(name)))
    return value or "-", "-".join(ends) if all(ends) else ""


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


def _number(row: Mapping[Any, Any], name: str) -> float | None:
    value = row.get(name)
    return None if value is None or pd.isna(value) else float(value)


def _text(row: Mapping[Any, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""
