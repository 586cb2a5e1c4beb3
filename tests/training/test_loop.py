"""The compiled training against Keras's own step, and against NumPy."""

import functools

import keras
import numpy as np
import pytest

from lstmfcn.classifiers.phase1 import new_engine, reused_engine
from lstmfcn.data.series import Split
from lstmfcn.files import read_arrays
from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.build import build
from lstmfcn.networks.fcn import LOW_PRECISION
from lstmfcn.training.checkpoint import Checkpoint
from lstmfcn.training.loop import Engine, TrainingDivergedError
from lstmfcn.training.recipe import TrainingRecipe
from lstmfcn.training.selection import Selection
from lstmfcn.training.tensorflow import epoch
from lstmfcn.training.tensorflow.statistics import BatchNormStatistics
from lstmfcn.training.weights import class_weights, get_weights


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = np.array([0, 1, 1, 2, 1, 0, 2, 1])
    X = rng.normal(size=(8, 1, 16)).astype("float32")
    X[:, 0, 4] += 3 * y
    return X, y


@functools.cache
def engine(name="lstm_fcn", dropout=0.8):
    """Return the engine of a network; it is shared, for to compile one takes longer than its trainings."""
    return new(name, dropout)


def new(name="lstm_fcn", dropout=0.8):
    architecture = Architecture(name=name, cells=None if name == "fcn" else 4, dropout=dropout)
    return Engine(build(architecture, n_channels=1, length=16, n_classes=3), LOW_PRECISION)


def test_one_full_batch_epoch_equals_keras_fit(data):
    """Same start, same class weights, no dropout: Keras's Adam and loss give the same weights."""
    X, y = data
    ours, theirs = engine(dropout=0.0), new(dropout=0.0)
    recipe = TrainingRecipe(
        epochs=3, batch_size=8, schedule="constant", criterion="last", recompute_statistics=False
    )
    history = ours.train(X, y, recipe, start=ours.initial, seed=0)
    theirs.model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    weight = dict(enumerate(class_weights(y, 3).tolist()))
    fit = theirs.model.fit(X, y, batch_size=8, epochs=3, class_weight=weight, verbose=0)
    np.testing.assert_allclose(history.loss, fit.history["loss"], rtol=2e-4)
    for path, value in get_weights(theirs.model).items():
        np.testing.assert_allclose(get_weights(ours.model)[path], value, atol=2e-4, err_msg=path)


def test_batches_of_long_series_are_as_small_as_their_memory_needs(data, monkeypatch):
    """Against a recipe that says so itself, to the bit."""
    X, y = data
    one = engine("fcn")
    recipe = TrainingRecipe(epochs=2, batch_size=8, schedule="constant")
    small = recipe.model_copy(update={"batch_size": 3})
    expected = one.train(X, y, small, start=one.initial, seed=0).loss
    monkeypatch.setattr("lstmfcn.data.batches.MOST_TRAINED", 3 * 16 + 5)
    assert one.train(X, y, recipe, start=one.initial, seed=0).loss.tolist() == expected.tolist()


def test_bfloat16_trains_float32_weights_to_much_the_same_loss(data):
    X, y = data
    one = engine(dropout=0.0)
    recipe = TrainingRecipe(epochs=20, batch_size=8, schedule="constant")
    exact = one.train(X, y, recipe, start=one.initial, seed=0)
    rough = one.train(X, y, recipe.model_copy(update={"compute": "bfloat16"}), start=one.initial, seed=0)
    assert np.any(exact.loss != rough.loss)
    np.testing.assert_allclose(rough.loss, exact.loss, atol=0.05)
    assert {value.dtype for value in get_weights(one.model).values()} == {np.dtype("float32")}
    assert (one.predict(X).argmax(axis=1) == y).all()


