"""The estimators as aeon's: by aeon's own checks, and equal to ours."""

import inspect
import pickle

import numpy as np
import pytest
from aeon.testing.estimator_checking import check_estimator
from aeon.utils.conversion import convert_collection

import lstmfcn
from lstmfcn import aeon

ALL = [getattr(aeon, name) for name in aeon.__all__]


@pytest.mark.parametrize("classifier", ALL)
@pytest.mark.usefixtures("tiny")
def test_aeons_checks(classifier):
    """All of them, on a tiny network."""
    results = check_estimator(classifier, raise_exceptions=True)
    assert len(results) > 20


def test_each_of_our_estimators_is_there_with_its_parameters():
    assert {*aeon.__all__} > {name for name in lstmfcn.__all__ if name.endswith("Classifier")}
    for classifier in ALL:
        ours = getattr(lstmfcn, classifier.__name__)
        assert inspect.signature(classifier) == inspect.signature(ours)
        assert classifier(epochs=7).get_params() == ours(epochs=7).get_params()


@pytest.mark.parametrize("kind", ["numpy3D", "np-list", "df-list", "pd-multiindex"])
@pytest.mark.usefixtures("tiny")
def test_every_collection_of_aeon_gives_the_same(kind, bumped):
    """aeon's classifier converts them; ours does by itself, to the same answers."""
    X, y = np.concatenate([bumped[0], -bumped[0]], axis=1), bumped[1]
    options = {"epochs": 2, "batch_size": 8}
    expected = lstmfcn.FCNClassifier(**options).fit(X, y).predict_proba(X)
    held = convert_collection(X, kind)
    for classifier in (aeon.FCNClassifier, lstmfcn.FCNClassifier):
        np.testing.assert_array_equal(classifier(**options).fit(held, y).predict_proba(held), expected)


@pytest.mark.usefixtures("tiny")
def test_a_fit_that_fails_leaves_it_unfitted(bumped):
    def fails(_facts):
        raise KeyboardInterrupt

    X, y = bumped
    fitted = aeon.FCNClassifier(epochs=2).fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X))
    with pytest.raises(KeyboardInterrupt):
        fitted.set_params(callbacks=fails).fit(X, y)
    assert not fitted.is_fitted
