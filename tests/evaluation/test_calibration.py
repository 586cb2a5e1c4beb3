"""Temperature scaling: what was sharpened or blunted is restored, and the order of the classes stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from lstmfcn.evaluation.calibration import HIGHEST, LOWEST, calibrated, fitted_temperature
from lstmfcn.evaluation.measures import calibration_error


def honest(n, n_classes=3, seed=0):
    """Return probabilities and labels drawn by them: nobody could be better calibrated."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(n_classes), n)
    y = (rng.random(n)[:, None] > p.cumsum(axis=1)).sum(axis=1).clip(0, n_classes - 1)
    return y, p.astype(np.float32)


@pytest.mark.parametrize("made", [0.25, 0.5, 1.0, 2.0, 4.0])
def test_a_temperature_that_was_applied_is_found_and_taken_back(made):
    y, p = honest(20_000)
    wrong = calibrated(p, made)
    found = fitted_temperature(y, wrong)
    assert found * made == pytest.approx(1, rel=0.06)
    assert calibration_error(y, calibrated(wrong, found)) < 0.015
    if made != 1:
        assert calibration_error(y, wrong) > 0.03


def test_the_temperature_has_the_lowest_log_loss_of_a_grid():
    """scikit-learn's log loss; of many series Platt's truth is next to the plain one."""
    y, p = honest(3000, seed=1)
    sharp = calibrated(p, 0.4)
    grid = np.geomspace(0.5, 8, 200)
    losses = [log_loss(y, calibrated(sharp, t).astype(float), labels=[0, 1, 2]) for t in grid]
    assert fitted_temperature(y, sharp) == pytest.approx(grid[np.argmin(losses)], rel=0.05)


@settings(deadline=None, max_examples=40)
@given(st.floats(LOWEST, HIGHEST), st.integers(2, 6), st.integers(0, 1000))
def test_the_order_of_the_classes_stays(temperature, n_classes, seed):
    _, p = honest(50, n_classes, seed)
    after = calibrated(p, temperature)
    np.testing.assert_allclose(after.sum(axis=1), 1, rtol=1e-6)
    best = p.argmax(axis=1)
    assert (after[np.arange(50), best] == after.max(axis=1)).all()


def test_a_temperature_of_one_changes_nothing():
    _, p = honest(100)
    np.testing.assert_allclose(calibrated(p, 1.0), p, rtol=1e-6)


@pytest.mark.parametrize("n", [2, 10, 100])
def test_predictions_that_are_all_right_do_not_become_certainties(n):
    """At most as sure as somebody who was right n times in n (Laplace): (n + 1) / (n + 2)."""
    y = np.arange(n) % 2
    p = np.where(np.eye(2)[y] > 0, 0.9, 0.1).astype(np.float32)
    sure = calibrated(p, fitted_temperature(y, p)).max(axis=1)
    assert sure == pytest.approx(np.full(n, (n + 1) / (n + 2)), rel=1e-3)


@pytest.mark.parametrize("right", [True, False])
def test_certainty_that_is_all_right_or_all_wrong_has_a_temperature(right):
    y = np.arange(10) % 2
    p = np.eye(2, dtype=np.float32)[y if right else 1 - y]
    assert LOWEST <= fitted_temperature(y, p) <= HIGHEST
    assert np.isfinite(calibrated(p, fitted_temperature(y, p))).all()
