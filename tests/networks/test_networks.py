"""Parameter counts, seeds and refusals; tests/networks/test_forward.py holds what the networks compute."""

import importlib

import keras
import numpy as np
import pytest

from lstmfcn.classifiers.base import NetworkClassifier
from lstmfcn.classifiers.table import TABLE
from lstmfcn.errors import DataError
from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.attention import AttentionLSTM
from lstmfcn.networks.build import build

NETWORKS = [row for row in TABLE if isinstance(row, NetworkClassifier)]


@pytest.mark.parametrize(
    ("name", "cells", "count"),
    [
        ("lstm_fcn", 8, 277_604),
        ("alstm_fcn", 8, 291_484),
        ("fcn", None, 266_244),
        ("resnet", None, 507_076),
        ("lite", None, 10_738),
    ],
)
def test_parameter_counts(name, cells, count):
    """The first two are the paper's; FCN is LSTM-FCN less its LSTM and that part of the last layer.

    ResNet's are 504,516 that are trained (published for two classes: 504 thousand) and 2,560 statistics;
    LITE's 9,946 that are trained (published for one class fewer than two: 9,814), and what is not.
    """
    assert (
        build(Architecture(name=name, cells=cells), n_channels=1, length=345, n_classes=4).count_params()
        == count
    )


@pytest.mark.parametrize("name", ["lstm_fcn", "alstm_fcn"])
def test_equal_seeds_give_equal_weights(name):
    architecture = Architecture(name=name, cells=3)
    one, same, other = (build(architecture, n_channels=1, length=9, n_classes=2, seed=s) for s in (5, 5, 6))
    for a, b in zip(one.weights, same.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(np.any(a.numpy() != b.numpy()) for a, b in zip(one.weights, other.weights, strict=True))


def test_names_and_widths_that_do_not_fit_are_refused():
    for name, cells in [("fcn", 3), ("resnet", 3), ("lstm_fcn", None), ("alstm_fcn", None)]:
        with pytest.raises(ValueError, match=f"cells={cells} does not fit {name}"):
            build(Architecture(name=name, cells=cells), n_channels=1, length=9, n_classes=2)
    with pytest.raises(ModuleNotFoundError):
        build(Architecture(name="lstm", cells=3), n_channels=1, length=9, n_classes=2)
    with pytest.raises(ValueError, match="nothing to cut"):
        Architecture(name="lstm_fcn", cells=3, segments=2, dimension_shuffle=False)
    with pytest.raises(DataError, match="9 values cannot be cut into 10 segments"):
        build(Architecture(name="lstm_fcn", cells=3, segments=10), n_channels=1, length=9, n_classes=2)


def test_the_attention_lstm_survives_serialisation():
    layer = AttentionLSTM(3, attention_seed=2)
    again = AttentionLSTM.from_config(layer.get_config())
    X = np.ones((2, 1, 4), "float32")
    layer(X), again(X)
    for a, b in zip(layer.weights, again.weights, strict=True):
        if "recurrent" not in a.path and not a.path.endswith("/kernel"):  # those two are not seeded here
            np.testing.assert_array_equal(a, b)
    assert keras.saving.get_registered_name(AttentionLSTM) == "lstmfcn>AttentionLSTM"


@pytest.mark.parametrize("row", NETWORKS, ids=lambda row: row.name)
def test_the_layers_of_low_precision_are_the_networks_own(row):
    """All convolutions and norms but those that see the raw series, where eight bits are too few."""
    model = build(row.architecture(4 if row.recurrent else None), n_channels=2, length=20, n_classes=3)
    names = {layer.name for layer in model.layers}
    low = set(importlib.import_module(row.architecture(None).module).LOW_PRECISION) & names
    computing = {n for n in names if n.startswith(("conv", "norm", "relu"))}
    first = {
        layer.name
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv1D) and layer.kernel.shape[1] == 2
    }
    first |= {name.replace("conv", kind) for name in first for kind in ("norm", "relu")}
    if row.name == "lite":  # its first layer is many
        first |= {"norm1", "relu1", "relu_given"}
    assert low == computing - first