@pytest.mark.parametrize("name", ["fcn", "lstm_fcn", "alstm_fcn"])
def test_the_same_training_twice_is_equal_to_the_bit(name, data):
    X, y = data
    recipe = TrainingRecipe(epochs=4, batch_size=3)
    one = engine(name)
    first = one.train(X, y, recipe, start=one.initial, seed=3)
    weights = get_weights(one.model)
    second = one.train(X, y, recipe, start=one.initial, seed=3)
    np.testing.assert_array_equal(first.loss, second.loss)
    for path, value in get_weights(one.model).items():
        np.testing.assert_array_equal(weights[path], value)
    third = one.train(X, y, recipe, start=one.initial, seed=4)
    assert np.any(first.loss != third.loss)


def test_a_reused_engine_trains_like_a_new_one(data):
    """Whatever it has trained before, and with the initial weights of its own seed."""
    X, y = data
    split, recipe = Split(X, y, ("a", "b", "c")), TrainingRecipe(epochs=3, batch_size=3)
    architecture = Architecture(name="alstm_fcn", cells=4)
    found = []
    for make, seeds in ((reused_engine, (1, 2)), (new_engine, (2,))):
        for seed in seeds:
            one = make(split, architecture, seed=seed)
            one.train(X, y, recipe, start=one.initial, seed=seed)
        found.append(get_weights(one.model))
    for path, value in found[0].items():
        np.testing.assert_array_equal(value, found[1][path], err_msg=path)
    assert reused_engine(split, architecture, seed=3) is reused_engine(split, architecture, seed=4)


def test_an_epoch_in_many_calls_is_the_epoch_in_one(data, monkeypatch):
    """Each call takes one batch, or, where time is no matter, soon all of them: the same to the bit."""
    X, y = data
    found = []
    for seconds in (-1, 1000):
        monkeypatch.setattr(epoch, "AT_ONCE", seconds)
        one, calls = new(), []
        compiled = one.compiled("float32")
        call = compiled._compiled
        compiled._compiled = lambda *rest, call=call, calls=calls: calls.append(rest[6:8]) or call(*rest)
        history = one.train(X, y, TrainingRecipe(epochs=4, batch_size=2), start=one.initial, seed=3)
        found.append((history.to_csv(), {k: v.tobytes() for k, v in get_weights(one.model).items()}))
        if seconds < 0:
            assert calls == [(0, 2), (2, 4), (4, 6), (6, 8)] * 4
        else:
            assert calls == [(0, 2), (2, 6), (6, 8), (0, 8), (0, 8), (0, 8)]
    assert found[0] == found[1]


def test_who_observes_may_end_a_training_and_settle_its_weights(data):
    X, y = data
    one, recipe = engine(), TrainingRecipe(epochs=5, batch_size=3, schedule="constant")
    seen, settled = [], []

    def observe(end):
        seen.append(end.epoch)
        one.settle(X, recipe)
        settled.append(get_weights(one.model))
        return end.epoch == 3

    history = one.train(X, y, recipe, start=one.initial, seed=0, observe=observe)
    assert seen == [1, 2, 3]
    assert len(history.loss) == 3
    for path, value in get_weights(one.model).items():
        np.testing.assert_array_equal(settled[-1][path], value)
    short = one.train(X, y, recipe.model_copy(update={"epochs": 3}), start=one.initial, seed=0)
    np.testing.assert_array_equal(short.loss, history.loss)


def test_weights_of_series_take_the_place_of_those_of_classes(data):
    X, y = data
    one, recipe = engine(), TrainingRecipe(epochs=2, batch_size=8)
    given = class_weights(y, 3)[y]
    by_class = one.train(X, y, recipe, start=one.initial, seed=0)
    by_series = one.train(X, y, recipe, start=one.initial, seed=0, series_weights=given)
    np.testing.assert_array_equal(by_class.loss, by_series.loss)
    doubled = one.train(X, y, recipe, start=one.initial, seed=0, series_weights=2 * given)
    assert doubled.loss[0] == pytest.approx(2 * by_class.loss[0], rel=1e-5)


