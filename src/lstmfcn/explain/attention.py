"""What the attention LSTM looks at (the paper's section II-D and Fig. 2)."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.batches import batches
from lstmfcn.environment import keras_defaults


@dataclass(frozen=True)
class Attention:
    """What the attention LSTM of a network saw of some series.

    Attributes
    ----------
    weights
        float32, shape (n_series, n_steps, n_steps): at each step, the attention to each annotation.
        The weights of a step sum to 1; with one step, the single weight is 1.
    contexts
        float32, shape (n_series, n_steps, n_features): the context vector of each step, the sum of the
        annotations by their weights. With one step it is the annotation itself.
    """

    weights: NDArray[np.float32]
    contexts: NDArray[np.float32]


def has_attention(model: keras.Model) -> bool:
    """Return whether a network has an attention LSTM."""
    return "attention_lstm" in {layer.name for layer in model.layers}


@keras_defaults()
def attention(model: keras.Model, X: NDArray[np.float32]) -> Attention:
    """Return what the attention LSTM of a network saw.

    Parameters
    ----------
    model
        An `alstm_fcn` of `lstmfcn.networks.build`.
    X
        float32, shape (n_series, n_channels, length), prepared as for training.

    Raises
    ------
    ValueError
        If the network has no attention.
    """
    if not has_attention(model):
        raise ValueError(f"{model.name} has no attention: only alstm_fcn has.")
    layer = model.get_layer("attention_lstm")
    to_steps = keras.Model(model.inputs[0], layer.input)
    parts = [layer.attend(to_steps(batch)) for batch in batches(X)]
    weights, contexts = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Attention(np.asarray(weights, np.float32), np.asarray(contexts, np.float32))
