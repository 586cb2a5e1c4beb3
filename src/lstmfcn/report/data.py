"""What the report is made of: the files of a study, read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from lstmfcn.evaluation.metrics import DEFAULT, Metric
from lstmfcn.evaluation.reference import load_table1
from lstmfcn.evaluation.resamples import own_split
from lstmfcn.evaluation.results import read_results
from lstmfcn.files import read_json
from lstmfcn.runs.outputs import check_rows
from lstmfcn.workspace import Workspace

COMPARISONS = ("wilcoxon", "wilcoxon_all", "table2", "fine_tuning", "pairs", "paper_pairs")


@dataclass(frozen=True)
class Column:
    """A column of a table of metrics: its name in `results.csv`, its title, and the metric that it holds."""

    name: str
    title: str
    metric: Metric

    def text(self, values: Mapping[str, Any]) -> str:
        """Return the cell of a row of values, by the names of columns."""
        return self.metric.text(values.get(self.name))


@dataclass(frozen=True)
class ReportData:
    """What the stages wrote, as far as they have run.

    Attributes
    ----------
    workspace
        Where it lies.
    results
        `results.csv`, or None.
    promotions, verdicts
        What `promote` and `validate` say of each dataset, by its name.
    beside, scores, accuracies
        Ours beside the paper's Table I, the accuracies of all methods, and those of ours and the references;
        each may be None.
    comparison
        The summary and the notes.
    tables
        The other tables of the comparison, by name, each as rows.
    missing
        The stages that have not run.
    in_paper
        The names of the datasets of the paper's Table I.
    datasets
        The names of all datasets: first what the user brought, then those of the paper.
    """

    workspace: Workspace
    results: pd.DataFrame | None
    promotions: Mapping[str, Any]
    verdicts: Mapping[str, Any]
    beside: pd.DataFrame | None
    scores: pd.DataFrame | None
    accuracies: pd.DataFrame | None
    comparison: Mapping[str, Any]
    tables: Mapping[str, list[dict[Any, Any]]]
    missing: Sequence[str]
    in_paper: Set[str]
    datasets: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        named = dict.fromkeys([*self.verdicts, *self.promotions, *self.unique("dataset")])
        object.__setattr__(self, "datasets", tuple(sorted(named, key=self.in_paper.__contains__)))

    @property
    def brought(self) -> list[str]:
        """The datasets that the user brought."""
        return [name for name in self.datasets if name not in self.in_paper]

    @property
    def of_paper(self) -> list[str]:
        """The datasets that are the paper's too."""
        return [name for name in self.datasets if name in self.in_paper]

    @property
    def honest(self) -> bool:
        """Whether nothing was selected on the test split."""
        return self.results is None or set(self.results["selected_on"]) == {"train"}

    @property
    def failed(self) -> list[Mapping[str, Any]]:
        """What `validate` says of the datasets that it left out."""
        return [verdict for verdict in self.verdicts.values() if verdict["outcome"] == "failed"]

    def unique(self, column: str) -> list[Any]:
        """Return the values of a column of the results, each once."""
        return [] if self.results is None else list(dict.fromkeys(self.results[column]))

    def anchor(self, dataset: str) -> str:
        """Return the identifier of a dataset's section."""
        return f"d{self.datasets.index(dataset) + 1}"

    def columns(self, metrics: Iterable[Metric]) -> list[Column]:
        """Return a column for each metric out of fold, then on the test split, as far as the results go."""
        every = [
            Column(f"{prefix}{metric.name}", f"{title} {metric.title}", metric)
            for prefix, title, metrics in (("oof_", "OOF", list(metrics)), ("", "test", list(metrics)))
            for metric in metrics
        ]
        return [column for column in every if self.results is None or column.name in self.results]

    def results_of(self, dataset: str) -> pd.DataFrame | None:
        """Return the rows about a dataset's own split, or None where it has none."""
        mine = None if self.results is None else own_split(self.every_result_of(dataset))
        return mine if mine is not None and len(mine) else None

    def every_result_of(self, dataset: str) -> pd.DataFrame:
        """Return the rows of a dataset, those about its resamples too."""
        assert self.results is not None
        return self.results[self.results["dataset"] == dataset]

    def best_row(self, dataset: str) -> dict[Any, Any] | None:
        """Return the row of the best run of a dataset, or None where there is none."""
        best, mine = self.best(dataset), self.results_of(dataset)
        if best is None or mine is None:
            return None
        return next(iter(mine[mine["key"] == best["key"]].to_dict("records")), None)

    def majority_rate(self, dataset: str) -> float | None:
        """Return the share of the largest class of a dataset's training split, or None."""
        rate: float | None = self.promotions.get(dataset, {}).get("majority_rate")
        return rate

    def metric(self, dataset: str) -> str:
        """Return the name of the metric that chose the best run of a dataset."""
        return str(self.promotions.get(dataset, {}).get("metric", DEFAULT))

    def best(self, dataset: str) -> dict[str, Any] | None:
        """Return what `promote` says of the best run of a dataset, or None where there is none."""
        best: dict[str, Any] | None = self.promotions.get(dataset, {}).get("best")
        return best

    def beside_paper(self, dataset: str, model: str, phase: str) -> dict[str, Any]:
        """Return low, high (the interval of the accuracy), paper and swapped (other split) of a method."""
        row: dict[str, Any] = {"low": None, "high": None, "paper": None, "swapped": False}
        if self.beside is not None:
            table = self.beside
            same = (table["dataset"] == dataset) & (table["model"] == model) & (table["phase"] == phase)
            for found in table[same].to_dict("records"):
                row = {
                    "low": found["ours_low"],
                    "high": found["ours_high"],
                    "paper": None if pd.isna(found["paper"]) else found["paper"],
                    "swapped": bool(found["split_sizes_swapped"]),
                }
        return row


