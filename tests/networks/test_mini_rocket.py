"""MiniRocket's shares against NumPy, written from the paper, and aeon's table of dilations."""

import numpy as np
import pytest

from lstmfcn.classifiers.mini_rocket import lay_kernels
from lstmfcn.explain import class_activation_maps, contributions
from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.build import build
from lstmfcn.networks.mini_rocket import KERNELS, dilations
from lstmfcn.training.weights import get_weights, set_weights

ARCHITECTURE = Architecture(name="mini_rocket")


def drawn(length, n_channels, rng):
    """Return what aeon's transformer draws, at random: each kernel sees some of the channels."""
    table = dilations(length)
    n_seen = rng.integers(1, n_channels + 1, len(KERNELS) * len(table)).astype(np.int32)
    seen = np.concatenate([rng.choice(n_channels, n, replace=False) for n in n_seen])
    biases = rng.normal(size=len(KERNELS) * sum(n for _, n in table)).astype(np.float32)
    found, counts = np.array(table).T
    return n_seen, seen, found, counts, biases


def shares_in_numpy(x, parameters):
    """MiniRocket's paper, section 3, for one series x (channels, length), in float64."""
    n_seen, seen, found, counts, biases = parameters
    length, shares, combination, first, at = x.shape[1], [], 0, 0, 0
    for i, (dilation, n_biases) in enumerate(zip(found, counts, strict=True)):
        reach = 4 * dilation
        padded = np.pad(x, ((0, 0), (reach, reach)))
        for k, places in enumerate(KERNELS):
            channels = seen[first : first + n_seen[combination]]
            weights = np.where(np.isin(np.arange(9), places), 2.0, -1.0)
            answers = sum(
                weights[j] * padded[channels, j * dilation : j * dilation + length].sum(axis=0)
                for j in range(9)
            )
            if (i + k) % 2:
                answers = answers[reach:-reach]
            shares += [(answers > bias).mean() for bias in biases[at : at + n_biases]]
            first, at, combination = first + n_seen[combination], at + n_biases, combination + 1
    return np.array(shares)


def network(length, n_channels, *, n_classes=3, seed=0):
    model = build(ARCHITECTURE, n_channels=n_channels, length=length, n_classes=n_classes)
    parameters = drawn(length, n_channels, np.random.default_rng(seed))
    lay_kernels(model, parameters, n_channels=n_channels)
    return model, parameters


@pytest.mark.parametrize(("length", "n_channels"), [(9, 1), (24, 1), (60, 3), (150, 1)])
def test_the_shares_are_numpys(length, n_channels):
    model, parameters = network(length, n_channels)
    X = np.random.default_rng(1).normal(size=(3, n_channels, length)).astype("float32")
    kernel, bias = model.get_layer("logits").get_weights()
    shares = np.array([shares_in_numpy(x.astype(float), parameters) for x in X])
    assert shares.shape[1] == len(kernel) == 9996
    scores = shares @ kernel + bias
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model(X), expected, atol=1e-5)


def test_the_dilations_are_aeons():
    module = pytest.importorskip("aeon.transformations.collection.convolution_based._minirocket")
    for length in (*range(9, 200), 500, 2709, 100_000):
        expected = zip(*module._fit_dilations(length, 10_000, 32), strict=True)
        assert dilations(length) == [(int(d), int(n)) for d, n in expected]
    with pytest.raises(ValueError, match="9 values or more, and these have 8"):
        dilations(8)


def test_the_map_adds_up_to_the_score():
    model, _ = network(60, 2)
    X = np.random.default_rng(1).normal(size=(4, 2, 60)).astype("float32")
    parts, maps = contributions(model, X), class_activation_maps(model, X)
    assert maps.shape == (4, 3, 60)
    np.testing.assert_allclose(maps.mean(axis=2), parts.convolutional, atol=1e-4)
    scores = parts.convolutional + parts.bias
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model(X), expected, atol=1e-4)
    assert not parts.recurrent.any()


def test_nothing_of_it_is_trained_and_its_weights_make_it_again():
    model, _ = network(30, 1)
    assert {w.path.split("/")[0] for w in model.trainable_weights} == {"logits"}
    again, _ = network(30, 1, seed=5)
    set_weights(again, get_weights(model))
    X = np.random.default_rng(1).normal(size=(4, 1, 30)).astype("float32")
    np.testing.assert_array_equal(again(X), model(X))


def test_the_layer_is_made_again_by_what_it_says_of_itself():
    model, _ = network(30, 1)
    layer = model.get_layer("pooled1")
    again = type(layer).from_config(layer.get_config())
    x = np.random.default_rng(1).normal(size=(2, 30, 84)).astype("float32")
    again(x)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x), layer(x))


def test_zeros_stand_after_the_end_of_a_series():
    """As the library that it is of would be given it."""
    whole, _ = network(30, 2)
    padded = build(ARCHITECTURE, n_channels=2, length=30, n_classes=3, padded=True)
    set_weights(padded, get_weights(whole))
    X = np.random.default_rng(1).normal(size=(3, 2, 30)).astype("float32")
    X[1, :, 20:] = np.nan
    np.testing.assert_array_equal(padded(X), whole(np.nan_to_num(X)))
