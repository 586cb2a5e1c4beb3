"""The maps add up to the scores, point at the right place, and the attention is the layer's own."""

import keras
import numpy as np
import pytest

from lstmfcn.classifiers.phase1 import new_engine
from lstmfcn.data.series import Split
from lstmfcn.explain import attention, class_activation_maps, contributions
from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.build import build
from lstmfcn.training.recipe import TrainingRecipe
from networks_in_numpy import attention_lstm, randomised, recurrent_view
from networks_in_numpy import maps as maps_in_numpy


@pytest.mark.parametrize("name", ["fcn", "lstm_fcn", "alstm_fcn", "resnet", "lite"])
def test_the_map_is_the_numpy_networks_and_adds_up_to_the_score(name):
    """Each class's score is the map's mean over time, the LSTM's part, and the bias."""
    architecture = Architecture(name=name, cells=6 if "lstm" in name else None)
    model = build(architecture, n_channels=2, length=30, n_classes=3)
    w = randomised(model, seed=0)
    X = np.random.default_rng(1).normal(size=(300, 2, 30)).astype("float32")  # more than a batch
    maps, parts = class_activation_maps(model, X), contributions(model, X)
    y = maps_in_numpy(name, X[7].astype(float), w)
    np.testing.assert_allclose(maps[7], (y @ w["logits"]["kernel"][-y.shape[1] :]).T, atol=1e-5)
    np.testing.assert_allclose(maps.mean(axis=2), parts.convolutional, atol=1e-5)
    scores = keras.Model(model.inputs[0], model.get_layer("logits").output)(X)
    np.testing.assert_allclose(parts.convolutional + parts.recurrent + parts.bias, scores, atol=1e-5)
    assert np.any(parts.recurrent != 0) == ("lstm" in name)


@pytest.mark.parametrize("name", ["fcn", "lstm_fcn"])
def test_where_one_place_decides_the_class_the_map_peaks_there(name):
    """A bump up or down at one step, noise elsewhere; unseen series; within the kernels' reach."""
    rng = np.random.default_rng(0)
    place = 40

    def series(n):
        y = np.arange(n) % 2
        X = 0.3 * rng.normal(size=(n, 1, 60)).astype("float32")
        X[:, 0, place - 2 : place + 3] += 2 * (2 * y - 1)[:, None]
        return X, y

    X, y = series(24)
    architecture = Architecture(name=name, cells=None if name == "fcn" else 4)
    engine = new_engine(Split(X, y, ("down", "up")), architecture, seed=0)
    engine.train(X, y, TrainingRecipe(epochs=30, batch_size=8), start=engine.initial, seed=0)
    unseen, truth = series(20)
    assert (engine.predict(unseen).argmax(axis=1) == truth).all()
    peaks = class_activation_maps(engine.model, unseen)[np.arange(20), truth].argmax(axis=1)
    assert np.abs(peaks - place).max() <= (8 + 5 + 3) // 2


def test_the_attention_is_that_of_the_papers_equations():
    architecture = Architecture(name="alstm_fcn", cells=5, segments=4)
    model = build(architecture, n_channels=1, length=30, n_classes=3)
    w = randomised(model, seed=0)
    X = np.random.default_rng(1).normal(size=(300, 1, 30)).astype("float32")
    seen = attention(model, X)
    _, weights, contexts = attention_lstm(
        recurrent_view(X[299].astype(float), segments=4), w["attention_lstm"]
    )
    np.testing.assert_allclose(seen.weights[299], weights, atol=1e-5)
    np.testing.assert_allclose(seen.contexts[299], contexts, atol=1e-5)
    np.testing.assert_allclose(seen.weights.sum(axis=2), 1, atol=1e-5)


def test_a_network_without_attention_says_so():
    model = build(Architecture(name="lstm_fcn", cells=5), n_channels=1, length=30, n_classes=3)
    with pytest.raises(ValueError, match="lstm_fcn has no attention"):
        attention(model, np.zeros((1, 1, 30), "float32"))
