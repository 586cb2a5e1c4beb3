"""Tables of results as files: what is written, and what is read of older ones."""

import json

import pandas as pd
import pytest

from lstmfcn.evaluation.comparison import Comparison
from lstmfcn.evaluation.measurement import columns
from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.evaluation.results import COMPARISON_TABLES, read_results, write_comparison, write_results


def row(**changes):
    made = {"dataset": "A", "model": "fcn", "phase": "phase1", "seed": 0, "chosen": True, "cells": None}
    made |= {
        "resample": 0,
        "edition": 2018,
        "key": "k",
        "majority_rate": 0.4,
        **dict.fromkeys(columns(), 0.5),
    }
    return made | changes


def test_every_metric_has_its_columns_and_is_summed_up(tmp_path):
    """The mean of the seeds of what is chosen; intervals stand in the table alone."""
    rows = [row(), row(seed=1, accuracy=0.8), row(chosen=False, accuracy=0.0), row(model="lstm_fcn", cells=8)]
    write_results(tmp_path, rows, METRICS["accuracy"])
    table = read_results(tmp_path / "results.csv")
    assert list(table.columns) == list(rows[0])
    assert table["cells"].tolist()[-1] == 8
    measured = {
        "A": {
            "fcn": {"phase1": dict.fromkeys(METRICS, 0.5) | {"accuracy": 0.65}},
            "lstm_fcn": {"phase1": dict.fromkeys(METRICS, 0.5)},
            "majority_rate": 0.4,
        }
    }
    assert json.loads((tmp_path / "test.json").read_text()) == {"measured_once": measured}


@pytest.mark.parametrize("name", ["accuracy", "brier"])
def test_what_people_steer_by_is_evidence_alone(tmp_path, name):
    """The best run of each dataset, and means: each classifier's by its better phase. No test figures.

    The means are over the datasets that every classifier has: B, which lstm_fcn lacks, is none of them.
    """
    better, worse = (0.9, 0.6) if METRICS[name].higher_is_better else (0.1, 0.4)
    rows = [
        row(**{f"oof_{name}": better, name: 0.0}),
        row(seed=1, **{f"oof_{name}": worse, name: 1.0}),
        row(phase="finetuned", **{f"oof_{name}": worse}),
        row(chosen=False, phase="finetuned", **{f"oof_{name}": better}),
        row(model="lstm_fcn", **{f"oof_{name}": worse}),
        row(dataset="B", **{f"oof_{name}": worse}),
        row(dataset="C", **{f"oof_{name}": worse}),
        row(dataset="C", model="lstm_fcn", **{f"oof_{name}": worse}),
    ]
    write_results(tmp_path, rows, METRICS[name])
    assert json.loads((tmp_path / "metrics.json").read_text()) == {
        f"oof_{name}": {"A": better, "B": worse, "C": worse},
        "mean_oof": {
            "best": pytest.approx((better + worse) / 2),
            "fcn": pytest.approx(((better + worse) / 2 + worse) / 2),
            "lstm_fcn": worse,
        },
    }


def test_what_could_not_be_measured_is_empty(tmp_path):
    """Each class with a single series: nothing can be held out."""
    rows = [{name: value for name, value in row().items() if not name.startswith("oof_")}]
    write_results(tmp_path, rows, METRICS["accuracy"])
    assert json.loads((tmp_path / "metrics.json").read_text()) == {
        "oof_accuracy": {},
        "mean_oof": {},
    }
    table = read_results(tmp_path / "results.csv")
    assert set(table.columns) == set(row())
    assert table["oof_accuracy"].isna().all()
    assert table["accuracy"].tolist() == [0.5]


def test_a_datasets_name_is_no_number_and_never_missing(tmp_path):
    names = ["101", "007", "NA", "None"]
    write_results(tmp_path, [row(dataset=name) for name in names], METRICS["accuracy"])
    assert read_results(tmp_path / "results.csv")["dataset"].tolist() == names


def test_an_older_table_is_read(tmp_path):
    (tmp_path / "results.csv").write_text("dataset,oof_accuracy,oof_loss\nA,0.5,0.25\n")
    assert read_results(tmp_path / "results.csv")["oof_log_loss"].tolist() == [0.25]
    with pytest.raises(FileNotFoundError):
        read_results(tmp_path / "gone.csv")


def test_a_comparison_is_written_whole(tmp_path):
    tables = {name: pd.DataFrame({"a": [1 / 3]}) for name in COMPARISON_TABLES}
    accuracies = pd.DataFrame({"b": [0.5]}, index=["A"])
    write_comparison(Comparison(**tables, scores=accuracies, accuracies=accuracies, notes=("n",)), tmp_path)
    for name in ("scores", "accuracies"):
        assert (tmp_path / f"{name}.csv").read_text() == ",b\nA,0.5\n"
    for name in COMPARISON_TABLES:
        assert (tmp_path / f"{name}.csv").read_text() == "a\n0.333333333\n"
    assert json.loads((tmp_path / "comparison.json").read_text()) == {
        "summary": [{"a": 0.3333333333}],
        "notes": ["n"],
    }
