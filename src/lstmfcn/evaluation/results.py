"""The tables of results and of their comparison as files."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

from lstmfcn.errors import DataError
from lstmfcn.evaluation.comparison import Comparison
from lstmfcn.evaluation.measurement import columns
from lstmfcn.evaluation.metrics import Metric, all_metrics
from lstmfcn.evaluation.resamples import RESAMPLE, SD, has_resamples, own_split, spread, with_resample
from lstmfcn.files import write_json, write_text

FORMER_COLUMNS = {"oof_loss": "oof_log_loss"}
"""What columns were called in files of an older layout."""

BEST = "best"
"""What `metrics.json` calls the run with the best evidence, whichever classifier's it is."""

ONCE = "measured_once"
"""What all of `test.json` stands under: nothing that chooses looks at it."""

OVER = "over_resamples"
"""What figures over the resamples stand under, in `test.json` behind `ONCE`; the own splits' stand apart."""

COMPARISON_TABLES = (
    "beside_paper",
    "summary",
    "wilcoxon",
    "wilcoxon_all",
    "table2",
    "fine_tuning",
    "pairs",
    "paper_pairs",
)


def write_results(
    folder: Path, rows: list[dict[str, Any]], metric: Metric, serving: Collection[str] | None = None
) -> None:
    """Write `results.csv`, a row an evaluated run; `metrics.json`, what people steer by; and `test.json`.

    `metrics.json`, which `dvc metrics` and `dvc exp` show, holds the evidence alone, in few figures: the
    metric that chooses, out of fold, of the best run of each dataset, and the means over the datasets of
    these and of each classifier (its better phase, the mean over the seeds). `test.json`, which they do not
    show, holds what was measured once: by dataset, model and phase every metric of the test split, without
    intervals, and the majority rate. What is not defined is left out.

    All of this is of the datasets' own splits. Where there are resamples, both files have the same over them,
    apart (`OVER`): means, standard deviations and how many resamples there are.

    Parameters
    ----------
    folder
        Where to write.
    rows
        For each run what it is (dataset, model, phase, chosen, cells, edition, ...), and its metrics by
        the names of `lstmfcn.evaluation.measurement.columns`. One that is missing or None has no value.
    metric
        What chooses.
    serving
        The classifiers that may serve, about which `metrics.json` is; None for all.
    """
    given = dict.fromkeys(name for row in rows for name in row)
    results = pd.DataFrame(rows, columns=list(given | dict.fromkeys(columns())))
    results = results.astype({"cells": "Int64", "edition": "Int64"} | dict.fromkeys(columns(), float))
    write_text(folder / "results.csv", results.to_csv(index=False, float_format="%.9g"))
    chosen = results[results["chosen"].astype(bool)]
    own = own_split(chosen)
    steering = chosen if serving is None else chosen[chosen["model"].isin(list(serving))]
    evidence, once = _evidence(own_split(steering), metric), _measured_once(own)
    if has_resamples(chosen):
        evidence[OVER] = _evidence_over_resamples(steering, metric)
        once[f"{ONCE}_{OVER}"] = _measured_over_resamples(chosen)
    write_json(folder / "metrics.json", evidence)
    write_json(folder / "test.json", once)


def _evidence(chosen: pd.DataFrame, metric: Metric) -> dict[str, Any]:
    """Return the evidence of the best run by dataset, and the means over those that every classifier has."""
    table = _by_classifier(chosen, metric)
    return {f"oof_{metric.name}": _rounded(table[BEST]), "mean_oof": _rounded(table.dropna().mean())}


