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


def test_over_the_resamples_stand_mean_deviation_and_number():
    many = comparison(resamples=30, ours_mean=0.7412, ours_sd=0.0213)
    both = pd.concat([many.beside_paper, comparison(dataset="Pumps", **NOTHING).beside_paper])
    header, first, second = table1_beside_ours(replace(many, beside_paper=both)).splitlines()
    assert "95 % INTERVAL     OVER THE RESAMPLES    PAPER" in header
    assert "0.6600 to 0.8200  0.7412 ± 0.0213 (30)  1.0000" in first
    assert second.endswith("0.6600 to 0.8200  own split alone")
