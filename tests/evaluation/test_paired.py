"""Paired tests against counts by hand and permutations written out."""

from itertools import product
from math import comb

import numpy as np
import pytest

from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.evaluation.paired import RESAMPLES, compare


def answers(right, y, sure=0.8):
    """Return probabilities of two classes: the true class of some series is named, the other of the rest."""
    named = np.where(right, y, 1 - y)
    p = np.full((len(y), 2), 1 - sure, np.float32)
    p[np.arange(len(y)), named] = sure
    return p


def test_of_accuracy_it_is_mcnemars_exact_test():
    """By its binomial: of 9 series that one alone has right, 8 or 9 are the first's in 9 + 1 of 2^9 cases."""
    y = np.arange(30) % 2
    first, second = np.ones(30, bool), np.ones(30, bool)
    second[:8] = False
    first[8] = False
    found = compare(y, answers(first, y), answers(second, y), METRICS["accuracy"])
    assert (found.only_first, found.only_second, found.n) == (8, 1, 30)
    assert found.gain == pytest.approx(7 / 30)
    assert found.p == pytest.approx((comb(9, 8) + comb(9, 9)) / 2**9)


def test_what_is_no_better_has_p_1():
    y = np.arange(20) % 2
    right = np.arange(20) > 3
    for metric in METRICS.values():
        found = compare(y, answers(right, y), answers(right, y), metric)
        assert (found.gain, found.p) == (0, 1)
    assert compare(y, answers(right, y), answers(~right, y), METRICS["brier"]).p < 0.01
    assert compare(y, answers(~right, y), answers(right, y), METRICS["brier"]).p == 1


@pytest.mark.parametrize(
    "name", ["balanced_accuracy", "log_loss", pytest.param("macro_f1", marks=pytest.mark.exhaustive)]
)
def test_other_metrics_are_permuted_by_series(name):
    """Against every one of the 2^9 ways to swap the predictions of 9 series."""
    rng = np.random.default_rng(1)
    metric = METRICS[name]
    y = np.arange(9) % 3
    first, second = rng.dirichlet(np.ones(3), size=(2, 9)).astype(np.float32)
    first[np.arange(9), y] += 0.6
    first /= first.sum(axis=1, keepdims=True)
    sign = 1 if metric.higher_is_better else -1

    def gain(a, b):
        return sign * (metric.function(y, a) - metric.function(y, b))

    observed = gain(first, second)
    every = []
    for swap in product([False, True], repeat=9):
        where = np.array(swap)[:, None]
        every.append(gain(np.where(where, second, first), np.where(where, first, second)))
    expected = np.mean(np.array(every) >= observed - 1e-12)
    found = compare(y, first, second, metric)
    assert found.gain == pytest.approx(observed)
    assert found.gain > 0
    assert found.p == pytest.approx(expected, abs=3 * np.sqrt(expected * (1 - expected) / RESAMPLES) + 1e-3)


def test_the_gains_of_the_folds_are_tested_too():
    """Against Student's t, worked out: gains of 0.3, 0.2 and -0.1 in three folds of ten."""
    y = np.arange(30) % 2
    first, second = np.ones(30, bool), np.ones(30, bool)
    second[[0, 1, 2, 10, 11]] = False
    first[20] = False
    folds, one = np.arange(30) // 10, np.zeros(30, np.int64)
    gains = np.array([0.3, 0.2, -0.1])
    t = gains.mean() / (gains.std(ddof=1) / np.sqrt(3))
    found = compare(y, answers(first, y), answers(second, y), METRICS["accuracy"], folds=[one, folds])
    assert found.p_folds == pytest.approx(0.5 - t / (2 * np.sqrt(2 + t**2)))  # of two degrees of freedom
    assert compare(y, answers(first, y), answers(second, y), METRICS["accuracy"]).p_folds == 0
    alike = np.arange(30) % 5 == 0
    for better, p in ((~alike, 0), (alike, 1)):
        paired = compare(y, answers(better, y), answers(~better, y), METRICS["accuracy"], folds=[folds])
        assert paired.p_folds == p


def test_equal_predictions_have_equal_p_values():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    first, second = (answers(rng.random(40) < share, y, 0.7) for share in (0.9, 0.6))
    found = [compare(y, first, second, METRICS["log_loss"]).p for _ in range(2)]
    assert found[0] == found[1] < 0.1
