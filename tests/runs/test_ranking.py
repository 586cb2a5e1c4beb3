"""The order of runs: by their evidence, and by what is simpler."""

import dataclasses

import pytest

from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.ranking import rank
from lstmfcn.runs.run import Run


def run(accuracy, loss, *, number=0, cells=2, **changes):
    """Return a run of some evidence."""
    one = Identity(dataset="D", classifier="lstm_fcn", seed=0).iteration(number)
    values = {"job": "a", "protocol": "honest", "data": "", "params": {"cells": cells}}
    metrics = {"oof_accuracy": accuracy, "oof_log_loss": loss}
    return Run(identity=one, metrics=metrics, **values | changes)


def test_where_evidence_ties_the_simpler_run_goes_first():
    late = run(0.9, 0.2, number=2)
    wide = run(0.9, 0.2, cells=4)
    slim = run(0.9, 0.2)
    blind = run(None, None)
    best = run(0.9, 0.1)
    assert rank([blind, late, wide, slim, best], METRICS["accuracy"]) == [best, slim, wide, late, blind]


def test_where_all_else_ties_the_lower_seed_goes_first():
    runs = [
        dataclasses.replace(run(0.9, 0.2), identity=Identity(dataset="D", classifier="fcn", seed=seed))
        for seed in (2, 0, 1)
    ]
    assert [one.identity.seed for one in rank(runs, METRICS["accuracy"])] == [0, 1, 2]


def test_under_the_papers_protocol_the_accuracy_on_the_test_split_ranks():
    worse, better = (run(None, None, protocol="paper", selected_on="test") for _ in range(2))
    worse = dataclasses.replace(worse, metrics={"selection_accuracy": 0.5, "oof_accuracy": 1.0})
    better = dataclasses.replace(better, metrics={"selection_accuracy": 0.7, "oof_accuracy": 0.0})
    assert rank([worse, better], METRICS["accuracy"]) == [better, worse]


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_any_metric_chooses_in_its_direction(metric):
    """Whatever the accuracy says; a run in which it is not defined goes last."""

    def measured(value, accuracy):
        plain = run(accuracy, 0.5)
        return dataclasses.replace(plain, metrics={**plain.metrics, f"oof_{metric.name}": value})

    low, high = (measured(0.2, 0.2), measured(0.8, 0.8))
    best, other = (high, low) if metric.higher_is_better else (low, high)
    undefined = [measured(float("nan"), 0.9), measured(None, 0.9)]
    assert rank([*undefined, other, best], metric)[:2] == [best, other]
