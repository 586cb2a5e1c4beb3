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


@pytest.mark.parametrize(
    ("policies", "capable"),
    [
        ({}, (False, False)),
        ({"lengths": "pad", "length": 20}, (True, False)),
        ({"missing": "mask"}, (False, True)),
        ({"lengths": "resample", "missing": "interpolate"}, (True, True)),
    ],
)
@pytest.mark.usefixtures("tiny")
def test_what_a_policy_takes_is_a_capability_and_no_more(policies, capable, bumped):
    """As aeon's own checks of a collection see it; and the answers are ours."""
    X, y = bumped
    classifier = aeon.FCNClassifier(epochs=2, batch_size=8, **policies)
    tags = classifier.get_tag("capability:unequal_length"), classifier.get_tag("capability:missing_values")
    assert tags == capable
    unequal = [one[:, : 20 - i % 3] for i, one in enumerate(X)]
    gappy = np.where(np.arange(20) % 9 == 4, np.nan, X)
    for given, able in zip((unequal, gappy), capable, strict=True):
        if able:
            ours = lstmfcn.FCNClassifier(epochs=2, batch_size=8, **policies).fit(given, y)
            fitted = classifier.fit(given, y)
            np.testing.assert_array_equal(fitted.predict_proba(given), ours.predict_proba(given))
        else:
            with pytest.raises(ValueError, match="cannot handle these characteristics"):
                classifier.fit(given, y)
    assert classifier.set_params(lengths="refuse", length=None).get_tag("capability:unequal_length") is False
