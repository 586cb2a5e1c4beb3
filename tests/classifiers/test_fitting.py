"""Fitting: what it leaves, what may stop it, what weighs, and what it does not touch."""

import os
import pickle
import random
import signal
import threading
import time

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import StratifiedShuffleSplit

from lstmfcn import FCNClassifier, LSTMFCNClassifier
from lstmfcn.training.loop import Engine, TrainingDivergedError

pytestmark = pytest.mark.usefixtures("tiny")

FEW = {"epochs": 3, "batch_size": 8}


def weights_of(fitted):
    return {name: value.tobytes() for name, value in fitted.weights_.items()}


def fails(_facts):
    raise KeyboardInterrupt


def diverges(*_args, **_kwargs):
    raise TrainingDivergedError("The training loss became nan.")


@pytest.mark.parametrize(
    "fault", ["Ctrl-C", "a callback", "divergence", "a parameter", "the series", "labels"]
)
def test_a_fit_that_fails_leaves_what_was(fault, bumped, monkeypatch):
    """An unfitted estimator stays unfitted; a fitted one answers as before, and its pickle too."""
    X, y = bumped
    fresh, fitted = FCNClassifier(**FEW), FCNClassifier(**FEW).fit(X[:, :, :18], y + 5)
    before, answers = pickle.dumps(fitted), fitted.predict_proba(X[:, :, :18])
    for estimator in (fresh, fitted):
        state = dict(vars(estimator))
        data = {"X": X, "y": y}
        if fault == "Ctrl-C":
            estimator.set_params(callbacks=fails)
        elif fault == "a callback":
            estimator.set_params(callbacks=lambda facts: facts["no such key"])
        elif fault == "divergence":
            monkeypatch.setattr(Engine, "train", diverges)
        elif fault == "a parameter":
            estimator.set_params(epochs=0)
        elif fault == "the series":
            data["X"] = np.where(np.arange(20) == 7, np.inf, X)
        else:
            data["y"] = y * 0
        with pytest.raises((KeyboardInterrupt, KeyError, TrainingDivergedError, ValueError)):
            estimator.fit(**data)
        estimator.set_params(**{name: state[name] for name in ("callbacks", "epochs")})
        assert vars(estimator) == state
    assert pickle.dumps(fitted) == before
    np.testing.assert_array_equal(fitted.predict_proba(X[:, :, :18]), answers)


def test_parameters_set_after_a_fit_change_nothing_until_the_next(bumped):
    X, y = bumped
    fitted = FCNClassifier(**FEW).fit(X, y)
    answers = fitted.predict_proba(X)
    fitted.set_params(normalise="none", random_state=7, epochs=-1)
    np.testing.assert_array_equal(fitted.predict_proba(X), answers)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), answers)
    with pytest.raises(ValueError, match="epochs=-1"):
        fitted.fit(X, y)


