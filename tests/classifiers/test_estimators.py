"""The estimators: scikit-learn's own checks, their descriptions, and what holds for any classifier."""

import doctest
import html
import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.externals._numpydoc.docscrape import NumpyDocString
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import estimator_checks_generator

import lstmfcn
from lstmfcn import ALSTMFCNClassifier, FCNClassifier, LSTMFCNClassifier
from lstmfcn.classifiers import estimators
from lstmfcn.classifiers.base import NetworkClassifier
from lstmfcn.classifiers.parameters import Parameters
from lstmfcn.classifiers.table import classifiers
from lstmfcn.config import Params
from lstmfcn.data.collection import fetch_dataset, read_dataset
from lstmfcn.pipeline.recipes import finetune_recipe, phase1_recipe
from lstmfcn.training.loop import Engine

ALL = [
    getattr(lstmfcn, row.estimator)
    for row in classifiers().values()
    if isinstance(row, NetworkClassifier) and row.estimator
]
THREE = [FCNClassifier, LSTMFCNClassifier, ALSTMFCNClassifier]

QUICK = {"epochs": 40, "batch_size": 8, "random_state": 0}

# Batches are drawn, so a series of weight two is not in two of them. scikit-learn's own networks that are
# trained by gradient steps fail it, too.
NOT_BY_STEPS = {"check_sample_weight_equivalence_on_dense_data"}
# Each is there three times. Two features that are z-normalised are -1 and 1, or 1 and -1.
BLOBS_OF_TWO_FEATURES = {"check_classifiers_train"}


def checks(**options):
    estimator = FCNClassifier(epochs=60, batch_size=32, learning_rate=0.02, schedule="constant", **options)
    return list(estimator_checks_generator(estimator))


def name_of(check):
    return check.func.__name__


@pytest.mark.parametrize(
    ("estimator", "check"), [pytest.param(*each, id=name_of(each[1])) for each in checks(normalise="none")]
)
@pytest.mark.usefixtures("tiny")
def test_scikit_learns_checks(estimator, check):
    """All that scikit-learn has, on a tiny network: what they are about is the same for each."""
    if name_of(check) in NOT_BY_STEPS:
        with pytest.raises(AssertionError, match="not equivalent"):
            check(estimator)
    else:
        check(estimator)


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(*each, id=name_of(each[1]))
        for each in checks()
        if name_of(each[1]) not in BLOBS_OF_TWO_FEATURES | NOT_BY_STEPS
    ],
)
@pytest.mark.usefixtures("tiny")
def test_scikit_learns_checks_with_normalisation(estimator, check):
    check(estimator)


# With a policy for lengths, series of another length than those of `fit` are no fault.
OF_ANY_LENGTH = {"check_n_features_in_after_fitting"}

POLICIES_OF_CHECKS = [
    ({"missing": "mask", "lengths": "pad"}, OF_ANY_LENGTH),
    ({"missing": "mask"}, set()),
    ({"lengths": "pad"}, OF_ANY_LENGTH),
]


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(
            *each,
            id=f"{name_of(each[1])}-{'-'.join(policies.values())}",
            marks=() if len(policies) == 2 or name_of(each[1]) in OF_ANY_LENGTH else pytest.mark.exhaustive,
        )
        for policies, but in POLICIES_OF_CHECKS
        for each in checks(**policies)
        if name_of(each[1]) not in BLOBS_OF_TWO_FEATURES | NOT_BY_STEPS | but
    ],
)
@pytest.mark.usefixtures("tiny")
def test_scikit_learns_checks_with_policies(estimator, check):
    check(estimator)


@pytest.mark.parametrize("classifier", THREE)
def test_each_finds_the_bump_whatever_the_labels(classifier, bumped):
    """Text labels in another order than the numbers': the same series get the same class."""
    X, y = bumped
    names = np.array(["zebra", "ant", "mole"])
    by_name = classifier(**QUICK).fit(X[:24], names[y[:24]])
    assert by_name.classes_.tolist() == ["ant", "mole", "zebra"]
    assert by_name.score(X[24:], names[y[24:]]) == 1.0


PARAMS = Params(datasets=("A",), models=("fcn",))


def defaults_of(classifier):
    return {k: v.default for k, v in inspect.signature(classifier).parameters.items()}


