"""The estimators: scikit-learn's own checks, and properties of any classifier of series."""

import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import estimator_checks_generator

from lstmfcn import ALSTMFCNClassifier, FCNClassifier, LSTMFCNClassifier
from lstmfcn.config import Params
from lstmfcn.data.collection import fetch_dataset, read_dataset
from lstmfcn.pipeline.recipes import finetune_recipe, phase1_recipe
from lstmfcn.training.loop import Engine

RNG = np.random.default_rng(0)
Y = np.arange(30) % 3
X = 0.3 * RNG.normal(size=(30, 1, 20))
for _i, _k in enumerate(Y):
    X[_i, 0, 3 + 5 * _k : 6 + 5 * _k] += 2

QUICK = {"epochs": 40, "batch_size": 8, "random_state": 0}

# Each check fits a network of its own; these are the ones about inputs, state and conventions. Left out
# are repetitions of them for single attributes, which take minutes.
CHECKS = {
    "check_classifiers_one_label",
    "check_classifiers_train",
    "check_complex_data",
    "check_dict_unchanged",
    "check_dtype_object",
    "check_estimators_empty_data_messages",
    "check_estimators_nan_inf",
    "check_estimators_pickle",
    "check_estimators_unfitted",
    "check_fit2d_predict1d",
    "check_n_features_in_after_fitting",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_supervised_y_2d",
}


def chosen_checks():
    estimator = FCNClassifier(epochs=25, batch_size=8, normalise="none")
    for fresh, check in estimator_checks_generator(estimator):
        name = getattr(check, "func", check).__name__
        if name in CHECKS:
            yield pytest.param(fresh, check, id=name)


def test_scikit_learn_has_these_checks():
    assert {param.id for param in chosen_checks()} == CHECKS


@pytest.mark.parametrize(("estimator", "check"), list(chosen_checks()))
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("classifier", [FCNClassifier, LSTMFCNClassifier, ALSTMFCNClassifier])
def test_each_finds_the_bump_whatever_the_labels(classifier):
    """Text labels in another order than the numbers': the same series get the same class."""
    names = np.array(["zebra", "ant", "mole"])
    by_name = classifier(**QUICK).fit(X[:24], names[Y[:24]])
    assert by_name.classes_.tolist() == ["ant", "mole", "zebra"]
    assert by_name.score(X[24:], names[Y[24:]]) == 1.0


PARAMS = Params(datasets=("A",), models=("fcn",))


@pytest.mark.parametrize("classifier", [FCNClassifier, LSTMFCNClassifier, ALSTMFCNClassifier])
def test_the_defaults_are_those_of_the_schema(classifier):
    defaults = {k: v.default for k, v in inspect.signature(classifier).parameters.items()}
    assert defaults.pop("learning_rate") == PARAMS.train.initial_rate
    assert defaults.pop("normalise") == PARAMS.prepare.normalise
    own = {"fine_tuning_iterations": 0, "random_state": 0} | ({"cells": 64} if "cells" in defaults else {})
    assert defaults == {k: getattr(PARAMS.train, k) for k in defaults.keys() - own.keys()} | own


def test_it_trains_and_fine_tunes_by_the_pipelines_recipes(monkeypatch):
    recipes, train = [], Engine.train

    def spy(engine, X, y, recipe, **options):
        recipes.append(recipe)
        return train(engine, X, y, recipe.model_copy(update={"epochs": 1}), **options)

    monkeypatch.setattr(Engine, "train", spy)
    FCNClassifier(fine_tuning_iterations=3).fit(X, Y)
    first = finetune_recipe(PARAMS)
    assert recipes == [phase1_recipe(PARAMS), *(first.iteration(i) for i in (1, 2, 3))]


