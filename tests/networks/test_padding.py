"""Series that end before the others: what stands after their ends changes nothing."""

import sys
import types

import numpy as np
import pytest

from lstmfcn.environment import load_backend

load_backend()

from lstmfcn.classifiers.phase1 import new_engine  # noqa: E402
from lstmfcn.data.series import Split  # noqa: E402
from lstmfcn.errors import DataError  # noqa: E402
from lstmfcn.explain import class_activation_maps, contributions  # noqa: E402
from lstmfcn.networks.architecture import Architecture  # noqa: E402
from lstmfcn.networks.build import build  # noqa: E402
from lstmfcn.training.recipe import TrainingRecipe  # noqa: E402
from lstmfcn.training.tensorflow import BatchNormStatistics  # noqa: E402
from lstmfcn.training.weights import get_weights, set_weights  # noqa: E402

LENGTHS = (5, 12, 1, 9, 12, 3, 10, 7)
CONVOLUTIONAL = [Architecture(name=name) for name in ("fcn", "resnet", "lite")]
RECURRENT = [Architecture(name="lstm_fcn", cells=3), Architecture(name="alstm_fcn", cells=3)]


def ragged(width, lengths=LENGTHS):
    """Return random series of these lengths, NaN after their ends."""
    rng = np.random.default_rng(0)
    X = np.full((len(lengths), 2, width), np.nan, np.float32)
    for series, length in zip(X, lengths, strict=True):
        series[:, :length] = rng.normal(size=(2, length))
    return X


def network(architecture, length, *, padded=True):
    """Return a network whose weights and statistics are random; those of the convolutions fit any length."""
    model = build(architecture, n_channels=2, length=length, n_classes=3, padded=padded, seed=1)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "norm" in weight.path:
            weight.assign(0.5 + rng.random(weight.shape))
    return model


def predicted(model, X):
    return np.asarray(model(X, training=False))


@pytest.mark.parametrize("architecture", CONVOLUTIONAL, ids=lambda a: a.name)
def test_a_padded_series_is_predicted_as_by_a_network_of_its_own_length(architecture):
    """However much padding there is."""
    by_hand = np.concatenate(
        [
            predicted(network(architecture, n, padded=False), series[None, :, :n])
            for n, series in zip(LENGTHS, ragged(12), strict=True)
        ]
    )
    for width in (12, 13, 40):
        found = predicted(network(architecture, width), ragged(width))
        np.testing.assert_allclose(found, by_hand, atol=1e-6)


@pytest.mark.parametrize("architecture", CONVOLUTIONAL + RECURRENT, ids=lambda a: a.name)
def test_the_length_of_a_batch_mate_changes_nothing(architecture):
    model, X = network(architecture, 12), ragged(12)
    before = predicted(model, X)
    assert np.isfinite(before).all()
    X[1, :, 4:] = np.nan
    after = predicted(model, X)
    np.testing.assert_array_equal(np.delete(after, 1, axis=0), np.delete(before, 1, axis=0))
    assert (after[1] != before[1]).any()


@pytest.mark.parametrize("architecture", CONVOLUTIONAL + RECURRENT, ids=lambda a: a.name)
def test_series_without_padding_are_trained_by_the_network_that_knows_none(architecture):
    """To the bytes of any others, therefore; and predicted the same by the network that knows it."""
    X = np.random.default_rng(0).normal(size=(5, 2, 12)).astype("float32")
    engine = new_engine(Split(X, np.arange(5) % 3, ("a", "b", "c")), architecture, seed=0)
    assert not any(layer.name == "within" for layer in engine.model.layers)
    padded = build(architecture, n_channels=2, length=12, n_classes=3, padded=True)
    set_weights(padded, get_weights(engine.model))
    np.testing.assert_allclose(predicted(padded, X), engine.predict(X), atol=1e-6)


