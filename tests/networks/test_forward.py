"""Each network against its NumPy forward pass, and what follows from the paper's equations."""

import keras
import numpy as np
import pytest

from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.attention import AttentionLSTM
from lstmfcn.networks.build import build
from networks_in_numpy import attention_lstm, network, randomised

VIEWS = {
    "one step": (1, {}),
    "a step a channel": (3, {}),
    "a step a value": (2, {"dimension_shuffle": False}),
    "segments": (1, {"segments": 5}),
    "segments of channels, padded": (2, {"segments": 7}),
    "a loop of segments": (1, {"segments": 20}),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["fcn", "lstm_fcn", "alstm_fcn", "resnet", "lite"])
def test_a_network_is_its_numpy_forward_pass(name, view):
    """Random weights and statistics; one step and many, unrolled and as a loop."""
    n_channels, options = VIEWS[view]
    cells = 6 if "lstm" in name else None
    architecture = Architecture(name=name, cells=cells, **options)
    model = build(architecture, n_channels=n_channels, length=40, n_classes=4)
    weights = randomised(model, seed=1)
    X = np.random.default_rng(2).normal(size=(5, n_channels, 40)).astype("float32")
    expected = [network(name, x.astype(float), weights, **options) for x in X]
    np.testing.assert_allclose(model(X, training=False), expected, atol=1e-5)
    if view in ("segments", "a loop of segments"):  # in a graph, which takes longer to make
        np.testing.assert_allclose(model.predict(X, verbose=0), expected, atol=1e-5)


@pytest.mark.parametrize("unroll", [True, False])
@pytest.mark.parametrize("steps", [1, 5, 17])
def test_the_attention_lstm_follows_the_papers_equations(steps, unroll):
    rng = np.random.default_rng(1)
    layer = AttentionLSTM(3, attention_seed=2, unroll=unroll)
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


def test_the_attentions_softmax_is_stable():
    """Scores of a thousand: without the shift by their maximum, exp gives infinity over infinity."""
    layer = AttentionLSTM(3, attention_seed=2)
    X = np.random.default_rng(0).normal(size=(2, 4, 6)).astype("float32")
    layer.build(X.shape)
    layer.alignment_vector.assign(np.full((3, 1), 1000.0))
    weights, _ = layer.attend(X)
    assert np.isfinite(weights).all()
    np.testing.assert_allclose(np.sum(weights, axis=-1), 1, atol=1e-6)


@pytest.mark.parametrize("name", ["lstm_fcn", "alstm_fcn"])
def test_with_one_step_the_recurrent_weights_have_no_influence(name):
    """The shuffled view of a univariate series: recurrent kernel, forget gate and alignment are idle."""
    X = np.random.default_rng(0).normal(size=(4, 1, 30)).astype("float32")
    model = build(Architecture(name=name, cells=5), n_channels=1, length=30, n_classes=3)
    before = model.predict(X, verbose=0)
    rng = np.random.default_rng(1)
    touched = 0
    for variable in model.weights:
        value = variable.numpy()
        last = variable.path.split("/")[-1]
        if "recurrent" in last or last.startswith("alignment"):
            variable.assign(rng.normal(size=value.shape))
        elif "lstm" in variable.path and last in ("kernel", "bias", "context_kernel"):
            value[..., 5:10] = rng.normal(size=value[..., 5:10].shape)  # the forget gate
            variable.assign(value)
        else:
            continue
        touched += 1
    assert touched == (3 if name == "lstm_fcn" else 8)
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)
    two = build(Architecture(name=name, cells=5, segments=2), n_channels=1, length=30, n_classes=3)
    start = two.predict(X, verbose=0)
    recurrent = next(w for w in two.weights if w.path.endswith("recurrent_kernel"))
    recurrent.assign(rng.normal(size=recurrent.shape))
    assert np.any(two.predict(X, verbose=0) != start)


def test_with_one_step_the_context_is_the_input_itself():
    X = np.random.default_rng(0).normal(size=(4, 1, 30)).astype("float32")
    layer = AttentionLSTM(5, attention_seed=0)
    layer.build(X.shape)
    weights, contexts = layer.attend(X)
    np.testing.assert_array_equal(weights, np.ones((4, 1, 1)))
    np.testing.assert_array_equal(contexts, X)


@pytest.mark.parametrize("options", [{}, {"segments": 4}, {"dimension_shuffle": False}])
@pytest.mark.parametrize("name", ["fcn", "lstm_fcn", "alstm_fcn", "resnet", "lite"])
def test_a_prediction_does_not_depend_on_its_batch_mates(name, options):
    rng = np.random.default_rng(0)
    architecture = Architecture(name=name, cells=4 if "lstm" in name else None, **options)
    model = build(architecture, n_channels=2, length=20, n_classes=3)
    X = rng.normal(size=(6, 2, 20)).astype("float32")
    together = np.array(model(X))
    alone = np.concatenate([np.array(model(X[i : i + 1])) for i in range(6)])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-6)


def test_permuted_columns_of_the_last_layer_permute_the_classes():
    X = np.random.default_rng(0).normal(size=(4, 1, 30)).astype("float32")
    model = build(Architecture(name="alstm_fcn", cells=5), n_channels=1, length=30, n_classes=3)
    before = model.predict(X, verbose=0)
    kernel, bias = model.get_layer("logits").get_weights()
    order = [2, 0, 1]
    model.get_layer("logits").set_weights([kernel[:, order], bias[order]])
    np.testing.assert_allclose(model.predict(X, verbose=0), before[:, order], atol=1e-6)


def test_dropout_rests_at_inference_and_works_in_training():
    X = np.random.default_rng(0).normal(size=(4, 1, 30)).astype("float32")
    model = build(Architecture(name="lstm_fcn", cells=50), n_channels=1, length=30, n_classes=3)
    dropout = keras.Model(model.inputs[0], model.get_layer("dropout").output)
    lstm = keras.Model(model.inputs[0], model.get_layer("lstm").output)
    np.testing.assert_array_equal(dropout(X, training=False), lstm(X))
    kept = np.array(dropout(X, training=True)) / np.array(lstm(X))
    np.testing.assert_allclose(kept[kept > 0], 5, rtol=1e-5)  # 1 / (1 - 0.8)
    assert 0.1 < (kept > 0).mean() < 0.3
