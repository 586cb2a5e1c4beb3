"""A trained network as a TensorFlow SavedModel: series in, probabilities out, no code of ours needed."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.build import build
from lstmfcn.training.weights import Weights, set_weights


class ServingModel(tf.Module):
    """Prepares raw series as the `prepare` stage does and predicts their class probabilities.

    Calling it maps float32 (batch, n_channels, length) to float32 (batch, n_classes).

    Parameters
    ----------
    architecture
        Which network.
    weights
        Its weights, as `lstmfcn.training.weights.get_weights` returns them.
    preprocessing
        What the network was trained behind; says the shape of the series, too.
    n_classes
        How many classes there are.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Weights,
        *,
        preprocessing: Preprocessing,
        n_classes: int,
    ) -> None:
        super().__init__(name=architecture.name)
        self._preprocessing = preprocessing
        n_channels, length = preprocessing.n_channels, preprocessing.length
        self._network = build(architecture, n_channels=n_channels, length=length, n_classes=n_classes)
        set_weights(self._network, weights)
        spec = tf.TensorSpec((None, n_channels, length), tf.float32, name="series")
        self.__call__.get_concrete_function(spec)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def __call__(self, series: Any) -> Any:
        """Return probabilities, float32 (batch, n_classes), of raw series (batch, n_channels, length)."""
        prepared = self._preprocessing.to_tensorflow(series)
        return tf.identity(self._network(prepared, training=False), name="probabilities")