@pytest.mark.parametrize(
    "architecture",
    [pytest.param(a, marks=pytest.mark.exhaustive if a.name == "resnet" else ()) for a in CONVOLUTIONAL],
    ids=lambda a: a.name,
)
def test_more_padding_changes_no_training(architecture):
    """But for rounding: gradients and batch norm's moments are those of the steps within the series."""
    y = np.arange(8) % 3
    found = []
    for width in (12, 31):
        split = Split(ragged(width), y, ("a", "b", "c"))
        engine = new_engine(split, architecture, seed=0)
        recipe = TrainingRecipe(epochs=3, batch_size=4)
        history = engine.train(split.X, y, recipe, start=engine.initial, seed=0)
        assert all(np.isfinite(value).all() for value in get_weights(engine.model).values())
        found.append((history.loss, engine.predict(split.X)))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-3)
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-3)


@pytest.mark.parametrize("compute", ["float32", pytest.param("bfloat16", marks=pytest.mark.exhaustive)])
def test_padded_series_are_learned(compute):
    """Two classes that their own steps tell apart, in each precision."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(6, 25, 20)
    X, y = np.full((20, 1, 24), np.nan, np.float32), np.arange(20) % 2
    for series, n, k in zip(X, lengths, y, strict=True):
        series[0, :n] = np.sin((1 + k) * np.arange(n)) + 0.1 * rng.normal(size=n)
    split = Split(X, y, ("a", "b"))
    engine = new_engine(split, RECURRENT[0], seed=0)
    recipe = TrainingRecipe(epochs=25, batch_size=10, compute=compute)
    engine.train(X, y, recipe, start=engine.initial, seed=0)
    assert (engine.predict(X).argmax(axis=1) == y).mean() > 0.9


def test_statistics_are_those_of_the_steps_within_the_series():
    """Of the first batch norm, against the convolution of each series alone; in batches of any size."""
    import keras

    architecture = CONVOLUTIONAL[0]
    model, X = network(architecture, 12), ragged(12)
    outputs = []
    for n, series in zip(LENGTHS, X, strict=True):
        alone = network(architecture, n, padded=False)
        to_norm = keras.Model(alone.inputs[0], alone.get_layer("norm1").input)
        outputs.append(np.asarray(to_norm(series[None, :, :n]))[0])
    steps = np.concatenate(outputs).astype(np.float64)
    for batch_size in (3, 100):
        BatchNormStatistics(model, batch_size).recompute(X)
        norm = model.get_layer("norm1")
        np.testing.assert_allclose(norm.moving_mean, steps.mean(axis=0), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(norm.moving_variance, steps.var(axis=0), rtol=1e-4, atol=1e-5)


def test_a_padded_series_is_explained_by_its_own_steps():
    """Its map is 0 after its end, and the mean before is the branch's contribution."""
    model, X = network(CONVOLUTIONAL[0], 12), ragged(12)
    maps = class_activation_maps(model, X)
    for n, own, total in zip(LENGTHS, maps, contributions(model, X).convolutional, strict=True):
        assert (own[:, n:] == 0).all()
        np.testing.assert_allclose(own[:, :n].mean(axis=1), total, rtol=1e-4, atol=1e-4)


def test_a_network_that_knows_no_padding_is_refused(monkeypatch):
    module = types.ModuleType("elsewhere.plain")
    module.RECURRENT = False
    module.features = lambda series, architecture, seeds: series
    monkeypatch.setitem(sys.modules, "elsewhere.plain", module)
    with pytest.raises(DataError, match=r"elsewhere\.plain takes no series that are padded.*resample"):
        build(Architecture(name="elsewhere.plain"), n_channels=1, length=5, n_classes=2, padded=True)


def test_weights_fit_networks_of_both_kinds():
    for architecture in CONVOLUTIONAL + RECURRENT:
        plain = build(architecture, n_channels=2, length=9, n_classes=3)
        set_weights(build(architecture, n_channels=2, length=9, n_classes=3, padded=True), get_weights(plain))
