"""Parameter counts, seeds and refusals; tests/networks/test_forward.py holds what the networks compute."""

import keras
import numpy as np
import pytest

from lstmfcn.errors import DataError
from lstmfcn.networks import build
from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.attention import AttentionLSTM


@pytest.mark.parametrize(
    ("name", "cells", "count"), [("lstm_fcn", 8, 277_604), ("alstm_fcn", 8, 291_484), ("fcn", None, 266_244)]
)
def test_parameter_counts(name, cells, count):
    """The first two are the paper's; FCN is LSTM-FCN less its LSTM and that part of the last layer."""
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
    with pytest.raises(ValueError, match="Unknown model"):
        Architecture(name="lstm", cells=3)
    with pytest.raises(ValueError, match="fcn has no LSTM"):
        Architecture(name="fcn", cells=3)
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
