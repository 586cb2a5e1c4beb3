"""The network that is trained against the network it stands for: Keras's own layers."""

from unittest.mock import Mock

import numpy as np
import pytest
import tensorflow as tf

from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.build import build
from lstmfcn.networks.fcn import LOW_PRECISION
from lstmfcn.training.tensorflow import layers
from lstmfcn.training.tensorflow.epoch import CompiledEpoch
from lstmfcn.training.weights import copy_weights, get_weights


@pytest.mark.parametrize("long", [1024, 20])
def test_the_twin_computes_what_keras_computes(long, monkeypatch):
    """Outputs, gradients and moving statistics, in training; 47 steps are two chunks, the last not full."""
    monkeypatch.setattr(layers, "LONG", long)
    monkeypatch.setattr(layers, "CHUNK", 30)
    in_chunks = Mock(wraps=layers._convolution_and_gradients)
    in_chunks.__name__ = "in_chunks"
    monkeypatch.setattr(layers, "_convolution_and_gradients", in_chunks)
    X = np.random.default_rng(0).normal(size=(8, 2, 47)).astype("float32")
    architecture = Architecture(name="lstm_fcn", cells=4, dropout=0.0)
    model = build(architecture, n_channels=2, length=47, n_classes=3)
    twin = CompiledEpoch(model, "float32").model
    assert set(layers.FASTER.values()) <= {type(layer) for layer in twin.layers}
    copy_weights(model, twin)
    found = []
    for network in (model, twin):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(network(X, training=True)[:, 0] ** 2)
        gradients = tape.gradient(loss, [v.value for v in network.trainable_variables])
        assert in_chunks.called == (network is twin and long < 47)
        found.append(([loss, *gradients], get_weights(network).values()))
    for keras_own, ours in zip(found[0][0], found[1][0], strict=True):
        np.testing.assert_allclose(ours, keras_own, rtol=1e-3, atol=1e-5)
    for keras_own, ours in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(ours, keras_own, rtol=1e-5, atol=1e-7)


def test_long_series_train_in_bfloat16_too(monkeypatch):
    monkeypatch.setattr(layers, "LONG", 20)
    X = np.random.default_rng(0).normal(size=(8, 1, 47)).astype("float32")
    model = build(Architecture(name="fcn", cells=None), n_channels=1, length=47, n_classes=2)
    losses = {}
    for compute in ("float32", "bfloat16"):
        epoch = CompiledEpoch(model, compute, LOW_PRECISION)
        epoch.start(get_weights(model), 0)
        arguments = tf.constant(X), tf.constant(np.arange(8) % 2), tf.ones(8)
        losses[compute] = [epoch.run(*arguments, batch_size=8, rate=1e-3, seed=(0, i))[0] for i in range(4)]
    assert losses["float32"] != losses["bfloat16"]
    np.testing.assert_allclose(losses["float32"], losses["bfloat16"], atol=0.03)
