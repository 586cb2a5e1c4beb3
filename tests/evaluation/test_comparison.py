"""The comparison on results whose answer is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon

from lstmfcn.classifiers.table import paper_column
from lstmfcn.errors import DataError
from lstmfcn.evaluation.comparison import (
    compare,
    fine_tuning,
)
from lstmfcn.evaluation.reference import load_references, load_table1, load_table2

TABLE1, TABLE2 = load_table1(), load_table2()
NONE = load_references([], Path())


def compared(results, references=NONE):
    return compare(
        results, TABLE1, TABLE2, references, significance=0.05, rope=0.01, paper_column=paper_column
    )


def compare_all(results):
    return compare(
        results,
        TABLE1,
        TABLE2,
        NONE,
        significance=0.05,
        rope=0.01,
        paper_column=paper_column,
        others=["dtw"],
    )


def results(datasets, **changes):
    rows = []
    for i, dataset in enumerate(datasets):
        for model, gain in (("lstm_fcn", 0.0), ("alstm_fcn", 0.02)):
            for seed in (0, 1):
                row = {
                    "dataset": dataset,
                    "model": model,
                    "phase": "phase1",
                    "iteration": 0,
                    "chosen": True,
                    "oof_accuracy": 0.7,
                    "seed": seed,
                    "protocol": "honest",
                    "selected_on": "train",
                    "n_test": 100,
                    "n_classes": 2,
                    "edition": 2018,
                    "accuracy": 0.7 + 0.01 * i + gain + 0.1 * seed,
                }
                rows.append(row | {"pce": (1 - row["accuracy"]) / 2} | changes)
    return pd.DataFrame(rows)


SEVEN = ["GunPoint", "Coffee", "Wine", "Beef", "Ham", "Meat", "Own"]


def test_seeds_are_averaged_and_methods_ranked_and_tested():
    found = compared(results(SEVEN))
    summary = found.summary.set_index("model")
    assert summary.at["lstm_fcn", "mean_accuracy"] == pytest.approx(0.78)
    assert summary.at["alstm_fcn", "arithmetic_mean_rank"] == 1
    assert summary.at["lstm_fcn", "geometric_mean_rank"] == pytest.approx(2)
    (test,) = found.wilcoxon.to_dict("records")
    assert test["p"] == pytest.approx(2 / 2**7)  # one sign throughout: the exact smallest p
    assert test["significant"]


def test_seeds_with_as_many_series_right_in_all_tie():
    """Of 30 series 22, 22 and 21, or 21, 24 and 20: kept with nine digits, their means differ by 3e-10."""
    thirtieths = {"lstm_fcn": (22, 22, 21), "alstm_fcn": (21, 24, 20)}
    rows = pd.concat(results(SEVEN, seed=seed) for seed in (0, 1, 2)).drop_duplicates(
        ["dataset", "model", "seed"]
    )
    right = [thirtieths[model][seed] for model, seed in zip(rows["model"], rows["seed"], strict=True)]
    rows["accuracy"] = (np.array(right) / 30).round(9)
    found = compared(rows)
    assert found.wilcoxon["n_ties"].tolist() == [7]
    assert found.summary["arithmetic_mean_rank"].tolist() == [1, 1]
    iterated = rows.assign(phase="finetuned", iteration=1, chosen=False, model="lstm_fcn")
    both = pd.concat([rows[rows["model"] == "lstm_fcn"], iterated[rows["model"] == "alstm_fcn"]])
    assert fine_tuning(both)["n_equal"].tolist()[1] == 7


def test_each_headline_metric_has_its_mean():
    """A metric that the results lack has none; the mean of PCE is the paper's MPCE."""
    rows = results(SEVEN)
    columns = ["model", "phase", "protocol", "selected_on", "n_datasets", "mean_accuracy", "mpce"]
    summary = compared(rows).summary
    assert list(summary.columns) == [*columns, "arithmetic_mean_rank", "geometric_mean_rank"]
    expected = rows.groupby("model", sort=True)["pce"].mean()
    assert summary["mpce"].tolist() == pytest.approx(expected.tolist())


