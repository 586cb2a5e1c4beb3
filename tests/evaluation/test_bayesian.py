"""The Bayesian signed-rank test against baycomp, its authors' package, and against what is known exactly."""

import baycomp
import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from lstmfcn.evaluation.bayesian import signed_rank_probabilities
from lstmfcn.evaluation.pairs import pair_table

NEAR = 0.025  # over four standard errors of a difference of shares of 50,000 draws and of 10,000


@pytest.mark.parametrize(
    ("n", "shift", "spread"), [(6, 0.0, 0.02), (12, 0.01, 0.02), (20, -0.02, 0.05), (9, 0.0, 0.001)]
)
@pytest.mark.parametrize("rope", [0.01, 0.05])
def test_it_is_baycomps(n, shift, spread, rope):
    """Its `two_on_multiple` gives the probabilities from the second method's side: left, rope, right."""
    difference = np.random.default_rng(n).normal(shift, spread, n).round(6)
    theirs = baycomp.two_on_multiple(np.zeros(n), difference, rope, nsamples=10_000, random_state=1)
    assert signed_rank_probabilities(difference, rope) == pytest.approx(theirs[::-1], abs=NEAR)


def test_without_a_region_it_is_baycomps_too():
    difference = np.random.default_rng(3).normal(0.01, 0.05, 10).round(6)
    worse, _, better = baycomp.two_on_multiple(np.zeros(10), difference, 0, nsamples=10_000, random_state=1)
    assert signed_rank_probabilities(difference, 0.0) == (
        pytest.approx(better, abs=NEAR),
        None,
        pytest.approx(worse, abs=NEAR),
    )
    assert signed_rank_probabilities(np.zeros(6), 0.0) == (0.5, None, 0.5)


@pytest.mark.parametrize("n", [6, 30])
def test_where_all_datasets_agree_the_prior_alone_is_in_doubt(n):
    """Only the prior's pair with itself is not above the region: better weighs most where w0^2 < 1/2.

    Its weight, w0, is Beta(1/2, n).
    """
    better, equivalent, worse = signed_rank_probabilities(np.full(n, 0.05), 0.01)
    assert better == pytest.approx(beta.cdf(np.sqrt(0.5), 0.5, n), abs=0.01)
    assert worse == 0
    assert better + equivalent == pytest.approx(1)


def test_the_other_way_round_it_is_mirrored():
    difference = np.random.default_rng(0).normal(0.005, 0.02, 15).round(4)
    there, back = (signed_rank_probabilities(sign * difference, 0.01) for sign in (1, -1))
    assert there == pytest.approx(back[::-1], abs=1e-9)
    assert sum(there) == pytest.approx(1)


def test_accuracies_as_far_apart_as_the_region_is_wide_are_equivalent():
    """0.9 - 0.89 is more than 0.01 in floating point; at its edge half lies inside, so inside weighs most."""
    scores = pd.DataFrame({"a": [0.9] * 6, "b": [0.89] * 6})
    (row,) = pair_table(scores, [("a", "b")], alpha=0.05, rope=0.01).to_dict("records")
    assert (row["better"], row["equivalent"], row["worse"]) == (0, 1, 0)
