"""Scores against scikit-learn and statsmodels' textbook figures."""

import numpy as np
import pytest
from sklearn import metrics as peer

from lstmfcn.evaluation.scores import (
    accuracy,
    binomial_interval,
    log_loss,
    mean_per_class_error,
    per_class_error,
)

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 40)
P = RNG.dirichlet([1, 1, 1], 40).astype(np.float32)


def test_accuracy_and_log_loss_are_scikit_learns():
    assert accuracy(Y, P.argmax(axis=1)) == peer.accuracy_score(Y, P.argmax(axis=1))
    assert log_loss(Y, P) == pytest.approx(peer.log_loss(Y, P / P.sum(axis=1, keepdims=True)), rel=1e-5)


def test_one_certain_error_does_not_count_infinitely():
    assert log_loss(np.array([0]), np.array([[0.0, 1.0]], np.float32)) == pytest.approx(-np.log(1e-7))


def test_per_class_error():
    """A tenth wrong over five classes: 0.02."""
    assert per_class_error(0.9, 5) == pytest.approx(0.02)
    assert mean_per_class_error([0.02, 0.04]) == pytest.approx(0.03)


def test_wilsons_interval_by_its_formula():
    k, n, z = 146, 150, 1.959963984540054
    centre = (k + z**2 / 2) / (n + z**2)
    half = z * np.sqrt(k * (n - k) / n + z**2 / 4) / (n + z**2)
    np.testing.assert_allclose(binomial_interval(k, n), (centre - half, centre + half))


@pytest.mark.parametrize(
    "call",
    [
        lambda: accuracy(Y, Y[:3]),
        lambda: accuracy(Y[:0], Y[:0]),
        lambda: per_class_error(1.2, 3),
        lambda: per_class_error(0.5, 1),
        lambda: mean_per_class_error([]),
        lambda: mean_per_class_error([0.1, np.nan]),
        lambda: log_loss(Y, P[:3]),
    ],
)
def test_what_makes_no_sense_raises(call):
    with pytest.raises(ValueError):
        call()