@pytest.mark.parametrize("classifier", ALL)
def test_the_defaults_are_those_of_the_schema(classifier):
    defaults = defaults_of(classifier)
    assert defaults.pop("learning_rate") == PARAMS.train.initial_rate
    for name in ("normalise", "lengths", "missing", "length"):
        assert defaults.pop(name) == getattr(PARAMS.prepare, name)
    assert (defaults.pop("class_weight") == "balanced") == PARAMS.train.class_weighting
    own = {"fine_tuning_iterations": 0, "random_state": 0} | ({"cells": 64} if "cells" in defaults else {})
    own |= {"validation_share": 0.0, "patience": 50, "verbose": False, "callbacks": None}
    assert defaults == {k: getattr(PARAMS.train, k) for k in defaults.keys() - own.keys()} | own


@pytest.mark.parametrize("classifier", ALL)
def test_each_parameter_is_described_with_its_type_and_default(classifier):
    """Against the signature, as numpydoc and scikit-learn's page read the docstring."""
    described = {p.name: p for p in NumpyDocString(inspect.getdoc(classifier))["Parameters"]}
    assert list(described) == list(defaults_of(classifier))
    page = clone(classifier())._repr_html_()
    for name, default in defaults_of(classifier).items():
        assert described[name].type.endswith(f", default={default!r}")
        assert html.escape(described[name].desc[0]) in page
    for name, field in Parameters.model_fields.items():
        assert field.default == defaults_of(classifier)[name]


@pytest.mark.parametrize("classifier", THREE)
def test_the_examples_give_what_they_show(classifier):
    run_examples(classifier)


@pytest.mark.usefixtures("tiny")
def test_the_examples_that_are_made_give_what_they_show():
    run_examples(lstmfcn.ResNetClassifier)


def run_examples(classifier):
    found = doctest.DocTestFinder(recurse=False).find(classifier, classifier.__name__)
    results = [doctest.DocTestRunner().run(example) for example in found]
    assert [(r.failed, r.attempted > 3) for r in results] == [(0, True)]


def test_it_trains_and_fine_tunes_by_the_pipelines_recipes(monkeypatch, bumped):
    recipes, train = [], Engine.train

    def spy(engine, X, y, recipe, **options):
        recipes.append(recipe)
        return train(engine, X, y, recipe.model_copy(update={"epochs": 1}), **options)

    monkeypatch.setattr(Engine, "train", spy)
    FCNClassifier(fine_tuning_iterations=3).fit(*bumped)
    first = finetune_recipe(PARAMS)
    assert recipes == [phase1_recipe(PARAMS), *(first.iteration(i) for i in (1, 2, 3))]


def test_a_prediction_does_not_depend_on_batch_mates(bumped):
    X, y = bumped
    fitted = LSTMFCNClassifier(**QUICK).fit(X, y)
    together = fitted.predict_proba(X)
    alone = np.concatenate([fitted.predict_proba(x[None]) for x in X])
    np.testing.assert_allclose(alone, together, atol=1e-6)
    np.testing.assert_allclose(fitted.predict_proba(X[::-1]), together[::-1], atol=1e-6)


def test_two_and_three_dimensions_are_one_series_and_a_copy_predicts_the_same(bumped):
    X, y = bumped
    fitted = LSTMFCNClassifier(**QUICK, fine_tuning_iterations=2).fit(X[:, 0], y)
    assert [len(h.loss) for h in fitted.histories_] == [40, 40, 40]  # QUICK's, then the pipeline's
    assert [h.rate[0] for h in fitted.histories_] == pytest.approx([1e-3, 1e-3, 5e-4])
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 120
    expected = fitted.predict_proba(X)
    np.testing.assert_array_equal(fitted.predict_proba(X[:, 0]), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), expected)
    np.testing.assert_allclose(fitted.predict_proba(5 * X + 3), expected, atol=1e-4)
    fitted.set_params(cells=8, segments=2)  # for the next fit, not for this one
    np.testing.assert_array_equal(fitted.predict_proba(X), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), expected)


def test_it_works_in_cross_validation_and_on_several_channels(bumped):
    X, y = bumped
    doubled = np.concatenate([X, -X], axis=1)
    assert cross_val_score(clone(ALSTMFCNClassifier(**QUICK)), doubled, y, cv=2).min() > 0.9
    unequal = [one[:, : 20 - i % 3] for i, one in enumerate(doubled)]
    assert cross_val_score(FCNClassifier(**QUICK, lengths="pad", length=20), unequal, y, cv=2).min() > 0.9


@pytest.mark.usefixtures("tiny")
def test_series_of_another_length_and_one_class_are_refused(bumped):
    X, y = bumped
    fitted = FCNClassifier(epochs=1).fit(X, y)
    with pytest.raises(ValueError, match=r"\(1, 20\) .* given \(1, 19\)"):
        fitted.predict(X[:, :, :-1])
    with pytest.raises(ValueError, match="one class only"):
        FCNClassifier(epochs=1).fit(X, y * 0)
    with pytest.raises(ValueError, match="NaN"):
        fitted.predict(np.full((1, 1, 20), np.nan))
    for none in (X[:0], X[:0, 0]):
        with pytest.raises(ValueError, match="0 sample"):
            fitted.predict(none)