def test_the_papers_figure_stands_beside_ours():
    found = compared(results(SEVEN))
    beside = found.beside_paper.set_index(["dataset", "model"])
    row = beside.loc[("GunPoint", "lstm_fcn")]
    assert row["paper"] == TABLE1.at["GunPoint", "lstm_fcn"]
    assert row["difference"] == pytest.approx(0.75 - row["paper"])
    assert row["ours_low"] < 0.75 < row["ours_high"]
    assert not row["inside_interval"]
    assert pd.isna(beside.loc[("Own", "lstm_fcn"), "paper"])


def test_the_other_editions_split_is_marked():
    swapped = TABLE1.index[TABLE1["split_sizes_swapped_2015_2018"]]
    assert len(swapped) == 14
    found = compared(results([swapped[0], "GunPoint"]))
    marks = found.beside_paper.groupby("dataset")["split_sizes_swapped"].first()
    assert marks[swapped[0]]
    assert not marks["GunPoint"]
    assert any(swapped[0] in note for note in found.notes)


def test_too_few_datasets_are_said():
    found = compared(results(SEVEN[:3]))
    assert found.wilcoxon.empty
    assert any("No Wilcoxon test" in note for note in found.notes)


def test_what_was_selected_on_the_test_split_stands_apart():
    honest = results(SEVEN)
    both = pd.concat([honest, results(SEVEN, protocol="paper", selected_on="test", accuracy=1.0)])
    found, alone = (compared(table) for table in (both, honest))
    pd.testing.assert_frame_equal(found.summary[:2], alone.summary)
    pd.testing.assert_frame_equal(found.wilcoxon, alone.wilcoxon)
    assert found.summary["selected_on"].tolist() == ["train", "train", "test", "test"]
    assert found.summary["arithmetic_mean_rank"][2:].isna().all()
    assert found.beside_paper["selected_on"].tolist() == 14 * ["train"] + 14 * ["test"]


def test_a_dataset_that_a_method_lacks_is_named_not_dropped():
    short = results(SEVEN)
    short = short[~((short["dataset"] == "Wine") & (short["model"] == "lstm_fcn"))]
    found = compared(short)
    assert any("Not ranked" in note and "Wine" in note for note in found.notes)


def test_ours_are_paired_with_each_other_as_wilcoxons_table_has_them():
    found = compared(results(SEVEN))
    (pair,), (test,) = found.pairs.to_dict("records"), found.wilcoxon.to_dict("records")
    assert (pair["method_a"], pair["method_b"]) == ("alstm_fcn phase1", "lstm_fcn phase1")  # the better first
    assert (pair["wins"], pair["ties"], pair["losses"]) == (7, 0, 0)
    assert pair["difference"] == pytest.approx(0.02)
    assert [pair[name] for name in ("p", "p_holm", "significant")] == [
        test[name] for name in ("p", "p_holm", "significant")
    ]
    assert found.accuracies["alstm_fcn phase1"].mean() == pytest.approx(0.8)


def test_too_few_datasets_have_pairs_without_tests_and_one_has_none():
    few, one = compared(results(SEVEN[:3])), compared(results(SEVEN[:1]))
    assert few.pairs["p"].isna().all()
    assert len(few.pairs) == 1
    assert any("no Bayesian test: these take 6 datasets" in note for note in few.notes)
    assert one.pairs.empty
    assert any("No pairs of methods: they take 2 datasets, and there are 1" in note for note in one.notes)


def test_own_datasets_are_compared_with_references_that_have_them(tmp_path):
    """Whatever the paper lacks: each reference on the datasets it has, and what it lacks is said."""
    own = [f"own{i}" for i in range(7)]
    rows = [(d, "BOSS", 0.5) for d in own] + [(d, "WEASEL", 0.99) for d in own[:6]] + [("z", "DTW", 1)]
    name = write_reference(tmp_path, [*rows, (own[0], "TSF", 0.4)])
    found = compared(results(own), load_references([name], tmp_path))
    assert list(found.accuracies) == ["WEASEL", "alstm_fcn phase1", "lstm_fcn phase1", "BOSS", "TSF"]
    pairs = found.pairs.set_index(["method_a", "method_b"])
    assert set(pairs["n_datasets"]) == {6, 7}
    assert ("WEASEL", "BOSS") not in pairs.index
    assert pairs.at[("WEASEL", "lstm_fcn phase1"), "p"] == pytest.approx(2 / 2**6)
    said = [note for note in found.notes if "results on" in note]
    assert said == [
        "DTW has results on 0 of the 7 datasets: it is in no pair.",
        "TSF has results on 1 of the 7 datasets: it is in no pair.",
        "WEASEL has results on 6 of the 7 datasets: it is compared on these.",
    ]
    assert not [note for note in found.notes if "among all methods" in note]  # the paper has none of them
    assert found.paper_pairs.empty