def test_recomputed_statistics_are_those_of_the_training_series(data):
    X, y = data
    one = engine("fcn")
    one.train(X, y, TrainingRecipe(epochs=2, batch_size=3), start=one.initial, seed=0)
    for k in (1, 2, 3):
        layer = one.model.get_layer(f"norm{k}")
        values = np.array(keras.Model(one.model.inputs[0], layer.input)(X, training=False), np.float64)
        np.testing.assert_allclose(layer.moving_mean, values.mean(axis=(0, 1)), atol=1e-5)
        np.testing.assert_allclose(layer.moving_variance, values.var(axis=(0, 1)), rtol=1e-4, atol=1e-6)
    whole = get_weights(one.model)
    BatchNormStatistics(one.model, batch_size=3).recompute(X)
    for path, value in get_weights(one.model).items():
        np.testing.assert_allclose(value, whole[path], rtol=1e-4, atol=1e-6, err_msg=path)


def test_the_kept_weights_are_those_that_the_lowest_training_loss_was_measured_on(data):
    """An epoch of one batch: its loss is that of the weights before its step. So is ours."""
    X, y = data
    one = engine(dropout=0.0)
    recipe = TrainingRecipe(
        epochs=12, batch_size=8, schedule="constant", criterion="train_loss", recompute_statistics=False
    )
    history = one.train(X, y, recipe, start=one.initial, seed=0)
    assert history.kept_epoch == int(np.argmin(history.loss)) > 0
    kept = get_weights(one.model)
    shorter = recipe.model_copy(update={"epochs": history.kept_epoch, "criterion": "last"})
    one.train(X, y, shorter, start=one.initial, seed=0)
    for path, value in get_weights(one.model).items():
        np.testing.assert_array_equal(kept[path], value, err_msg=path)


def test_a_step_that_wrecks_fitted_weights_is_not_kept(data):
    """Fine-tuning at far too high a rate, from weights that fit: they are the best there are."""
    X, y = data
    one = engine(dropout=0.0)
    fit = TrainingRecipe(epochs=60, batch_size=8, schedule="cosine", initial_rate=5e-3)
    one.train(X, y, fit, start=one.initial, seed=0)
    fitted = get_weights(one.model)
    wreck = TrainingRecipe(
        epochs=2, batch_size=8, schedule="constant", initial_rate=0.5, criterion="train_loss"
    )
    history = one.train(X, y, wreck, start=fitted, seed=0)
    assert history.loss[1] > 10 * history.loss[0]
    assert history.kept_epoch == 0
    assert (one.predict(X).argmax(axis=1) == y).all()


def test_a_loss_that_is_no_number_stops_the_training_and_keeps_the_weights_before(data, tmp_path):
    X, y = data
    X[0, 0, 0] = np.nan
    one = engine()
    checkpoint = Checkpoint(tmp_path / "whole.npz")
    with pytest.raises(TrainingDivergedError, match=r"nan in epoch 1 of 5.*whole\.diverged\.npz"):
        one.train(
            X, y, TrainingRecipe(epochs=5, batch_size=4), start=one.initial, seed=0, checkpoint=checkpoint
        )
    kept = read_arrays(tmp_path / "whole.diverged.npz")
    for path, value in get_weights(one.model).items():
        assert np.isfinite(value).all(), path
        np.testing.assert_array_equal(kept[path], value)
    assert any(np.any(kept[path] != value) for path, value in one.initial.items())


def test_a_loss_beyond_all_measure_stops_the_training(data):
    X, y = data
    one = engine(dropout=0.0)
    recipe = TrainingRecipe(epochs=50, batch_size=8, schedule="constant")
    recipe = recipe.model_copy(update={"initial_rate": 1e6})  # which no recipe that is checked may have
    with pytest.raises(TrainingDivergedError, match=r"became .*e\+\d+ in epoch"):
        one.train(X, y, recipe, start=one.initial, seed=0)


def test_class_weights_are_king_and_zengs():
    np.testing.assert_allclose(class_weights(np.array([0, 0, 0, 1]), 2), [4 / (2 * 3), 4 / (2 * 1)])


