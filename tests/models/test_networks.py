"""The networks against the paper's parameter counts and against a forward pass in NumPy."""

import keras
import numpy as np
import pytest

from lstmfcn.models import build
from lstmfcn.models.attention import AttentionLSTM


@pytest.mark.parametrize(
    ("name", "cells", "count"), [("lstm_fcn", 8, 277_604), ("alstm_fcn", 8, 291_484), ("fcn", None, 266_244)]
)
def test_parameter_counts(name, cells, count):
    """The first two are the paper's; FCN is LSTM-FCN less its LSTM and that part of the last layer."""
    assert build(name, n_channels=1, length=345, n_classes=4, cells=cells).count_params() == count


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def attention_lstm(x, w):
    """Section II-D for one series x (steps, features), in float64."""
    hidden = memory = np.zeros(w["alignment_bias"].shape)
    all_weights, contexts = [], []
    for step in x:
        scores = (
            np.tanh(x @ w["alignment_kernel"] + hidden @ w["alignment_recurrent"] + w["alignment_bias"])
            @ w["alignment_vector"]
        )[:, 0]
        weights = np.exp(scores) / np.exp(scores).sum()
        context = weights @ x
        gates = (
            step @ w["kernel"] + hidden @ w["recurrent_kernel"] + context @ w["context_kernel"] + w["bias"]
        )
        i, f, g, o = np.split(gates, 4)
        memory = sigmoid(f) * memory + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(memory)
        all_weights.append(weights)
        contexts.append(context)
    return hidden, np.array(all_weights), np.array(contexts)


@pytest.mark.parametrize("steps", [1, 5])
def test_the_attention_lstm_follows_the_papers_equations(steps):
    rng = np.random.default_rng(1)
    layer = AttentionLSTM(3, attention_seed=2)
    X = rng.normal(size=(4, steps, 6)).astype("float32")
    layer.build(X.shape)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    w = {v.name: v.numpy().astype(float) for v in layer.weights}
    hidden, weights, contexts = map(np.array, zip(*(attention_lstm(x, w) for x in X), strict=True))
    np.testing.assert_allclose(layer(X), hidden, atol=1e-5)
    got_weights, got_contexts = layer.attend(X)
    np.testing.assert_allclose(got_weights, weights, atol=1e-5)
    np.testing.assert_allclose(got_contexts, contexts, atol=1e-5)


@pytest.mark.parametrize("name", ["fcn", "lstm_fcn", "alstm_fcn"])
def test_a_prediction_does_not_depend_on_its_batch_mates(name):
    rng = np.random.default_rng(0)
    model = build(name, n_channels=2, length=20, n_classes=3, cells=None if name == "fcn" else 4)
    X = rng.normal(size=(6, 2, 20)).astype("float32")
    together = np.array(model(X))
    alone = np.concatenate([np.array(model(X[i : i + 1])) for i in range(6)])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("name", ["lstm_fcn", "alstm_fcn"])
def test_equal_seeds_give_equal_weights(name):
    one, same, other = (build(name, n_channels=1, length=9, n_classes=2, cells=3, seed=s) for s in (5, 5, 6))
    for a, b in zip(one.weights, same.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(np.any(a.numpy() != b.numpy()) for a, b in zip(one.weights, other.weights, strict=True))


def test_names_and_widths_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="Unknown model"):
        build("lstm", n_channels=1, length=9, n_classes=2, cells=3)
    with pytest.raises(ValueError, match="fcn has no LSTM"):
        build("fcn", n_channels=1, length=9, n_classes=2, cells=3)


def test_the_attention_lstm_survives_serialisation():
    layer = AttentionLSTM(3, attention_seed=2)
    again = AttentionLSTM.from_config(layer.get_config())
    X = np.ones((2, 1, 4), "float32")
    layer(X), again(X)
    for a, b in zip(layer.weights, again.weights, strict=True):
        if "recurrent" not in a.path and not a.path.endswith("/kernel"):  # those two are not seeded here
            np.testing.assert_array_equal(a, b)
    assert keras.saving.get_registered_name(AttentionLSTM) == "lstmfcn>AttentionLSTM"