POLICIES = [
    {"lengths": "resample"},
    {"lengths": "truncate"},
    {"lengths": "pad"},
    {"missing": "interpolate"},
    {"lengths": "resample", "missing": "interpolate"},
]


@pytest.mark.parametrize("policies", POLICIES)
@pytest.mark.usefixtures("tiny")
def test_equal_series_are_fitted_to_the_same_bytes_by_any_policy(policies, bumped):
    X, y = bumped
    expected = FCNClassifier(epochs=3).fit(X, y).predict_proba(X)
    fitted = FCNClassifier(epochs=3, **policies).fit([*X], y)
    np.testing.assert_array_equal(fitted.predict_proba(X), expected)
    assert (fitted.n_channels_, fitted.length_) == (1, 20)


def on_the_line(series, length):
    at = np.linspace(0, series.shape[-1] - 1, length)
    return np.array([np.interp(at, np.arange(series.shape[-1]), channel) for channel in series])


BY_HAND = {
    "resample": (lambda one: on_the_line(one, 20), None),
    "truncate": (lambda one: one[:, :14], None),
    "resample to 11": (lambda one: on_the_line(one, 11), 11),
}


def ragged(X):
    """Return series that end 0 to 6 steps early."""
    return [one[:, : X.shape[-1] - i % 7] for i, one in enumerate(X)]


@pytest.mark.parametrize("policy", BY_HAND)
@pytest.mark.usefixtures("tiny")
def test_lists_of_series_of_unequal_length_are_fitted_as_if_made_equal_by_hand(policy, bumped):
    """Against NumPy: those that are fitted, and longer ones that are predicted; as lists and with NaN."""
    by_hand, length = BY_HAND[policy]
    X, y = bumped
    series = ragged(X)
    fitted = FCNClassifier(epochs=3, lengths=policy.split()[0], length=length).fit(series, y)
    expected = FCNClassifier(epochs=3).fit(np.array([by_hand(one) for one in series]), y)
    longer = [np.concatenate([one, one[:, :5]], axis=1) for one in series]
    for given in (series, longer):
        hand = expected.predict_proba(np.array([by_hand(one) for one in given]))
        np.testing.assert_allclose(fitted.predict_proba(given), hand, atol=1e-5)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(given), hand.argmax(axis=1))
    padded = np.full((30, 1, 40), np.nan)
    for place, one in zip(padded, series, strict=True):
        place[:, : one.shape[1]] = one
    hand = fitted.predict_proba(series)
    for same in (padded, padded[:, 0], [one[0] for one in series]):
        np.testing.assert_array_equal(fitted.predict_proba(same), hand)
    fitted.set_params(lengths="refuse", length=None)  # for the next fit, not for this one
    np.testing.assert_array_equal(fitted.predict_proba(series), hand)


@pytest.mark.parametrize("classifier", THREE)
def test_what_stands_behind_a_padded_series_counts_for_nothing(classifier, bumped):
    """A series has the answer that it has alone, and the classes are learned."""
    X, y = bumped
    series = [one[:, : 20 - i % 2] for i, one in enumerate(X)]
    fitted = classifier(**QUICK, lengths="pad", length=25).fit(series[:24], y[:24])
    together = fitted.predict_proba(series)
    np.testing.assert_allclose(fitted.predict_proba(series[1:2]), together[1:2], atol=1e-6)
    assert fitted.score(series[24:], y[24:]) == 1.0
    with pytest.raises(ValueError, match=r"^Series 0 .* longer than the 25 .* Set length to 26 or more"):
        fitted.predict([np.zeros((1, 26))])


