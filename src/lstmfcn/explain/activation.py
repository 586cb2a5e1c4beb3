"""Class activation maps of the convolutional branch (Zhou et al., 2016; Wang, Yan and Oates, 2017).

The last layer sums, for each class, its weighted features. Those of the convolutional branch are means
over time, so the sum can be read as a sum over time steps: the map says what each step adds to the
class's score. The features of the LSTM come first in the last layer's rows and have no place in time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.batches import batches
from lstmfcn.environment import keras_defaults


@dataclass(frozen=True)
class Contributions:
    """What each part of a network adds to the scores before the softmax.

    Attributes
    ----------
    convolutional, recurrent
        float32, shape (n_series, n_classes). The recurrent part of `fcn` is 0.
    bias
        float32, shape (n_classes,).
    """

    convolutional: NDArray[np.float32]
    recurrent: NDArray[np.float32]
    bias: NDArray[np.float32]


def class_activation_maps(model: keras.Model, X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what each time step of each series adds to each class's score.

    Parameters
    ----------
    model
        A network of `lstmfcn.networks.build`.
    X
        float32, shape (n_series, n_channels, length), prepared as for training.

    Returns
    -------
    float32, shape (n_series, n_classes, length)
        M_c(t) = sum_k w_kc f_k(t), with f_k the maps of the last convolutional block and w the last
        layer's rows of the convolutional features. Its mean over time is the branch's contribution to
        the class's score (`contributions`). After the end of a padded series it is 0, and the mean is that
        over the steps before.
    """
    kernel, _ = _last_layer(model)
    maps, end = [], len(kernel)
    for layer in reversed(_pooling(model)):
        averaged = layer.input[0] if isinstance(layer.input, list) else layer.input
        weights = kernel[end - layer.output.shape[-1] : end]
        end -= len(weights)
        if hasattr(layer, "maps"):  # it has more features than would fit in memory at each step
            maps.append(outputs(model, layer.maps(averaged, weights), X))
        else:
            maps.append(outputs(model, averaged, X) @ weights)
    return np.ascontiguousarray(np.swapaxes(sum(maps[1:], start=maps[0]), 1, 2))


def contributions(model: keras.Model, X: NDArray[np.float32]) -> Contributions:
    """Return what the two branches add to each class's score; with the bias, they sum to the scores.

    Parameters
    ----------
    model, X
        As for `class_activation_maps`.
    """
    kernel, bias = _last_layer(model)
    features = outputs(model, model.get_layer("logits").input, X)
    n_recurrent = len(kernel) - sum(layer.output.shape[-1] for layer in _pooling(model))
    convolutional = features[:, n_recurrent:] @ kernel[n_recurrent:]
    if n_recurrent:
        recurrent = features[:, :n_recurrent] @ kernel[:n_recurrent]
    else:
        recurrent = np.zeros_like(convolutional)
    return Contributions(convolutional, recurrent, bias)


def _pooling(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers that pool over time, in the order of their features."""
    found = [layer for layer in model.layers if re.fullmatch(r"pooled\d*", layer.name)]
    return sorted(found, key=lambda layer: int(layer.name.removeprefix("pooled") or 0))


def _last_layer(model: keras.Model) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    kernel, bias = model.get_layer("logits").get_weights()
    return kernel, bias


@keras_defaults()
def outputs(model: keras.Model, wanted: keras.KerasTensor, X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what stands at a place of the network for each series, in batches that bound the memory."""
    to_layer = keras.Model(model.inputs[0], wanted)
    parts = [np.asarray(to_layer(batch, training=False), np.float32) for batch in batches(X)]
    return np.concatenate(parts)
