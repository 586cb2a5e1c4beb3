"""Batch norm's statistics, recomputed over the training split.

Batch norm's running statistics follow the weights with momentum 0.99: with one to four steps an
epoch they lag hundreds of epochs behind, and a network that is already right predicts like chance.
Recomputed over the whole training split they are exact for the weights at hand.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstmfcn.data.batches import series_at_once
from lstmfcn.environment import keras_defaults


class BatchNormStatistics:
    """Recomputes the moving mean and variance of each batch norm layer of one model.

    Layer by layer in the order of the network, each with the exact statistics of those before it,
    so the result does not depend on how the series are cut into batches. Steps after the end of a series,
    where it holds NaN, do not count.

    Parameters
    ----------
    model
        A functional Keras model.
    batch_size
        How many series pass through the network at once: bounds the memory. None: as many as their length
        allows.
    """

    @keras_defaults()
    def __init__(self, model: keras.Model, batch_size: int | None = None) -> None:
        self._batch_size = batch_size or series_at_once(*model.input_shape[1:])
        self._layers = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
        series = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
        self._moments = [
            tf.function(_moments_of(keras.Model(model.inputs[0], layer.input)), input_signature=[series])
            for layer in self._layers
        ]

    def recompute(self, X: NDArray[np.float32]) -> None:
        """Set the statistics to those over `X`, shape (n_series, n_channels, length)."""
        starts = range(0, len(X), self._batch_size)
        within = np.mean(~np.isnan(X[:, 0]), axis=1)  # the share of each series' steps; 1 without padding
        sizes = np.array([within[start : start + self._batch_size].sum() for start in starts])[:, None]
        for layer, moments in zip(self._layers, self._moments, strict=True):
            found = np.array([moments(X[start : start + self._batch_size]) for start in starts], np.float64)
            means, variances = found[:, 0], found[:, 1]
            mean = np.average(means, axis=0, weights=sizes[:, 0])
            # The variance of all is the mean of the batches' variances and the variance of their means.
            variance = ((variances + np.square(means - mean)) * sizes).sum(axis=0) / sizes.sum()
            layer.moving_mean.assign(mean.astype(np.float32))
            layer.moving_variance.assign(variance.astype(np.float32))


def _moments_of(to_layer: keras.Model) -> Any:
    def moments(series: Any) -> Any:
        x = to_layer(series, training=False)
        if isinstance(x, list):
            x, within = x
            x = tf.boolean_mask(x, within)[None]
        return tf.nn.moments(x, axes=(0, 1))

    return moments
