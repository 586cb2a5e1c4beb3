"""A trained network as a TensorFlow SavedModel: series in, probabilities out, no code of ours needed."""

from __future__ import annotations

from typing import Any, Literal

import tensorflow as tf

from lstmfcn.data.preprocessing import FLAT
from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.build import build
from lstmfcn.training.weights import Weights, set_weights


class ServingModel(tf.Module):
    """Normalises raw series as the `prepare` stage does and predicts their class probabilities.

    Calling it maps float32 (batch, n_channels, length) to float32 (batch, n_classes).

    Parameters
    ----------
    architecture
        Which network.
    weights
        Its weights, as `lstmfcn.training.weights.get_weights` returns them.
    n_channels, length, n_classes
        See `lstmfcn.networks.build`.
    normalise
        As in `params.yaml`: "per_series" or "none".
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Weights,
        *,
        n_channels: int,
        length: int,
        n_classes: int,
        normalise: Literal["per_series", "none"],
    ) -> None:
        super().__init__(name=architecture.name)
        self._network = build(architecture, n_channels=n_channels, length=length, n_classes=n_classes)
        set_weights(self._network, weights)
        self._normalise = normalise
        spec = tf.TensorSpec((None, n_channels, length), tf.float32, name="series")
        self.__call__.get_concrete_function(spec)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def __call__(self, series: Any) -> Any:
        """Return probabilities, float32 (batch, n_classes), of raw series (batch, n_channels, length)."""
        if self._normalise == "per_series":
            wide = tf.cast(series, tf.float64)
            centred = wide - tf.reduce_mean(wide, axis=-1, keepdims=True)
            spread = tf.math.reduce_std(centred, axis=-1, keepdims=True)
            varies = spread > FLAT * tf.reduce_max(tf.abs(wide), axis=-1, keepdims=True)
            scaled = centred / tf.where(varies, spread, tf.ones_like(spread))
            series = tf.cast(tf.where(varies, scaled, tf.zeros_like(scaled)), tf.float32)
        return tf.identity(self._network(series, training=False), name="probabilities")