def test_ours_are_set_against_the_same_method_of_the_paper_on_the_same_splits():
    """Without what has another split, and what was selected on the test split."""
    swapped = TABLE1.index[TABLE1["split_sizes_swapped_2015_2018"]][0]
    honest = results([*SEVEN, swapped])
    found = compared(pd.concat([honest, results(SEVEN, protocol="paper", selected_on="test", accuracy=1.0)]))
    table = found.paper_pairs.set_index("method_a")
    row = table.loc["ours, lstm_fcn phase1"]
    common = [name for name in SEVEN if name in TABLE1.index and name != swapped]
    ours = honest[(honest["model"] == "lstm_fcn")].groupby("dataset")["accuracy"].mean()
    expected = ours[common] - TABLE1.loc[common, "lstm_fcn"]
    assert row["method_b"] == "paper, lstm_fcn phase1"
    assert row["n_datasets"] == len(common) == 6
    assert row["difference"] == pytest.approx(expected.mean())
    assert row["p"] == pytest.approx(wilcoxon(expected.round(8)).pvalue)
    assert len(table) == 2


@pytest.mark.parametrize("name", ["LSTM-FCN", "lstm_fcn phase1"])
def test_a_reference_of_a_taken_name_is_refused(tmp_path, name):
    """It was a traceback of pandas."""
    path = write_reference(tmp_path, [("Coffee", name, 0.9)])
    with pytest.raises(
        DataError, match=rf"{name} is a method of the paper's Table I or of this study\. Give"
    ):
        compared(results(SEVEN), load_references([path], tmp_path))


def test_a_reference_that_lacks_a_dataset_costs_the_others_none():
    """Their ranks are as without it; where it has them all, it is ranked among them."""
    ours = results(SEVEN)
    theirs = results(SEVEN, model="dtw", accuracy=0.99).drop_duplicates(["dataset", "seed"])
    alone = compared(ours)
    short = compare_all(pd.concat([ours, theirs[theirs["dataset"] != "Wine"]]))
    assert any("Not ranked" in note and "dtw" in note for note in short.notes)
    without = short.summary[short.summary["model"] != "dtw"].reset_index(drop=True)
    pd.testing.assert_frame_equal(without, alone.summary)
    pd.testing.assert_frame_equal(short.wilcoxon, alone.wilcoxon)
    assert short.summary.set_index("model").loc["dtw", "n_datasets"] == 6
    whole = compare_all(pd.concat([ours, theirs]))
    ranks = whole.summary.set_index("model")["arithmetic_mean_rank"]
    assert ranks.to_dict() == {"alstm_fcn": 2, "dtw": 1, "lstm_fcn": 3}
    assert {"here, dtw phase1", "ours, lstm_fcn phase1"} <= set(whole.scores.columns)


def test_a_damaged_table_is_named(tmp_path):
    (tmp_path / "table1.csv").write_text("dataset,lstm_fcn\nGunPoint,1\n")
    with pytest.raises(DataError, match=r"table1\.csv lacks alstm_fcn"):
        load_table1(tmp_path / "table1.csv")


