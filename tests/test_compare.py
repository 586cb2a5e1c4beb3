"""The comparison on results whose answer is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon

from lstmfcn.compare import TABLES, compare, fine_tuning, write
from lstmfcn.errors import DataError
from lstmfcn.evaluation.reference import load_table1

TABLE1 = load_table1(Path(__file__).parents[1] / "data/reference/table1.csv")


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
                    "accuracy": 0.7 + 0.01 * i + gain + 0.1 * seed,
                }
                rows.append(row | {"pce": (1 - row["accuracy"]) / 2} | changes)
    return pd.DataFrame(rows)


SEVEN = ["GunPoint", "Coffee", "Wine", "Beef", "Ham", "Meat", "Own"]


def test_seeds_are_averaged_and_methods_ranked_and_tested():
    found = compare(results(SEVEN), TABLE1, significance=0.05)
    summary = found.summary.set_index("model")
    assert summary.at["lstm_fcn", "mean_accuracy"] == pytest.approx(0.78)
    assert summary.at["alstm_fcn", "arithmetic_mean_rank"] == 1
    assert summary.at["lstm_fcn", "geometric_mean_rank"] == pytest.approx(2)
    (test,) = found.wilcoxon.to_dict("records")
    assert test["p"] == pytest.approx(2 / 2**7)  # one sign throughout: the exact smallest p
    assert test["significant"]


def test_the_papers_figure_stands_beside_ours():
    found = compare(results(SEVEN), TABLE1, significance=0.05)
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
    found = compare(results([swapped[0], "GunPoint"]), TABLE1, significance=0.05)
    marks = found.beside_paper.groupby("dataset")["split_sizes_swapped"].first()
    assert marks[swapped[0]]
    assert not marks["GunPoint"]
    assert any(swapped[0] in note for note in found.notes)


def test_too_few_datasets_are_said():
    found = compare(results(SEVEN[:3]), TABLE1, significance=0.05)
    assert found.wilcoxon.empty
    assert any("No Wilcoxon test" in note for note in found.notes)


def test_what_was_selected_on_the_test_split_stands_apart():
    honest = results(SEVEN)
    both = pd.concat([honest, results(SEVEN, protocol="paper", selected_on="test", accuracy=1.0)])
    found, alone = (compare(table, TABLE1, significance=0.05) for table in (both, honest))
    pd.testing.assert_frame_equal(found.summary[:2], alone.summary)
    pd.testing.assert_frame_equal(found.wilcoxon, alone.wilcoxon)
    assert found.summary["selected_on"].tolist() == ["train", "train", "test", "test"]
    assert found.summary["arithmetic_mean_rank"][2:].isna().all()
    assert found.beside_paper["selected_on"].tolist() == 14 * ["train"] + 14 * ["test"]


def test_a_dataset_that_a_method_lacks_is_named_not_dropped():
    short = results(SEVEN)
    short = short[~((short["dataset"] == "Wine") & (short["model"] == "lstm_fcn"))]
    found = compare(short, TABLE1, significance=0.05)
    assert any("Not ranked" in note and "Wine" in note for note in found.notes)


def test_equal_results_give_equal_files(tmp_path):
    for folder in ("a", "b"):
        write(compare(results(SEVEN), TABLE1, significance=0.05), tmp_path / folder)
    for name in [*(f"{t}.csv" for t in TABLES), "comparison.json"]:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


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