def test_an_easy_problem_gets_fewer_epochs_than_a_hard_one(data):
    X, y = data
    recipe = TrainingRecipe(epochs=60, batch_size=4, schedule="fitted", initial_rate=2e-3, anneal_epochs=5)
    one = engine(dropout=0.0)
    easy = one.train(X, y, recipe, start=one.initial, seed=0)
    hard = one.train(np.zeros_like(X), y, recipe, start=one.initial, seed=0)
    assert len(easy.loss) < len(hard.loss) == 60
    assert easy.loss[len(easy.loss) - 6] < recipe.fitted_loss


def test_the_kept_epoch_is_the_one_that_the_selection_likes_best(data):
    """Only under the criterion test_accuracy; training ends where nothing later could be selected."""
    X, y = data
    rng = np.random.default_rng(1)
    one = engine()
    recipe = TrainingRecipe(epochs=8, batch_size=4, criterion="test_accuracy", recompute_statistics=False)
    with pytest.raises(ValueError, match="does not fit selection"):
        one.train(X, y, recipe, start=one.initial, seed=0)
    shuffled = rng.normal(size=(30, 1, 16)).astype("float32"), rng.integers(0, 3, 30)
    history = one.train(X, y, recipe, start=one.initial, seed=0, selection=shuffled)
    assert history.kept_epoch == history.selection_accuracy.argmax() + 1
    predicted = one.predict(shuffled[0]).argmax(axis=1)
    assert (predicted == shuffled[1]).mean() == pytest.approx(history.selection_accuracy.max())
    certain = X[:1], one.predict(X[:1]).argmax(axis=1)
    stopped = one.train(X, y, recipe, start=one.initial, seed=0, selection=certain)
    assert len(stopped.loss) == stopped.kept_epoch == np.argmax(stopped.selection_accuracy == 1) + 1


def test_a_training_is_fitted_by_its_loss_whatever_selects_its_weights(data):
    """Not by the number of errors on the selection split, which is no loss."""
    X, y = data
    one = engine()
    recipe = TrainingRecipe(
        epochs=20,
        batch_size=4,
        schedule="fitted",
        fitted_loss=1e3,
        anneal_epochs=3,
        criterion="test_accuracy",
    )
    others = np.random.default_rng(1).normal(size=(2000, 1, 16)).astype("float32"), np.arange(2000) % 3
    assert len(one.train(X, y, recipe, start=one.initial, seed=0, selection=others).loss) == 1 + 3


def test_giving_an_epoch_up_early_selects_what_counting_all_its_errors_selects():
    rng = np.random.default_rng(2)
    X, y = np.arange(300.0, dtype="float32").reshape(-1, 1, 1), rng.integers(0, 2, 300)
    difficulty = rng.beta(0.3, 1.5, 300)
    selection, predicted = Selection(X, y), 0

    def predict(series):
        nonlocal predicted
        predicted += len(series)
        return np.eye(2)[answers[series[:, 0, 0].astype(int)]]

    fewest = 301
    for _ in range(60):
        answers = np.where(rng.random(300) < difficulty, 1 - y, y)
        errors = int((answers != y).sum())
        counted = selection.errors(predict)
        assert counted == errors if errors < fewest else counted >= fewest
        fewest = min(fewest, errors)
        assert selection.fewest == fewest
    assert predicted < 0.8 * 60 * 300


def test_a_training_is_the_same_whatever_the_classes_are_called(data):
    """Classes in another order, the last layer's columns with them: the same loss, permuted outputs."""
    X, y = data
    order = np.array([2, 0, 1])  # class k becomes order[k]
    one = engine(dropout=0.0)
    recipe = TrainingRecipe(epochs=3, batch_size=4, schedule="constant", criterion="last")
    history = one.train(X, y, recipe, start=one.initial, seed=0)
    before = one.predict(X)
    start = {
        path: value[..., np.argsort(order)] if path.startswith("logits") else value
        for path, value in one.initial.items()
    }
    permuted = one.train(X, order[y], recipe, start=start, seed=0)
    np.testing.assert_allclose(permuted.loss, history.loss, rtol=1e-4)
    np.testing.assert_allclose(one.predict(X)[:, order], before, atol=1e-3)
