"""The tables for a terminal."""

from dataclasses import replace

import pandas as pd

from lstmfcn.evaluation.comparison import Comparison
from lstmfcn.report.terminal import MOST_PAIRS, pairs_of_methods, table1_beside_ours


def comparison(**row):
    """Return a comparison of one dataset."""
    known = {"dataset": "GunPoint", "model": "lstm_fcn", "phase": "phase1", "protocol": "honest"}
    known |= {"selected_on": "train", "seeds": 2, "ours": 0.75, "ours_low": 0.66, "ours_high": 0.82}
    known |= {"resamples": 1, "ours_mean": 0.75, "ours_sd": None}
    known |= {"paper": 1.0, "difference": -0.25, "inside_interval": False, "split_sizes_swapped": False}
    return Comparison(pd.DataFrame([known | row]), *[pd.DataFrame()] * 9, ())


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


def pairs(n, **changes):
    """Return n pairs whose tests are known."""
    row = {"method_a": "lstm_fcn phase1", "method_b": "BOSS", "n_datasets": 30, "difference": 0.0123}
    row |= {"difference_low": -0.001, "difference_high": 0.02, "wins": 17, "ties": 3, "losses": 10}
    row |= {"p": 0.0312, "p_holm": 0.0624, "better": 0.7, "equivalent": 0.25, "worse": 0.05}
    return replace(comparison(), pairs=pd.DataFrame([row | changes] * n))


def test_pairs_of_methods_read_as_a_table():
    header, line = pairs_of_methods(pairs(1)).splitlines()
    assert header.split()[:2] == ["METHOD", "AGAINST"]
    expected = "lstm_fcn phase1 BOSS 30 +0.0123 17/3/10 -0.0010 to +0.0200 0.031 0.062 0.70/0.25/0.05"
    assert " ".join(line.split()) == expected


def test_a_reference_among_the_pairs_has_no_phase():
    _, line = pairs_of_methods(pairs(1, method_a="mini_rocket phase1")).splitlines()
    assert line.split()[:2] == ["mini_rocket", "BOSS"]


def test_pairs_without_tests_have_no_columns_for_them_and_many_are_counted():
    """Nor does a pair have figures that was compared on too few datasets, where others have."""
    few = pairs(1, p=None)
    header, line = pairs_of_methods(few).splitlines()
    assert "INTERVAL" not in header
    assert line.endswith("17/3/10")
    both = replace(few, pairs=pd.concat([few.pairs, pairs(1).pairs], ignore_index=True))
    _, first, second = pairs_of_methods(both).splitlines()
    assert first.endswith("17/3/10")
    assert second.endswith("0.70/0.25/0.05")
    *_, last = pairs_of_methods(pairs(MOST_PAIRS + 4)).splitlines()
    assert last == "and 4 more in comparison/pairs.csv"


def test_a_region_without_width_makes_nothing_equivalent():
    assert pairs_of_methods(pairs(1, equivalent=None)).endswith("0.70/-/0.05")


def test_over_the_resamples_stand_mean_deviation_and_number():
    many = comparison(resamples=30, ours_mean=0.7412, ours_sd=0.0213)
    both = pd.concat([many.beside_paper, comparison(dataset="Pumps", **NOTHING).beside_paper])
    header, first, second = table1_beside_ours(replace(many, beside_paper=both)).splitlines()
    assert "95 % INTERVAL     OVER THE RESAMPLES    PAPER" in header
    assert "0.6600 to 0.8200  0.7412 ± 0.0213 (30)  1.0000" in first
    assert second.endswith("0.6600 to 0.8200  own split alone")