def load(workspace: Workspace) -> ReportData:
    """Read the files of a study; what a stage has not written yet is noted as missing."""
    missing: dict[str, None] = {}

    def table(path: Path, stage: str) -> pd.DataFrame | None:
        try:
            return read_results(path)
        except (FileNotFoundError, pd.errors.EmptyDataError):
            missing[stage] = None
            return None

    def values(path: Path, stage: str) -> Any:
        try:
            return read_json(path)
        except FileNotFoundError:
            missing[stage] = None
            return None

    comparison = workspace.comparison
    results = table(workspace.results_table, "evaluate")
    check_rows(workspace, records(results))
    promotions = values(workspace.promotions, "promote") or {}
    verdicts = {v["dataset"]: v for v in values(workspace.verdicts, "validate") or []}
    found = {name: table(comparison / f"{name}.csv", "compare") for name in COMPARISONS}
    return ReportData(
        workspace,
        results,
        promotions,
        verdicts,
        beside=table(comparison / "beside_paper.csv", "compare"),
        scores=table(comparison / "scores.csv", "compare"),
        accuracies=table(comparison / "accuracies.csv", "compare"),
        comparison=values(comparison / "comparison.json", "compare") or {},
        tables={name: records(rows) for name, rows in found.items()},
        missing=tuple(missing),
        in_paper=frozenset(load_table1().index),
    )


def leading(results: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return the row of each classifier's best run by its evidence, the best first.

    The order is that of `lstmfcn.runs.ranking.rank`; what has no evidence comes last.

    Parameters
    ----------
    results
        Rows of `results.csv` about one dataset.
    metric
        By which metric, out of fold.
    """
    by = dict.fromkeys(["oof_log_loss", "iteration", "cells", "seed"], True)
    by = {f"oof_{metric.name}": not metric.higher_is_better} | by  # the loss itself may choose
    by = {name: ascending for name, ascending in by.items() if name in results}
    ordered = results.sort_values(list(by), ascending=list(by.values()), kind="stable")
    return ordered.drop_duplicates("model")


def records(table: pd.DataFrame | None) -> list[dict[Any, Any]]:
    """Return the rows of a table; none of one that is not there."""
    return [] if table is None else table.to_dict("records")