def test_impossible_parameters_are_named_and_numpys_numbers_are_numbers():
    for options, message in (
        ({"epochs": 0}, r"epochs=0: .*greater than 0"),
        ({"epochs": 2.5}, r"epochs=2\.5: .*valid integer"),
        ({"learning_rate": float("inf")}, r"learning_rate=inf: "),
        ({"schedule": "step"}, r"schedule='step': .*'plateau'"),
        ({"fine_tuning_iterations": -1}, r"fine_tuning_iterations=-1: "),
    ):
        with pytest.raises(ValueError, match=message):
            FCNClassifier(**options).fit(X, Y)
    fitted = FCNClassifier(epochs=np.int64(1), learning_rate=np.float32(1e-3)).fit(X, Y)
    assert len(fitted.histories_[0].loss) == 1


def test_a_prediction_does_not_depend_on_batch_mates():
    fitted = LSTMFCNClassifier(**QUICK).fit(X, Y)
    together = fitted.predict_proba(X)
    alone = np.concatenate([fitted.predict_proba(x[None]) for x in X])
    np.testing.assert_allclose(alone, together, atol=1e-6)
    np.testing.assert_allclose(fitted.predict_proba(X[::-1]), together[::-1], atol=1e-6)


def test_equal_seeds_give_equal_models_and_other_seeds_others():
    one, two, other = (
        LSTMFCNClassifier(epochs=3, random_state=seed).fit(X, Y).predict_proba(X) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).max() > 1e-3


def test_two_and_three_dimensions_are_one_series_and_a_copy_predicts_the_same():
    fitted = LSTMFCNClassifier(**QUICK, fine_tuning_iterations=2).fit(X[:, 0], Y)
    assert [len(h.loss) for h in fitted.histories_] == [40, 40, 40]  # QUICK's, then the pipeline's
    assert [h.rate[0] for h in fitted.histories_] == pytest.approx([1e-3, 1e-3, 5e-4])
    expected = fitted.predict_proba(X)
    np.testing.assert_array_equal(fitted.predict_proba(X[:, 0]), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), expected)
    np.testing.assert_allclose(fitted.predict_proba(5 * X + 3), expected, atol=1e-4)


def test_it_works_in_cross_validation_and_on_several_channels():
    doubled = np.concatenate([X, -X], axis=1)
    assert cross_val_score(clone(ALSTMFCNClassifier(**QUICK)), doubled, Y, cv=2).min() > 0.9


def test_series_of_another_length_and_one_class_are_refused():
    fitted = FCNClassifier(epochs=1).fit(X, Y)
    with pytest.raises(ValueError, match=r"\(1, 20\) .* given \(1, 19\)"):
        fitted.predict(X[:, :, :-1])
    with pytest.raises(ValueError, match="one class only"):
        FCNClassifier(epochs=1).fit(X, Y * 0)
    with pytest.raises(ValueError, match="NaN"):
        fitted.predict(np.full((1, 1, 20), np.nan))


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


@pytest.mark.parametrize("kind", [LSTMFCNClassifier, ALSTMFCNClassifier])
def test_several_channels_are_classified(kind, tmp_path):
    """BasicMotions of aeon's wheel: 6 channels of a smart watch, four activities, all easy to tell apart."""
    train, test = read_dataset(fetch_dataset("BasicMotions", tmp_path))
    assert train.X.shape == (40, 6, 100)
    classifier = kind(cells=8, epochs=15, random_state=0, normalise="none").fit(train.X, train.labels)
    assert classifier.score(test.X, test.labels) >= 0.9


@pytest.mark.parametrize("options", [{"segments": 4}, {"dimension_shuffle": False}])
def test_the_other_views_of_the_series_are_there_too(options):
    rng = np.random.default_rng(0)
    y = np.arange(20) % 2
    X = rng.normal(size=(20, 24)).astype("float32")
    X[:, 10] += 4 * y
    classifier = ALSTMFCNClassifier(cells=4, epochs=12, random_state=0, **options).fit(X, y)
    assert classifier.score(X, y) == 1
    with pytest.raises(ValueError, match="nothing to cut"):
        ALSTMFCNClassifier(segments=2, dimension_shuffle=False).fit(X, y)
