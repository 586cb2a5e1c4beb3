"""Ranks and tests against scipy, and against examples worked by hand."""

import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lstmfcn.evaluation.ranks import mean_ranks, ranks
from lstmfcn.evaluation.significance import (
    MIN_DATASETS,
    friedman,
    holm,
    nemenyi_distance,
    p_matrix,
    signed_rank,
    wilcoxon_table,
)

SCORES = pd.DataFrame({"a": [0.9, 0.8, 0.7], "b": [0.9, 0.7, 0.9], "c": [0.5, 0.6, 0.7]}, index=list("xyz"))


def test_ranks_by_hand():
    assert ranks(SCORES, ties="min").to_numpy().tolist() == [[1, 1, 3], [1, 2, 3], [2, 1, 2]]
    assert ranks(SCORES).to_numpy().tolist() == [[1.5, 1.5, 3], [1, 2, 3], [2.5, 1, 2.5]]
    means = mean_ranks(ranks(SCORES, ties="min"))
    assert means["arithmetic"].tolist() == pytest.approx([4 / 3, 4 / 3, 8 / 3])
    assert means["geometric"].tolist() == pytest.approx([2 ** (1 / 3), 2 ** (1 / 3), 18 ** (1 / 3)])


def test_average_ranks_are_scipys():
    scores = pd.DataFrame(np.random.default_rng(0).integers(0, 5, (20, 6)).astype(float))
    expected = stats.rankdata(-scores.to_numpy(), axis=1)
    np.testing.assert_array_equal(ranks(scores), expected)


def test_a_missing_score_raises_and_names_the_dataset():
    broken = SCORES.copy()
    broken.loc["y", "b"] = np.nan
    with pytest.raises(ValueError, match="missing on y"):
        ranks(broken)
    with pytest.raises(ValueError, match="both methods"):
        wilcoxon_table(broken)


def test_holm_by_hand():
    """0.01, 0.04, 0.03 times 3, 1, 2: 0.03, 0.06 (not less than the one before), 0.06."""
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(holm(np.array([0.6, 0.9])), [1.0, 1.0])


@pytest.mark.parametrize("n", [1, 2, 6, 7, 9])
@pytest.mark.parametrize("values", [3, 1000])
def test_few_differences_are_scipys_too(n, values):
    """With ties and zeros, and without: the exact test, which scipy does by enumeration."""
    for seed in range(3):
        difference = np.random.default_rng(seed).integers(-values, values, n) / 100
        difference[0] = difference[0] or 0.01
        assert signed_rank(difference) == pytest.approx(stats.wilcoxon(difference).pvalue, rel=1e-12)
    assert signed_rank(np.zeros(n)) == 1


def test_a_test_of_thirteen_differences_with_ties_takes_no_time():
    """Scipy takes seconds for its 8,192 changes of sign; the p-value, from the other end, by its own tail."""
    difference = np.repeat([0.01, 0.02, -0.01], [5, 5, 3])
    ranks = stats.rankdata(np.abs(difference))
    signs = 2 * (np.arange(2**13)[:, None] >> np.arange(13) & 1) - 1
    sums = ((signs > 0) * ranks).sum(axis=1)
    reached = ranks[difference > 0].sum()
    begin = time.perf_counter()
    assert signed_rank(difference) == pytest.approx(2 * (sums >= reached).mean())
    assert time.perf_counter() - begin < 0.5


def test_wilcoxon_table_is_scipys_test_for_each_pair():
    rng = np.random.default_rng(0)
    scores = pd.DataFrame(rng.random((20, 3)), columns=list("abc"))
    scores["b"] += 0.4
    table = wilcoxon_table(scores)
    for row in table.to_dict("records"):
        expected = stats.wilcoxon(scores[row["method_a"]], scores[row["method_b"]]).pvalue
        assert row["p"] == pytest.approx(expected)
    assert table["significant"].tolist() == [True, False, True]


def test_methods_that_tie_everywhere_do_not_differ():
    scores = pd.DataFrame({"a": [0.5] * 8, "b": [0.5] * 8})
    assert wilcoxon_table(scores)["p"].tolist() == [1.0]


def test_a_difference_in_the_last_bit_is_none():
    """0.1 + 0.2 is not 0.3, but no series more is right; nor is 0.7 - 0.6 further than 0.4 - 0.3."""
    scores = pd.DataFrame(
        {"a": [0.1 + 0.2, 0.7, 0.3, 0.9, 0.8, 0.2, 0.6], "b": [0.3, 0.6, 0.4, 0.8, 0.6, 0.5, 0.1]}
    )
    tenths = (10 * scores).round()
    (found,) = wilcoxon_table(scores).to_dict("records")
    assert found["n_ties"] == 1
    assert found["p"] == stats.wilcoxon(tenths["a"], tenths["b"]).pvalue


def test_the_fewest_datasets_that_can_be_significant():
    always = np.arange(1.0, MIN_DATASETS + 1)
    assert stats.wilcoxon(always).pvalue < 0.05
    assert stats.wilcoxon(always[:-1]).pvalue > 0.05


def test_friedman_is_scipys():
    scores = pd.DataFrame(np.random.default_rng(0).random((12, 4)), columns=list("abcd"))
    assert friedman(scores) == pytest.approx(stats.friedmanchisquare(*scores.to_numpy().T).pvalue)


@pytest.mark.parametrize(("k", "n", "q"), [(2, 10, 1.960), (5, 30, 2.728), (10, 85, 3.164)])
def test_nemenyis_distance_has_demsars_q(k, n, q):
    """The critical values of Demsar's Table 5 (2006), alpha 0.05."""
    assert nemenyi_distance(k, n) == pytest.approx(q * np.sqrt(k * (k + 1) / (6 * n)), rel=3e-4)


def test_the_matrix_of_p_is_the_table_both_ways():
    scores = pd.DataFrame(np.random.default_rng(0).random((12, 3)), columns=list("abc"))
    table = wilcoxon_table(scores)
    matrix = p_matrix(table, list("abc"))
    assert matrix.equals(matrix.T)
    assert matrix.to_numpy().diagonal().tolist() == [1, 1, 1]
    assert matrix.at["c", "a"] == table.set_index(["method_a", "method_b"]).at[("a", "c"), "p_holm"]