@pytest.mark.usefixtures("tiny")
def test_missing_values_are_fitted_as_if_filled_in_by_hand(bumped):
    """Against numpy.interp; masked, there are twice as many channels."""
    X, y = bumped
    gappy = np.where(np.random.default_rng(1).random(X.shape) < 0.2, np.nan, X)
    steps = np.arange(20)
    filled = [np.interp(steps, steps[~np.isnan(x)], x[~np.isnan(x)]) for (x,) in gappy]
    expected = FCNClassifier(epochs=3).fit(np.array(filled), y).predict_proba(np.array(filled))
    fitted = FCNClassifier(epochs=3, missing="interpolate").fit(gappy, y)
    np.testing.assert_allclose(fitted.predict_proba(gappy), expected, atol=1e-5)
    masked = FCNClassifier(epochs=3, missing="mask").fit(gappy, y)
    assert (masked.n_channels_, masked.preprocessing_.shape) == (1, (2, 20))
    assert np.isfinite(masked.predict_proba(gappy)).all()
    assert [one.__sklearn_tags__().input_tags.allow_nan for one in (fitted, FCNClassifier())] == [True, False]


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        ({}, ragged, r"differ in length: .* `lengths`"),
        (
            {"lengths": "pad"},
            lambda X: [*X[:-1], np.where(X[0] == X[0][0, 3], np.nan, X[0])],
            "set missing to",
        ),
        (
            {"lengths": "truncate", "length": 21},
            list,
            "length is 21, but the shortest training series has 20",
        ),
        ({"missing": "interpolate"}, lambda X: np.where(X.max() == X, np.inf, X), "infinity"),
        ({"length": 5}, list, "length=5: lengths refuses"),
        ({"lengths": "cut"}, list, "lengths='cut'"),
        ({"length": 0, "lengths": "pad"}, list, "length=0"),
    ],
)
@pytest.mark.usefixtures("tiny")
def test_what_no_policy_takes_is_refused_in_words_of_the_parameters(options, change, message, bumped):
    X, y = bumped
    with pytest.raises(ValueError, match=message) as caught:
        FCNClassifier(epochs=1, **options).fit(change(X), y)
    assert "params.yaml" not in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "labels", "message"),
    [
        ((8, 30, 1), [0, 1] * 4, r"30 channels of length 1.*X\.transpose\(0, 2, 1\)"),
        ((8, 1, 30), range(100, 108), "8 of 8 series are alone in their class .100, 101, 102"),
        ((9, 1, 30), [*"aabbcdefg"], "5 of 9 series are alone in their class .c, d, e"),
    ],
)
def test_swapped_axes_and_names_in_place_of_classes_are_refused(shape, labels, message):
    X = np.random.default_rng(0).normal(size=shape)
    with pytest.raises(ValueError, match=message):
        lstmfcn.FCNClassifier(epochs=1).fit(X, list(labels))


def test_the_shape_on_a_large_offset_is_seen():
    """Sines of amplitude 1 on 1e8, where float32 has steps of 8: two frequencies, told apart."""
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    phase = rng.uniform(0, 2 * np.pi, (40, 1))
    sines = np.sin((2 + 2 * y[:, None]) * np.linspace(0, 2 * np.pi, 32) + phase)
    fitted = FCNClassifier(**QUICK).fit(1e8 + sines[:20], y[:20])
    assert fitted.score(1e8 + sines[20:], y[20:]) == 1.0
    with pytest.raises(ValueError, match=r"Series 0 .* cannot tell apart"):
        FCNClassifier(**QUICK, normalise="none").fit(1e8 + sines, y)


def test_several_channels_are_classified(tmp_path):
    """BasicMotions of aeon's wheel: 6 channels of a smart watch, four activities, all easy to tell apart."""
    train, test = read_dataset(fetch_dataset("BasicMotions", tmp_path))
    assert train.X.shape == (40, 6, 100)
    classifier = LSTMFCNClassifier(cells=8, epochs=15, random_state=0, normalise="none").fit(
        train.X, train.labels
    )
    assert classifier.score(test.X, test.labels) >= 0.9


@pytest.mark.parametrize(
    "options",
    [{"segments": 4}, pytest.param({"dimension_shuffle": False}, marks=pytest.mark.exhaustive)],
)
def test_the_other_views_of_the_series_are_there_too(options):
    rng = np.random.default_rng(0)
    y = np.arange(20) % 2
    X = rng.normal(size=(20, 12)).astype("float32")
    X[:, 5] += 4 * y
    classifier = ALSTMFCNClassifier(cells=4, epochs=12, random_state=0, **options).fit(X, y)
    assert classifier.score(X, y) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [({"segments": 2, "dimension_shuffle": False}, "nothing to cut"), ({"segments": 31}, "31 segments")],
)
def test_what_does_not_fit_the_series_or_each_other_is_refused(options, message, bumped):
    with pytest.raises(ValueError, match=message):
        ALSTMFCNClassifier(**options).fit(*bumped)


def test_a_network_of_another_package_has_an_estimator_too():
    """Made as those of this package are, with a docstring of its own."""
    made = estimators._made(NetworkClassifier(name="x", title="X", summary="A net.", estimator="XClassifier"))
    assert made.__doc__.startswith("A net.")
    assert list(defaults_of(made)) == list(defaults_of(FCNClassifier))
