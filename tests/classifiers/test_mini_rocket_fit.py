"""MiniRocket's fit as a network's weights: against aeon's own classifier, and doing its evidence by hand."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from lstmfcn.classifiers import mini_rocket
from lstmfcn.classifiers.outcome import pack_weights
from lstmfcn.classifiers.table import references
from lstmfcn.data.series import Split
from lstmfcn.evaluation.calibration import fitted_temperature
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.left_out import RefusedError

pytestmark = pytest.mark.slow  # numba compiles what aeon has

ROW = references()["mini_rocket"]


def split(n, *, n_classes=3, channels=1, length=40, seed=0, noise=0.6):
    """Return series in which the place of a bump tells the class."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    X = noise * rng.normal(size=(n, channels, length))
    for i, k in enumerate(y):
        X[i, :, 4 + 9 * k : 9 + 9 * k] += 1
    return Split(X.astype(np.float32), y.astype(np.int64), tuple("abcd"[:n_classes]))


def trained(train, *, seed=3):
    job = SimpleNamespace(
        train=train,
        identity=Identity(dataset="A", classifier="mini_rocket", seed=seed),
        n_folds=3,
        selection=None,
        progress=lambda _: None,
    )
    return mini_rocket.train(ROW, job)


def predicted(outcome, train, X):
    run = SimpleNamespace(identity=Identity(dataset="A", classifier="mini_rocket", seed=3), params={})
    files = {"weights.npz": pack_weights(outcome.weights)}
    (found,) = mini_rocket.predict(ROW, [(run, files)], train, X)
    return found


@pytest.mark.parametrize(
    ("n_classes", "channels"), [pytest.param(3, 1, marks=pytest.mark.exhaustive), (2, 1), (3, 4)]
)
def test_its_labels_are_aeons_and_its_scores_the_ridges(n_classes, channels):
    """But for a share or two that rounding moves: of 200 series at most one is named otherwise."""
    from aeon.classification.convolution_based import MiniRocketClassifier

    train, test = (split(n, n_classes=n_classes, channels=channels, seed=n) for n in (48, 200))
    theirs = MiniRocketClassifier(random_state=3).fit(train.X, train.y)
    outcome = trained(train)
    found = predicted(outcome, train, test.X)
    assert (found.argmax(axis=1) != theirs.predict(test.X)).sum() <= 1
    scores = theirs.pipeline_.decision_function(test.X)
    scores = np.stack([-scores, scores], axis=1) if n_classes == 2 else scores
    ours, differences = np.log(found[:, 1] / found[:, 0]), scores[:, 1] - scores[:, 0]
    scale = (ours @ differences) / (differences @ differences)  # of the softmax
    np.testing.assert_allclose(ours, scale * differences, atol=0.03 * scale)
    assert (found.argmax(axis=1) == test.y).mean() > 0.9


def test_the_evidence_is_of_those_that_have_not_seen_the_series():
    """A fold's part, fitted by itself, says the same of what the fold holds out."""
    train = split(36)
    oof = trained(train).out_of_fold
    assert oof.accuracy > 0.6
    held = oof.fold == 1
    rest = Split(train.X[~held], train.y[~held], train.classes)
    found = predicted(trained(rest), rest, train.X[held])
    np.testing.assert_array_equal(found.argmax(axis=1), oof.probabilities[held].argmax(axis=1))


def test_its_confidence_is_fitted_out_of_fold():
    """There is no better temperature than 1 for it; and where all is right, it is not certain."""
    unsure, sure = (trained(split(36, noise=noise)).out_of_fold for noise in (1.0, 0.2))
    assert unsure.accuracy < 0.9
    assert fitted_temperature(unsure.y, unsure.probabilities) == pytest.approx(1, abs=0.01)
    assert sure.accuracy == 1
    assert 0.9 < sure.probabilities.max() < 1


def test_a_class_that_a_fold_lacks_has_no_probability_there():
    """One of a class's two series is held out with the fold that the other is in, or not at all."""
    base = split(24, n_classes=2)
    y = base.y.copy()
    y[0] = 2
    train = Split(base.X, y, ("a", "b", "c"))
    oof = trained(train).out_of_fold
    assert np.isnan(oof.probabilities[0]).all()
    held = oof.fold >= 0
    np.testing.assert_allclose(oof.probabilities[held].sum(axis=1), 1, atol=1e-6)
    assert np.isfinite(oof.loss)


def test_what_it_leaves_is_plain_arrays_and_equal_each_time():
    train = split(24)
    one, same = (trained(train).files(train.classes) for _ in range(2))
    assert one == same
    assert one.keys() == {"weights.npz", "oof.csv"}


def test_short_series_are_refused_before_anything_is_fitted():
    with pytest.raises(RefusedError, match="9 values or more, and these have 8"):
        trained(split(24, length=8))
    assert json.dumps(ROW.settings())