def _by_classifier(chosen: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return the evidence of each classifier (columns, and the best run's) on each dataset."""
    name = f"oof_{metric.name}"
    known = chosen.dropna(subset=[name])
    best = "max" if metric.higher_is_better else "min"
    of_dataset = known.groupby("dataset")[name].agg(best)
    phases = known.groupby(["dataset", "model", "phase"])[name].mean()
    return phases.groupby(["dataset", "model"]).agg(best).unstack("model").assign(**{BEST: of_dataset})


def _evidence_over_resamples(chosen: pd.DataFrame, metric: Metric) -> dict[str, Any]:
    """Return the evidence of the best run on each resample: by dataset, and the means over the datasets."""
    name = f"oof_{metric.name}"
    each = pd.concat(
        _by_classifier(group, metric).assign(**{RESAMPLE: number}).reset_index()
        for number, group in chosen.groupby(RESAMPLE, sort=True)
    )
    which = [str(column) for column in each if column not in ("dataset", RESAMPLE)]
    table = spread(each, ["dataset"], which).set_index("dataset")
    return {
        name: _rounded(table[BEST]),
        f"{name}{SD}": _rounded(table[BEST + SD]),
        "mean_oof": _rounded(table[which].dropna().mean()),
        "resamples": {str(dataset): int(n) for dataset, n in table["resamples"].items()},
    }


def _rounded(values: pd.Series) -> dict[str, float]:
    return {str(name): round(float(value), 9) for name, value in values.dropna().items()}


def _measured_over_resamples(chosen: pd.DataFrame) -> dict[str, Any]:
    """Return the metrics of the test splits over the resamples by dataset, classifier and phase."""
    names = list(all_metrics())
    found: dict[str, Any] = {}
    for row in spread(chosen, ["dataset", "model", "phase"], names).to_dict("records"):
        one = {name: row[name] for name in names}, {name: row[name + SD] for name in names}
        mean, deviation = (
            {name: round(value, 9) for name, value in values.items() if not pd.isna(value)} for values in one
        )
        phases = found.setdefault(str(row["dataset"]), {}).setdefault(row["model"], {})
        phases[row["phase"]] = {"resamples": int(row["resamples"]), "mean": mean, "sd": deviation}
    return found


def _measured_once(chosen: pd.DataFrame) -> dict[str, Any]:
    """Return the metrics of the test split by dataset, classifier and phase."""
    names = list(all_metrics())
    means = chosen.groupby(["dataset", "model", "phase"], sort=True)[names].mean()
    metrics: dict[str, Any] = {}
    for mean in means.reset_index().to_dict("records"):
        models = metrics.setdefault(mean["dataset"], {})
        phases = models.setdefault(mean["model"], {})
        phases[mean["phase"]] = {name: round(mean[name], 9) for name in names if not pd.isna(mean[name])}
    if "majority_rate" in chosen:
        for dataset, rate in chosen.groupby("dataset")["majority_rate"].first().items():
            metrics[str(dataset)]["majority_rate"] = round(rate, 9)
    return {ONCE: metrics}


def read_results(path: Path) -> pd.DataFrame:
    """Read a table of results; a dataset called 101 or NA keeps its name.

    A table of an older layout is read too: a metric that it lacks has no column, and all of one without
    resamples is about the datasets' own splits.

    Raises
    ------
    FileNotFoundError
        If there is none.
    DataError
        If it is damaged.
    """
    names = {"dataset": str, "recipe": str, "commit": str}
    try:
        table = pd.read_csv(path, dtype=names, keep_default_na=False, na_values=[""])
    except pd.errors.EmptyDataError:
        raise
    except ValueError as error:
        raise DataError(
            f"{path} is damaged ({error}). `dvc checkout --force {path}` brings it back."
        ) from error
    table = table.rename(columns=FORMER_COLUMNS)
    return with_resample(table) if "seed" in table else table  # the comparison's tables are about no run


def write_comparison(comparison: Comparison, folder: Path) -> None:
    """Write a CSV for each table, and `comparison.json` with the summary and the notes."""
    for name in COMPARISON_TABLES:
        table: pd.DataFrame = getattr(comparison, name)
        write_text(folder / f"{name}.csv", table.to_csv(index=False, float_format="%.9g"))
    for name in ("scores", "accuracies"):
        write_text(folder / f"{name}.csv", getattr(comparison, name).to_csv(float_format="%.9g"))
    summary: list[dict[str, Any]] = json.loads(comparison.summary.to_json(orient="records"))
    write_json(folder / "comparison.json", {"summary": summary, "notes": list(comparison.notes)})
