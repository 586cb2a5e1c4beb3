"""The tables for a terminal."""

from dataclasses import replace

import pandas as pd

from lstmfcn.evaluation.comparison import Comparison
from lstmfcn.report.terminal import table1_beside_ours


def comparison(**row):
    """Return a comparison of one dataset."""
    known = {"dataset": "GunPoint", "model": "lstm_fcn", "phase": "phase1", "protocol": "honest"}
    known |= {"selected_on": "train", "seeds": 2, "ours": 0.75, "ours_low": 0.66, "ours_high": 0.82}
    known |= {"resamples": 1, "ours_mean": 0.75, "ours_sd": None}
    known |= {"paper": 1.0, "difference": -0.25, "inside_interval": False, "split_sizes_swapped": False}
    empty = pd.DataFrame()
    return Comparison(pd.DataFrame([known | row]), empty, empty, empty, empty, empty, empty, ())


def test_table1_beside_ours_reads_as_a_table():
    header, line = table1_beside_ours(comparison()).splitlines()
    assert header.split()[:3] == ["DATASET", "MODEL", "PHASE"]
    expected = "GunPoint lstm_fcn phase1 honest 2 0.7500 0.6600 to 0.8200 1.0000 -0.2500 outside"
    assert " ".join(line.split()) == expected


NOTHING = {"paper": None, "difference": None, "inside_interval": None}


def test_what_saw_the_test_split_is_marked_and_without_a_dataset_of_the_paper_it_has_no_columns():
    header, line = table1_beside_ours(comparison(selected_on="test", **NOTHING)).splitlines()
    expected = "GunPoint lstm_fcn phase1 honest (selected on test) 2 0.7500 0.6600 to 0.8200"
    assert " ".join(line.split()) == expected
    assert "PAPER" not in header


def test_what_the_paper_has_not_is_left_empty():
    ours, paper = comparison(dataset="Pumps", **NOTHING), comparison()
    both = pd.concat([ours.beside_paper, paper.beside_paper])
    header, line, _ = table1_beside_ours(replace(ours, beside_paper=both)).splitlines()
    assert "PAPER" in header
    assert line.endswith("0.6600 to 0.8200")
