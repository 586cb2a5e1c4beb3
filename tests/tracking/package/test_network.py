"""The network of a package, built anew: it answers as the package and as NumPy, and lies are refused."""

import dataclasses

import numpy as np
import pytest

from lstmfcn.errors import LstmfcnError, RegistryError
from lstmfcn.networks.architecture import Architecture
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.explained import registered_subject
from lstmfcn.tracking.package.contents import UntrustedModelError
from lstmfcn.tracking.package.network import network_of
from networks_in_numpy import network as in_numpy
from untrained import package

ARCHITECTURES = {
    "fcn": Architecture(name="fcn"),
    "lstm_fcn": Architecture(name="lstm_fcn", cells=4),
    "alstm_fcn": Architecture(name="alstm_fcn", cells=3, segments=4),
    "a step a value": Architecture(name="lstm_fcn", cells=2, dimension_shuffle=False),
    "resnet": Architecture(name="resnet"),
    "lite": Architecture(name="lite"),
}


def by_layer(model):
    """Return the weights of a Keras model as `networks_in_numpy` takes them."""
    weights = {}
    for variable in model.weights:
        layer, *_, name = variable.path.split("/")
        weights.setdefault(layer, {})[name] = np.asarray(variable.numpy(), np.float64)
    return weights


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_answers_as_the_package_and_as_numpy(tmp_path, name):
    """NumPy's forward pass over z-scores of NumPy's, with the weights that were found in the package."""
    architecture = ARCHITECTURES[name]
    champion = load_champion(package(tmp_path / "m", shape=(2, 20), architecture=architecture))
    model = champion.network()
    X = np.random.default_rng(0).normal(3, 2, size=(4, 2, 20))
    scores = (X - X.mean(axis=-1, keepdims=True)) / X.std(axis=-1, keepdims=True)
    answers = champion.predict_proba(X)
    np.testing.assert_allclose(model(scores.astype(np.float32), training=False), answers, atol=1e-5)
    weights = by_layer(model)
    view = {"dimension_shuffle": architecture.dimension_shuffle, "segments": architecture.segments}
    view = view if architecture.cells else {}
    expected = [in_numpy(architecture.name, one, weights, **view) for one in scores]
    np.testing.assert_allclose(answers, expected, atol=1e-5)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return load_champion(package(tmp_path_factory.mktemp("made") / "m"))._package


@pytest.mark.parametrize(
    "lie",
    [
        {"cells": 4},
        {"cells": 10**12},
        {"cells": None},
        {"classifier": "lstm_fcn"},
        {"classifier": "fcn", "cells": None},
        {"segments": 5},
        {"segments": 10**9},
        {"dimension_shuffle": False},
    ],
    ids=str,
)
def test_an_architecture_that_the_weights_do_not_fit_is_refused(made, lie):
    said = dict(made.architecture) | lie
    with pytest.raises(UntrustedModelError, match="are not those of the"):
        network_of(dataclasses.replace(made, architecture=said))


def test_what_is_not_known_is_said(made):
    with pytest.raises(RegistryError, match="does not say which network it is"):
        network_of(dataclasses.replace(made, architecture=None))
    with pytest.raises(LstmfcnError, match="There is no classifier"):
        network_of(
            dataclasses.replace(made, architecture=dict(made.architecture) | {"classifier": "os.path"})
        )


def test_a_graph_that_answers_otherwise_is_not_explained(made, monkeypatch, tmp_path):
    champion = load_champion(package(tmp_path / "m"))
    other = dataclasses.replace(
        champion._package, graph=lambda series: np.full((len(series), 3), 1 / 3, "f4")
    )
    monkeypatch.setattr(
        "lstmfcn.tracking.explained.load_champion",
        lambda *_, **__: dataclasses.replace(champion, _package=other),
    )
    with pytest.raises(UntrustedModelError, match="answers otherwise than the network"):
        registered_subject(tmp_path / "m").answer(np.random.default_rng(0).normal(size=(3, 1, 20)))
