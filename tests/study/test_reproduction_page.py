"""The tables of the page against the rows they come from."""

from pathlib import Path

import pandas as pd
import pytest

from lstmfcn.errors import DataError
from lstmfcn.evaluation.reference import load_table1
from lstmfcn.study.page import fill_in, tables

ROOT = Path(__file__).parents[2]
TABLE1 = load_table1()
DATASETS = ["CBF", "Coffee", "GunPoint", "Beef", "Wine", "Strawberry"]


def rows():
    made = []
    for protocol, seeds in (("honest", (0, 1)), ("paper", (0,))):
        for i, dataset in enumerate(DATASETS if protocol == "honest" else DATASETS[:2]):
            for model, gain in (("fcn", 0.0), ("lstm_fcn", 0.01), ("alstm_fcn", 0.02)):
                for iteration in (0, 1):
                    made += [
                        {
                            "dataset": dataset,
                            "model": model,
                            "phase": "finetuned" if iteration else "phase1",
                            "iteration": iteration,
                            "chosen": True,
                            "seed": seed,
                            "protocol": protocol,
                            "recipe": protocol[:1] * 12,
                            "selected_on": "train" if protocol == "honest" else "test",
                            "oof_accuracy": 0.5,
                            "accuracy": 0.7 + 0.01 * i + gain + 0.1 * iteration + 0.02 * seed,
                        }
                        for seed in seeds
                    ]
    return pd.DataFrame(made)


def cells(table, first):
    (line,) = [line for line in table.splitlines() if line.startswith(f"| {first} ")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_paper_ours_and_its_protocol_stand_side_by_side():
    table = tables(rows(), TABLE1)["accuracy lstm_fcn"]
    assert cells(table, "GunPoint")[1:] == [
        f"{TABLE1.at['GunPoint', 'lstm_fcn']:.4f}",
        f"{TABLE1.at['GunPoint', 'ft_lstm_fcn']:.4f}",
        "0.7400 (0.730 to 0.750)",
        "0.8400 (0.830 to 0.850)",
        "",
        "",
    ]
    assert cells(table, "CBF")[5:] == ["0.7100", "0.8100"]
    assert cells(table, "Strawberry *")
    mean = cells(table, "**mean**")
    assert mean[1] == f"**{TABLE1.loc[DATASETS, 'lstm_fcn'].mean():.4f}**"
    assert mean[3] == "**0.7450**"
    assert mean[5] == ""
    shared = cells(table, "**mean of the 2 run by both protocols**")
    assert shared[1] == f"**{TABLE1.loc[DATASETS[:2], 'lstm_fcn'].mean():.4f}**"
    assert (shared[3], shared[5]) == ("**0.7250**", "**0.7150**")


def test_the_models_are_tested_against_each_other():
    table = tables(rows(), TABLE1)["models"]
    line = next(line for line in table.splitlines() if "phase 1 | ALSTM-FCN (0.7550) | FCN (0.7350)" in line)
    assert "| 6 | 6 | 0 | 0 | 0.031 |" in line  # 2 / 2**6


def test_fine_tuning_is_shown_by_iteration():
    table = tables(rows(), TABLE1)["fine-tuning"]
    assert "| FCN | honest | 1 | 6 | 0.5000 | 0.8350 | 6 | 0 | 0 | 0.031 |" in table


def test_the_page_is_filled_in_and_can_be_filled_in_again():
    page = (ROOT / "docs/reproduction.md").read_text()
    found = tables(rows(), TABLE1)
    once = fill_in(page, found)
    assert all(table in once for table in found.values())
    assert fill_in(once, found) == once
    with pytest.raises(DataError, match="table: models"):
        fill_in(page.replace("<!-- table: models -->", ""), found)


def test_an_older_recipes_rows_are_not_mixed_in():
    """A protocol is shown by the recipe that has the most datasets."""
    older = rows()[lambda r: (r["dataset"] == "CBF") & (r["protocol"] == "honest")]
    older = older.assign(recipe="older", accuracy=0.1)
    assert tables(pd.concat([rows(), older]), TABLE1) == tables(rows(), TABLE1)


def test_a_dataset_of_ones_own_stands_in_no_row_beside_table1():
    own = rows()[lambda r: r["dataset"] == "CBF"].assign(dataset="Own")
    found = tables(pd.concat([rows(), own]), TABLE1)
    assert found["accuracy lstm_fcn"] == tables(rows(), TABLE1)["accuracy lstm_fcn"]
    assert "| 7 |" in found["models"]
