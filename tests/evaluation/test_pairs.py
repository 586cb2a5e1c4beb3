"""Pairs of methods against aeon's matrix and scatter, and intervals against BCa by hand."""

import json

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from lstmfcn.evaluation.pairs import COLUMNS, beside_references, mean_interval, pair_table, pairs_with
from lstmfcn.evaluation.reference import load_table1, printed_methods

TABLE1 = printed_methods(load_table1())
NONE = pd.DataFrame(index=TABLE1.index)
ROPE = {"alpha": 0.05, "rope": 0.01}


@pytest.fixture(scope="module")
def table():
    """Return all pairs of the five methods of the paper's Table I, the best first."""
    ordered = beside_references(TABLE1, NONE)
    return pair_table(ordered, pairs_with(TABLE1, ordered), **ROPE)


@pytest.fixture
def _drawn_unseen():
    """Draw without a window, and take back what aeon sets for all figures."""
    with mpl.rc_context({"backend": "agg"}):
        yield
        plt.close("all")


@pytest.mark.usefixtures("_drawn_unseen")
def test_it_is_the_matrix_of_aeon(table, tmp_path):
    """Its order, mean differences, wins, Wilcoxon's p and what Holm leaves of them.

    In ten-thousandths, which are exact: aeon takes differences as floating point has them.
    """
    from aeon.visualisation import create_multi_comparison_matrix

    create_multi_comparison_matrix(
        (10_000 * TABLE1).round(),
        save_path=str(tmp_path / "mcm"),
        formats="json",
        pvalue_test_params={"zero_method": "wilcox", "alternative": "two-sided"},
    )
    theirs = json.loads((tmp_path / "mcm_analysis.json").read_text())
    assert list(beside_references(TABLE1, NONE)) == theirs["ordered-comparate-names"]
    assert len(table) == 10
    for row in table.to_dict("records"):
        cell = theirs[f"{row['method_a']}-vs-{row['method_b']}"]
        assert (row["wins"], row["ties"], row["losses"]) == (cell["win"], cell["tie"], cell["loss"])
        assert row["difference"] == pytest.approx(cell["mean"] / 10_000)
        assert row["p"] == pytest.approx(cell["pvalue"])
        assert row["significant"] == cell["is-significant"]


@pytest.mark.usefixtures("_drawn_unseen")
def test_wins_are_those_of_aeons_scatter(table):
    from aeon.visualisation import plot_pairwise_scatter

    for row in table[:4].to_dict("records"):
        a, b = row["method_a"], row["method_b"]
        _, axes = plot_pairwise_scatter(
            *((10_000 * TABLE1[name]).round().to_numpy() for name in (a, b)), a, b
        )
        texts = [artist.txt.get_text() for artist in axes.artists]
        assert f"{a} wins here\n[{row['wins']}W, {row['ties']}T, {row['losses']}L]" in texts


@pytest.mark.parametrize(
    ("method", "printed"), [("F-t LSTM-FCN", 65), ("ALSTM-FCN", 51), ("F-t ALSTM-FCN", 57)]
)
def test_wins_and_ties_are_those_that_the_paper_prints(table, method, printed):
    """Against the existing best, whichever of the two comes first."""
    pair = table[
        table["method_a"].isin([method, "existing best"]) & table["method_b"].isin([method, "existing best"])
    ]
    (row,) = pair.to_dict("records")
    assert row["ties"] + row["wins" if row["method_a"] == method else "losses"] == printed


def bca(values, rng, n_resamples=20_000):
    """Return the interval of Efron (1987) by its formulas."""
    n, mean = len(values), values.mean()
    means = np.sort(values[rng.integers(0, n, (n_resamples, n))].mean(axis=1))
    z0 = norm.ppf(((means < mean).mean() + (means <= mean).mean()) / 2)
    left_out = (values.sum() - values) / (n - 1)
    d = left_out.mean() - left_out
    acceleration = (d**3).sum() / (6 * (d**2).sum() ** 1.5)
    z = z0 + norm.ppf([0.025, 0.975])
    return np.quantile(means, norm.cdf(z0 + z / (1 - acceleration * z)))


@pytest.mark.parametrize("n", [6, 40])
def test_intervals_are_bca(n):
    values = np.random.default_rng(n).exponential(0.02, n) - 0.01
    expected = bca(values, np.random.default_rng(1))
    assert mean_interval(values) == pytest.approx(expected, abs=0.03 * np.ptp(expected))
    assert mean_interval(values) == mean_interval(values)


def test_equal_differences_have_an_interval_without_width():
    assert mean_interval(np.full(8, 0.25)) == (0.25, 0.25)


def test_what_is_said_of_a_pair_does_not_depend_on_the_others(table):
    """All but Holm's correction, which counts the tests."""
    row = table.iloc[3]
    alone = pair_table(TABLE1, [(row["method_a"], row["method_b"])], **ROPE).iloc[0]
    same = [name for name in COLUMNS if name not in ("p_holm", "significant")]
    assert alone[same].tolist() == row[same].tolist()
    assert alone["p_holm"] == alone["p"] < row["p_holm"]


def test_few_datasets_have_differences_but_no_tests():
    scores = TABLE1.iloc[:5]
    pairs = [("LSTM-FCN", "ALSTM-FCN")]
    (row,) = pair_table(scores, pairs, **ROPE).to_dict("records")
    assert row["difference"] == pytest.approx((scores["LSTM-FCN"] - scores["ALSTM-FCN"]).mean())
    assert row["wins"] + row["ties"] + row["losses"] == row["n_datasets"] == 5
    missing = [
        "difference_low",
        "difference_high",
        "p",
        "p_holm",
        "significant",
        "better",
        "equivalent",
        "worse",
    ]
    assert pd.isna([row[name] for name in missing]).all()
    assert pair_table(scores[:1], pairs, **ROPE).empty


def test_each_pair_is_compared_on_the_datasets_that_both_have():
    """Holm counts the pairs that are tested."""
    scores = TABLE1.iloc[:10].copy()
    scores.loc[scores.index[4:], "existing best"] = np.nan
    pairs = pairs_with(TABLE1, TABLE1.iloc[:, :3])
    found = pair_table(scores, pairs, **ROPE)
    assert found["n_datasets"].tolist() == [4, 4, 10]
    assert found["p"].notna().tolist() == [False, False, True]
    assert found["p_holm"].iloc[2] == found["p"].iloc[2]


def test_a_reference_is_not_placed_by_which_datasets_it_has():
    """It is better by 0.1 on the one it has, the hardest: first, though its mean is the lowest."""
    ours = pd.DataFrame({"one": [0.3, 0.9, 0.9], "two": [0.2, 0.8, 0.8]}, index=["a", "b", "c"])
    others = pd.DataFrame({"far": [0.4, None], "elsewhere": [None, 1.0]}, index=["a", "z"])
    placed = beside_references(ours, others)
    assert list(placed) == ["far", "one", "two"]
    assert placed["far"].dropna().tolist() == [0.4]
    assert list(placed.index) == ["a", "b", "c"]


def test_pairs_have_one_of_ours():
    ours, ordered = (pd.DataFrame(columns=list(names)) for names in ("x", "pxq"))
    assert pairs_with(ours, ordered) == [("p", "x"), ("x", "q")]
