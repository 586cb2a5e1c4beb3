"""The compiled training against Keras's own step, and against NumPy."""

import keras
import numpy as np
import pytest

from lstmfcn.architecture import Architecture
from lstmfcn.models import build
from lstmfcn.training.engine import Engine, TrainingDivergedError, TrainingRecipe
from lstmfcn.training.schedule import Schedule
from lstmfcn.training.weights import class_weights, get_weights


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = np.array([0, 1, 1, 2, 1, 0, 2, 1])
    X = rng.normal(size=(8, 1, 16)).astype("float32")
    X[:, 0, 4] += 3 * y
    return X, y


def engine(name="lstm_fcn", dropout=0.8):
    architecture = Architecture(name=name, cells=None if name == "fcn" else 4, dropout=dropout)
    return Engine(build(architecture, n_channels=1, length=16, n_classes=3))


def test_one_full_batch_epoch_equals_keras_fit(data):
    """Same start, same class weights, no dropout: Keras's Adam and loss give the same weights."""
    X, y = data
    ours, theirs = engine(dropout=0.0), engine(dropout=0.0)
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


def test_recomputed_statistics_are_those_of_the_training_series(data):
    X, y = data
    one = engine("fcn")
    one.train(X, y, TrainingRecipe(epochs=2, batch_size=3), start=one.initial, seed=0)
    for k in (1, 2, 3):
        layer = one.model.get_layer(f"norm{k}")
        values = np.array(keras.Model(one.model.inputs[0], layer.input)(X, training=False), np.float64)
        np.testing.assert_allclose(layer.moving_mean, values.mean(axis=(0, 1)), atol=1e-5)
        np.testing.assert_allclose(layer.moving_variance, values.var(axis=(0, 1)), rtol=1e-4, atol=1e-6)


def test_the_kept_weights_are_those_of_the_lowest_training_loss(data):
    X, y = data
    one = engine()
    recipe = TrainingRecipe(epochs=12, batch_size=8, recompute_statistics=False)
    history = one.train(X, y, recipe, start=one.initial, seed=0)
    assert history.kept_epoch == int(np.argmin(history.loss)) + 1
    kept = get_weights(one.model)
    shorter = TrainingRecipe(
        epochs=history.kept_epoch, batch_size=8, criterion="last", recompute_statistics=False
    )
    one.train(X, y, shorter, start=one.initial, seed=0)
    for path, value in get_weights(one.model).items():
        np.testing.assert_array_equal(kept[path], value, err_msg=path)


def test_a_loss_that_is_no_number_stops_the_training(data):
    X, y = data
    X[0, 0, 0] = np.nan
    one = engine()
    with pytest.raises(TrainingDivergedError, match="epoch 1 of 5"):
        one.train(X, y, TrainingRecipe(epochs=5, batch_size=4), start=one.initial, seed=0)


def test_class_weights_are_king_and_zengs():
    np.testing.assert_allclose(class_weights(np.array([0, 0, 0, 1]), 2), [4 / (2 * 3), 4 / (2 * 1)])


def test_the_plateau_waits_then_multiplies_by_the_inverse_cube_root_of_two():
    schedule = Schedule("plateau", initial=1e-3, final=7e-4, epochs=9, patience=2)
    rates = [schedule.step(i, loss) for i, loss in enumerate([None, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])]
    factor = 2 ** (-1 / 3)
    np.testing.assert_allclose(rates, [1e-3, 1e-3, 1e-3, 1e-3 * factor, 1e-3 * factor, 7e-4, 7e-4])


def test_fine_tuning_iterations_follow_algorithm_1():
    recipe = TrainingRecipe(epochs=1, batch_size=128)
    steps = [recipe.iteration(i) for i in range(1, 6)]
    assert [s.initial_rate for s in steps] == [1e-3, 5e-4, 2.5e-4, 1.25e-4, 1e-4]
    assert [s.batch_size for s in steps] == [128, 128, 64, 64, 32]
