"""Classifiers over the resamples of a dataset, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from lstmfcn.evaluation.metrics import Metric, metric_named
from lstmfcn.evaluation.resamples import RESAMPLE, SD, has_resamples, spread
from lstmfcn.report.data import leading

Table = list[tuple[str, ...]]


def of_each_resample(results: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return, for each resample of a dataset, the row of each classifier's best run by its evidence there.

    What is chosen on one resample is chosen by its own training series: as a user would, who has no others.
    See `lstmfcn.report.data.leading`.
    """
    return pd.concat(leading(rows, metric) for _, rows in results.groupby(RESAMPLE, sort=True))


def over_resamples(datasets: Iterable[tuple[str, pd.DataFrame]], metric: Metric) -> tuple[Table, Table]:
    """Return how the classifiers do over the resamples: out of fold, then on the test splits.

    Parameters
    ----------
    datasets
        The name of each, and its rows of `results.csv`. One with its own split alone has no line.
    metric
        What chooses.

    Returns
    -------
    evidence, once
        A line a dataset and classifier, under a line of titles; without another where nothing is resampled.
    """
    accuracy = metric_named("accuracy")
    evidence: Table = [_titles(metric)]
    once: Table = [_titles(accuracy)]
    for dataset, results in datasets:
        if not has_resamples(results):
            continue
        best = of_each_resample(results, metric)
        evidence += _lines(dataset, best, f"oof_{metric.name}", metric)
        once += _lines(dataset, best, accuracy.name, accuracy)
    return evidence, once


def _titles(metric: Metric) -> tuple[str, ...]:
    return ("DATASET", "CLASSIFIER", "RESAMPLES", f"MEAN {metric.title.upper()}", "SD", "OWN SPLIT")


def _lines(dataset: str, best: pd.DataFrame, name: str, metric: Metric) -> Table:
    if name not in best:
        return []
    own = best[best[RESAMPLE] == 0].set_index("model")[name]
    found = spread(best, ["model"], [name]).set_index("model")
    return [
        (
            dataset,
            str(model),
            str(found.at[model, "resamples"]),
            *(metric.text(value, missing="-") for value in found.loc[model, [name, name + SD]]),
            metric.text(own[model], missing="-"),
        )
        for model in own.index
    ]