NO_COUNT = st.one_of(
    st.integers(max_value=0),
    st.booleans(),
    st.floats(),
    st.text(),
    st.none(),
    st.lists(st.integers(1, 3)),
)
NO_SHARE = st.one_of(
    st.floats(min_value=1),
    st.floats(max_value=0, exclude_max=True),
    st.just(float("nan")),
    st.booleans(),
    st.text(),
    st.none(),
)
NO_RATE = st.one_of(NO_SHARE.filter(lambda v: v is True or v is False or v != 1), st.just(0), st.just(0.0))
IMPOSSIBLE = {
    **dict.fromkeys(("epochs", "batch_size", "patience", "cells", "segments"), NO_COUNT),
    "fine_tuning_iterations": NO_COUNT.filter(lambda v: v != 0 or isinstance(v, bool | float)),
    "learning_rate": NO_RATE,
    "dropout": NO_SHARE,
    "validation_share": NO_SHARE,
    "schedule": st.one_of(st.text(), st.just("Fitted"), st.none(), st.integers()),
    "lengths": st.one_of(st.text(), st.just("cut"), st.none(), st.booleans()),
    "missing": st.one_of(st.text(), st.just("drop"), st.none(), st.booleans()),
    "length": NO_COUNT.filter(lambda v: v is not None),
    "normalise": st.one_of(st.text(), st.just("zscore"), st.none(), st.booleans()),
    "dimension_shuffle": st.one_of(st.text(), st.none(), st.integers(), st.floats()),
    "verbose": st.one_of(st.text(), st.none(), st.integers(max_value=-1), st.floats(allow_infinity=True)),
    "random_state": st.one_of(st.text(), st.integers(max_value=-1), st.floats(), st.booleans()),
    "class_weight": st.one_of(
        st.text(), st.floats(), st.dictionaries(st.integers(0, 2), st.floats(max_value=-1), min_size=1)
    ),
    "callbacks": st.one_of(st.text(), st.integers(), st.lists(st.integers(), min_size=1)),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_an_impossible_parameter_is_named_at_fit(name, data):
    value = data.draw(IMPOSSIBLE[name])
    for given_as in (value, np.float64(value) if isinstance(value, float) else value):
        with pytest.raises(ValueError, match=rf"^{name}="):
            LSTMFCNClassifier(**{name: given_as}).fit([[0.0, 1.0], [1.0, 0.0]], [0, 1])


def test_every_parameter_is_checked():
    assert set(IMPOSSIBLE) == set(LSTMFCNClassifier().get_params())


def test_numbers_of_numpy_are_numbers_and_a_batch_may_be_larger_than_the_set(bumped):
    options = {"epochs": np.int64(1), "learning_rate": np.float32(1e-3), "batch_size": 2**40}
    assert FCNClassifier(**options, verbose=np.bool_(False)).fit(*bumped).n_iter_ == 1


def test_equal_seeds_give_equal_models_and_other_seeds_others(bumped):
    def fit(seed):
        return weights_of(FCNClassifier(**FEW, random_state=seed).fit(*bumped))

    assert fit(1) == fit(1) == fit(np.int64(1))
    assert fit(2**40) == fit(2**40)
    assert fit(np.random.RandomState(5)) == fit(np.random.RandomState(5))
    others = [fit(s) for s in (1, 2, 2**40, 2**40 + 1, 2**31, None, None, np.random.RandomState(5))]
    assert all(a != b for i, a in enumerate(others) for b in others[:i])
    drawn = np.random.RandomState(5)
    assert fit(drawn) != fit(drawn)  # as scikit-learn's: the next number that it draws


def test_the_seed_that_was_drawn_gives_the_model_again(bumped):
    fitted = FCNClassifier(**FEW, random_state=None).fit(*bumped)
    assert weights_of(FCNClassifier(**FEW, random_state=fitted.seed_).fit(*bumped)) == weights_of(fitted)


@pytest.mark.parametrize("seed", [0, None, 2**40])
def test_a_fit_leaves_the_generators_of_others_alone(seed, bumped):
    def drawn():
        return random.random(), np.random.random(), float(keras.random.uniform(()))  # noqa: NPY002

    keras.utils.set_random_seed(3)
    expected = drawn()
    keras.utils.set_random_seed(3)
    FCNClassifier(**FEW, random_state=seed, validation_share=0.2).fit(*bumped).predict(bumped[0])
    assert drawn() == expected


def test_callbacks_see_each_epoch_and_may_end_the_fit(bumped):
    seen = []

    def until_the_second_training(facts):
        seen.append(facts)
        return facts["training"] == 1 and facts["epoch"] == 2

    fitted = FCNClassifier(
        **FEW, fine_tuning_iterations=2, callbacks=[until_the_second_training, lambda facts: facts.clear()]
    ).fit(*bumped)
    places = [(f["training"], f["epoch"], f["epochs"]) for f in seen]
    assert places == [(0, 1, 3), (0, 2, 3), (0, 3, 3), (1, 1, 40), (1, 2, 40)]
    assert fitted.loss_curve_ == [f["loss"] for f in seen]
    assert [len(h.loss) for h in fitted.histories_] == [3, 2]
    assert {"accuracy", "learning_rate"} < set(seen[0])
    # ended after two epochs, it is what two epochs give
    short = FCNClassifier(**FEW, schedule="constant", callbacks=lambda f: f["epoch"] == 2).fit(*bumped)
    two = FCNClassifier(epochs=2, batch_size=8, schedule="constant").fit(*bumped)
    assert weights_of(short) == weights_of(two)


def test_what_is_not_true_itself_does_not_end_a_fit(bumped):
    assert FCNClassifier(**FEW, callbacks=lambda facts: facts).fit(*bumped).n_iter_ == 3


def test_the_weights_of_the_lowest_validation_loss_are_kept(bumped):
    """Against the loss of the kept weights on the held-out series, found from the outside."""
    X, y = bumped
    options = {"batch_size": 8, "learning_rate": 0.5, "schedule": "constant", "class_weight": None}
    fitted = FCNClassifier(epochs=60, validation_share=0.3, patience=4, **options).fit(X, y)
    curve = fitted.validation_loss_curve_
    best = int(np.argmin(curve))
    assert len(curve) == fitted.n_iter_ == best + 1 + 4 < 60
    assert fitted.histories_[0].kept_epoch == best + 1
    losses = -np.log(fitted.predict_proba(X)[np.arange(30), y].astype(float))
    split = StratifiedShuffleSplit(1, test_size=9, random_state=fitted.seed_)
    held = next(split.split(y, y))[1]
    assert losses[held].mean() == pytest.approx(curve[best], rel=1e-4)


def test_fine_tuning_goes_on_from_the_best_weights_and_keeps_them_where_it_finds_none_better(bumped):
    fitted = FCNClassifier(
        epochs=5, batch_size=8, learning_rate=1.0, validation_share=0.3, patience=2, fine_tuning_iterations=1
    ).fit(*bumped)
    losses = np.array(fitted.validation_loss_curve_)
    first = len(fitted.histories_[0].loss)
    later = losses[first:].min() < losses[:first].min()
    assert (fitted.histories_[1].kept_epoch > 0) == later


def test_a_class_of_one_series_cannot_be_held_out():
    with pytest.raises(ValueError, match="only 1 member"):
        FCNClassifier(validation_share=0.5).fit([[0.0, 1], [1, 0], [2, 1]], [0, 0, 1])


def test_weights_of_classes_and_series(bumped):
    X, y = bumped
    some = slice(0, 25)  # 9, 8 and 8 series of each class

    def fit(class_weight=None, sample_weight=None, X=X[some], y=y[some]):
        return weights_of(FCNClassifier(**FEW, class_weight=class_weight).fit(X, y, sample_weight))

    counts = np.bincount(y[some])
    balanced = (25 / (3 * counts)).astype(np.float32)
    assert fit("balanced") == fit(dict(enumerate(balanced))) != fit(None)
    assert fit(None) == fit(None, np.ones(25)) == fit(None, np.full(25, 7)) == fit({})
    assert fit({0: 1, 1: 1}) == fit(None) != fit({0: 3})
    # a class that weighs three times as much, or its series
    assert fit({0: 3}) != fit(None, np.where(y[some] == 0, 3, 1))  # the mean of the latter is one
    mean = np.where(y[some] == 0, 3, 1).mean()
    assert fit({k: w / mean for k, w in enumerate((3, 1, 1))}) == fit(None, np.where(y[some] == 0, 3, 1))
    # a series of weight 0 is as if it were not there
    assert fit(None, np.arange(25) < 20) == fit(None, X=X[:20], y=y[:20])
    for wrong in (np.full(25, -1), np.zeros(25), np.arange(25) < 1, np.full(25, np.nan), np.ones(24)):
        with pytest.raises(ValueError, match=r"weight|one class"):
            fit(None, wrong)


def test_labels_that_the_weights_do_not_name_weigh_one_and_others_are_refused(bumped):
    X, y = bumped
    names = np.array(["a", "b", "c"])[y]
    FCNClassifier(**FEW, class_weight={"a": 2}).fit(X, names)
    with pytest.raises(ValueError, match="class_weight"):
        FCNClassifier(**FEW, class_weight={"z": 2}).fit(X, names)


@pytest.mark.parametrize(("verbose", "lines"), [(0, 0), (False, 0), (True, 2), (2, 3)])
def test_progress_is_told_on_stderr(verbose, lines, bumped, capsys):
    FCNClassifier(**FEW, verbose=verbose).fit(*bumped)
    out, err = capsys.readouterr()
    told = err.splitlines()
    assert (out, len(told)) == ("", lines)
    assert all(line.startswith("Tiny: epoch ") and line.endswith(" s left") for line in told)
    assert not told or told[-1].startswith("Tiny: epoch 3/3, loss ")


def test_ctrl_c_ends_a_long_epoch_within_two_seconds():
    """An epoch of a hundred thousand batches, of which many make one call."""
    X = np.random.default_rng(0).normal(size=(200_000, 8))
    epochs, sent, over = [], [], threading.Event()
    estimator = FCNClassifier(batch_size=2, callbacks=epochs.append)

    def interrupt():
        over.wait(2.5)
        while not over.is_set():  # one may fall into a finalizer of TensorFlow's, which swallows it
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)
            over.wait(0.5)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in the background
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            estimator.fit(X, np.arange(len(X)) % 2)
    finally:
        over.set()
        thread.join()
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - sent[0] < 2
    assert not epochs
    assert not hasattr(estimator, "weights_")


def test_a_clone_of_a_fitted_estimator_is_unfitted(bumped):
    assert not hasattr(clone(FCNClassifier(**FEW).fit(*bumped)), "classes_")


def test_attributes_of_an_earlier_fit_do_not_stay(bumped):
    """Fitted on a frame with named columns, then on an array without names."""
    X, y = bumped
    named = FCNClassifier(**FEW).fit(pd.DataFrame(X[:, 0], columns=[f"t{i}" for i in range(20)]), y)
    assert named.feature_names_in_[0] == "t0"
    assert not hasattr(named.fit(X, y), "feature_names_in_")
