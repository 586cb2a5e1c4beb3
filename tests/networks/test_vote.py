"""Networks that vote, as one model: the mean of what each gives alone, in NumPy."""

import numpy as np
import pytest

from lstmfcn.explain import class_activation_maps, contributions
from lstmfcn.explain.explanation import explain
from lstmfcn.networks.architecture import Architecture, Vote
from lstmfcn.networks.build import build, members
from lstmfcn.training.weights import get_weights, set_weights
from networks_in_numpy import network, randomised

LITE, LSTM_FCN = Architecture(name="lite"), Architecture(name="lstm_fcn", cells=3)
SHAPE = {"n_channels": 2, "length": 20, "n_classes": 3}


def series(n=5):
    return np.random.default_rng(2).normal(size=(n, 2, 20)).astype("float32")


@pytest.fixture(scope="module")
def vote():
    return build(Vote((LITE, LSTM_FCN, LITE)), **SHAPE)


def test_it_is_the_mean_of_its_members(vote):
    weights = [randomised(model, seed) for seed, model in enumerate(members(vote))]
    expected = [
        np.mean(
            [
                network(name, x.astype(float), w)
                for name, w in zip(("lite", "lstm_fcn", "lite"), weights, strict=True)
            ],
            axis=0,
        )
        for x in series()
    ]
    np.testing.assert_allclose(vote(series(), training=False), expected, atol=1e-5)


def test_each_weight_has_a_name_of_its_own_which_is_the_members(vote):
    names = [weight.path for weight in vote.weights]
    assert len(set(names)) == len(names)
    for number, one in enumerate((LITE, LSTM_FCN, LITE)):
        alone = {w.path for w in build(one, **SHAPE).weights}
        start = f"member{number}/"
        assert {name.removeprefix(start) for name in names if name.startswith(start)} == alone
    again = build(Vote((LITE, LSTM_FCN, LITE)), **SHAPE, seed=7)
    set_weights(again, get_weights(vote))
    np.testing.assert_array_equal(again(series()), vote(series()))


def test_members_of_one_kind_begin_with_weights_of_their_own(vote):
    first, _, last = (
        model.get_layer("logits").kernel for model in members(build(Vote((LITE,) * 3), **SHAPE))
    )
    assert np.any(np.asarray(first) != np.asarray(last))


def test_one_member_is_as_good_as_alone():
    alone, vote = build(LSTM_FCN, **SHAPE, seed=3), build(Vote((LSTM_FCN,)), **SHAPE, seed=3)
    np.testing.assert_array_equal(vote(series()), alone(series()))
    assert members(alone) == [alone]


def test_it_is_explained_by_the_means_of_its_members(vote):
    found = explain(vote, series(), classes=("a", "b", "c"))
    maps = [class_activation_maps(model, series()) for model in members(vote)]
    np.testing.assert_allclose(found.maps, np.mean(maps, axis=0), atol=1e-6)
    parts = [contributions(model, series()) for model in members(vote)]
    np.testing.assert_allclose(found.recurrent, np.mean([p.recurrent for p in parts], axis=0), atol=1e-6)
    np.testing.assert_allclose(found.convolutional, found.maps.mean(axis=2), atol=1e-5)
    np.testing.assert_array_equal(found.predicted, np.asarray(vote(series())).argmax(axis=1))
    assert found.weights is None