def test_fine_tuning_is_measured_against_phase_1():
    """Seven datasets, each iteration: one lower, one equal, five higher; p is scipy's."""
    gains = np.array([-0.01, 0, 0.01, 0.02, 0.03, 0.04, 0.05])
    first = results(SEVEN)
    tuned = results(SEVEN, phase="finetuned", iteration=1, chosen=False)
    tuned["accuracy"] += np.repeat(gains, 4)
    table = fine_tuning(pd.concat([first, tuned])).set_index(["model", "iteration"])
    row = table.loc[("lstm_fcn", 1)]
    assert (row["n_higher"], row["n_equal"], row["n_lower"]) == (5, 1, 1)
    assert row["accuracy"] - table.loc[("lstm_fcn", 0), "accuracy"] == pytest.approx(0.02)
    assert row["p"] == pytest.approx(wilcoxon(gains).pvalue)
    assert pd.isna(table.loc[("lstm_fcn", 0), "p"])
    not_tuned = first.assign(model=first["model"] + "_x")
    every = fine_tuning(pd.concat([first, tuned, not_tuned]))
    assert not every["model"].str.endswith("_x").any()
    assert list(fine_tuning(first).columns) == list(every.columns)
    assert fine_tuning(first).empty


def write_reference(folder, rows):
    path = folder / "others.csv"
    path.write_text("dataset,method,accuracy\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return path.name


def test_other_classifiers_stand_among_ours_and_the_papers(tmp_path):
    """On the datasets that all of them have; the paper's five are always there."""
    name = write_reference(tmp_path, [(dataset, "BOSS", 0.5) for dataset in SEVEN[:6]])
    found = compared(results(SEVEN), load_references([name], tmp_path))
    assert found.scores.index.tolist() == sorted(SEVEN[:6])
    assert found.scores["BOSS"].tolist() == [0.5] * 6
    assert found.scores.loc["Wine", "paper, F-t LSTM-FCN"] == TABLE1.at["Wine", "ft_lstm_fcn"]
    assert found.scores.loc["Wine", "ours, lstm_fcn phase1"] == pytest.approx(0.77)
    assert len(found.wilcoxon_all) == 8 * 7 / 2
    assert any("Own" in note for note in found.notes)


def test_table2_stands_beside_what_table1_gives(tmp_path):
    """120 printed values; recomputed for the paper's own four, and for BOSS once its results are given."""
    rng = np.random.default_rng(0)
    boss = {dataset: round(float(rng.random()), 4) for dataset in TABLE1.index}
    name = write_reference(tmp_path, [(dataset, "BOSS", value) for dataset, value in boss.items()])
    table = compared(results(SEVEN), load_references([name], tmp_path)).table2
    assert len(table) == 120
    table["pair"] = [frozenset(p) for p in zip(table["classifier_a"], table["classifier_b"], strict=True)]
    own = table[table["recomputed"].notna()].set_index("pair")
    assert len(own) == 5 * 4 / 2
    tuned = own.loc[[frozenset({"F-t LSTM-FCN", "LSTM-FCN"})]].iloc[0]
    assert tuned["printed"] == pytest.approx(7.53e-5)
    assert tuned["recomputed"] == pytest.approx(6.5e-7, rel=0.01)
    against = own.loc[[frozenset({"BOSS", "LSTM-FCN"})]].iloc[0]
    expected = wilcoxon((TABLE1["lstm_fcn"] - pd.Series(boss)).round(8)).pvalue
    assert against["recomputed"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("Coffee", "BOSS", 0.9), ("Coffee", "BOSS", 0.8)], "row 3: a second accuracy of BOSS on Coffee"),
        ([("Coffee", "BOSS", 90)], "row 2: .*90.* is no accuracy"),
        ([("Coffee", "BOSS", "high")], "row 2: 'high' is no accuracy"),
    ],
)
def test_a_damaged_reference_is_named_with_its_row(tmp_path, rows, message):
    name = write_reference(tmp_path, rows)
    with pytest.raises(DataError, match=message):
        load_references([name], tmp_path)


def test_a_reference_that_is_nowhere_says_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"others\.csv cannot be read"):
        load_references(["others.csv"], tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install tslearn"):
        load_references(["tslearn"], tmp_path)


def test_mpce_is_not_the_mean_error_of_the_classes():
    """Nine in ten right, all wrong ones in one of two classes: PCE is 0.05, the classes' mean error 0.5."""
    found = compared(results(SEVEN, accuracy=0.9, pce=0.05, balanced_accuracy=0.5)).summary
    assert found["mpce"].tolist() == pytest.approx([0.05, 0.05])
    assert found["mean_class_error"].tolist() == pytest.approx([0.5, 0.5])
