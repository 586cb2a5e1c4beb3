"""Figures over the resamples, against Python's statistics module and tables without resamples."""

import statistics
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon

from lstmfcn.classifiers.table import paper_column
from lstmfcn.evaluation.comparison import compare
from lstmfcn.evaluation.reference import load_references, load_table1, load_table2
from lstmfcn.evaluation.resamples import has_resamples, own_split, spread, with_resample
from lstmfcn.evaluation.results import read_results

SEVEN = ["GunPoint", "Coffee", "Wine", "Beef", "Ham", "Meat", "Own"]


def rows(resamples, *, seeds=(0, 1)):
    """Return results of two classifiers, drawn at random; `resamples` says how many each dataset has."""
    rng = np.random.default_rng(0)
    made = [
        {
            "dataset": dataset,
            "resample": number,
            "model": model,
            "phase": "phase1",
            "iteration": 0,
            "chosen": True,
            "seed": seed,
            "protocol": "honest",
            "selected_on": "train",
            "n_test": 100,
            "n_classes": 2,
            "edition": 2018,
            "oof_accuracy": 0.7,
            "accuracy": rng.integers(50, 100) / 100,
        }
        for dataset, n in resamples.items()
        for number in range(n)
        for model in ("lstm_fcn", "alstm_fcn")
        for seed in seeds
    ]
    return pd.DataFrame(made).assign(pce=lambda table: (1 - table["accuracy"]) / 2)


def compared(results, references=None):
    references = load_references([], Path()) if references is None else references
    tables = load_table1(), load_table2(), references
    return compare(results, *tables, significance=0.05, rope=0.01, paper_column=paper_column)


def test_the_mean_of_the_seeds_counts_on_each_resample():
    table = rows({"A": 4, "B": 1})
    found = spread(table, ["dataset", "model"], ["accuracy"]).set_index(["dataset", "model"])
    for model in ("lstm_fcn", "alstm_fcn"):
        mine = table[(table["dataset"] == "A") & (table["model"] == model)]
        values = [statistics.mean(mine.loc[mine["resample"] == n, "accuracy"]) for n in range(4)]
        row = found.loc[("A", model)]
        assert row["resamples"] == 4
        assert row["accuracy"] == pytest.approx(statistics.mean(values))
        assert row["accuracy_sd"] == pytest.approx(statistics.stdev(values))
        assert np.isnan(found.at[("B", model), "accuracy_sd"])


def test_a_table_of_before_is_of_the_own_splits(tmp_path):
    old = rows(dict.fromkeys(SEVEN, 1)).drop(columns="resample")
    assert not has_resamples(old)
    assert own_split(old).equals(old)
    assert list(with_resample(old).columns)[:2] == ["dataset", "resample"]
    old.to_csv(tmp_path / "results.csv", index=False)
    assert set(read_results(tmp_path / "results.csv")["resample"]) == {0}
    scores = pd.DataFrame({"dataset": ["A"], "fcn": [0.5]})
    scores.to_csv(tmp_path / "scores.csv", index=False)
    assert list(read_results(tmp_path / "scores.csv").columns) == ["dataset", "fcn"]
    pd.testing.assert_frame_equal(compared(old).summary, compared(with_resample(old)).summary)


def test_methods_are_ranked_and_tested_by_means_over_the_resamples():
    """p is scipy's of the means by hand; what is beside published figures is of the own split."""
    table = rows(dict.fromkeys(SEVEN, 5))
    found = compared(table)
    means = table.groupby(["dataset", "model"])["accuracy"].mean().unstack().round(8)
    differences = (means["alstm_fcn"] - means["lstm_fcn"]).round(8)  # else equal ones are no ties
    (test,) = found.wilcoxon.to_dict("records")
    assert test["p"] == pytest.approx(wilcoxon(differences).pvalue)
    higher = means["alstm_fcn"] > means["lstm_fcn"]
    rank = found.summary.set_index("model").at["alstm_fcn", "arithmetic_mean_rank"]
    assert rank == pytest.approx(np.where(higher, 1, 2).mean())

    own = table[table["resample"] == 0].groupby(["dataset", "model"])["accuracy"].mean()
    for row in found.beside_paper.to_dict("records"):
        key = row["dataset"], row["model"]
        assert row["ours"] == pytest.approx(own[key])
        assert row["ours_mean"] == pytest.approx(means.at[key])
        assert row["resamples"] == 5
    for dataset in found.scores.index:
        ours = found.scores.at[dataset, "ours, lstm_fcn phase1"]
        assert ours == pytest.approx(own[dataset, "lstm_fcn"])
    assert any("the mean over its 5 resamples counts" in note for note in found.notes)


def test_a_dataset_with_fewer_resamples_is_named():
    found = compared(rows({"GunPoint": 3, "Own": 1}))
    assert any(note.endswith("Own has 1 alone.") for note in found.notes)
    assert found.beside_paper.groupby("dataset")["resamples"].first().to_dict() == {"GunPoint": 3, "Own": 1}


def test_pairs_are_of_means_over_the_resamples_but_of_the_own_splits_beside_published_figures():
    table = rows(dict.fromkeys(SEVEN, 5))
    own = table[table["resample"] == 0]
    among = compared(table).accuracies
    beside = compared(table, pd.DataFrame({"PUBLISHED": 0.5}, index=pd.Index(SEVEN))).accuracies
    for found, used in ((among, table), (beside, own)):
        means = used.groupby(["dataset", "model"])["accuracy"].mean().unstack()
        for model in ("lstm_fcn", "alstm_fcn"):
            assert found[f"{model} phase1"].to_numpy() == pytest.approx(means.loc[found.index, model])
    assert "PUBLISHED" in beside
