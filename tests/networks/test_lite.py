"""LITE against aeon's network with the same weights, and its published size."""

import keras
import numpy as np
import pytest

from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.build import build
from lstmfcn.networks.lite import given_kernels
from networks_in_numpy import randomised


@pytest.fixture
def theirs():
    networks = pytest.importorskip("aeon.networks")
    series, features = networks.LITENetwork().build_network((50, 1))
    scores = keras.layers.Dense(3, name="logits")(features)
    return keras.Model(series, keras.layers.Softmax()(scores))


def of(model, kind):
    return [layer for layer in model.layers if type(layer).__name__ == kind]


def joined(tensor):
    """Return the convolutions whose maps a tensor joins, in their order."""
    made_by = tensor._keras_history.operation
    if isinstance(made_by, keras.layers.Conv1D):
        return [made_by]
    inputs = made_by.input if isinstance(made_by.input, list) else [made_by.input]
    return [layer for one in inputs for layer in joined(one)]


def test_the_given_kernels_are_aeons(theirs):
    """Each of the seventeen, to the bit; their own bear "hybrid" in their names."""
    hybrid = [layer for layer in of(theirs, "Conv1D") if layer.name.startswith("hybrid")]
    expected = {tuple(np.asarray(layer.kernel)[:, 0, 0].tolist()) for layer in hybrid}
    assert {tuple(kernel.tolist()) for kernels in given_kernels() for kernel in kernels.T} == expected
    assert len(expected) == 17
    for kernel in expected:
        assert abs(sum(kernel)) < 1e-5  # a constant answers to none of them


def test_it_is_aeons_network(theirs):
    """With the same weights the same probabilities, whatever order the maps of the first layer are in."""
    ours = build(Architecture(name="lite"), n_channels=1, length=50, n_classes=3)
    randomised(ours, seed=3)
    order = []  # of our maps in theirs
    norms, mixes = of(theirs, "BatchNormalization"), of(theirs, "SeparableConv1D")
    for layer in joined(norms[0].input):
        size = layer.kernel.shape[0]
        if not layer.name.startswith("hybrid"):
            start = 17 + {40: 0, 20: 32, 10: 64}[size]
            order += range(start, start + 32)
            layer.set_weights(ours.get_layer(f"conv1_{size}").get_weights())
            continue
        kind = "peaks" if "peeks" in layer.name else "trends"
        falls = "decrease" in layer.name
        ours_of = ours.get_layer(f"{kind}_{size}").get_weights()[0]
        layer.set_weights([ours_of[:, :, int(falls) : int(falls) + 1]])
        sizes = [2, 4, 8, 16, 32, 64] if kind == "trends" else [6, 12, 24, 48, 96]
        at = sizes.index(size)
        order.append(2 * at + falls if kind == "trends" else 12 + at)
    assert sorted(order) == list(range(17 + 96))
    norms[0].set_weights([w[order] for w in ours.get_layer("norm1").get_weights()])
    depthwise, pointwise = ours.get_layer("conv2").get_weights()
    mixes[0].set_weights([depthwise[:, order], pointwise[:, order]])
    mixes[1].set_weights(ours.get_layer("conv3").get_weights())
    for block in (1, 2):
        norms[block].set_weights(ours.get_layer(f"norm{block + 1}").get_weights())
    theirs.get_layer("logits").set_weights(ours.get_layer("logits").get_weights())
    X = np.random.default_rng(0).normal(size=(6, 1, 50)).astype("float32")
    np.testing.assert_allclose(ours(X), theirs(X.transpose(0, 2, 1)), atol=1e-5)


def test_what_is_given_is_not_learned():
    model = build(Architecture(name="lite"), n_channels=2, length=30, n_classes=2)
    given = [w for w in model.weights if w.path.startswith(("trends", "peaks"))]
    assert len(given) == 11
    assert not {w.path for w in given} & {w.path for w in model.trainable_weights}
