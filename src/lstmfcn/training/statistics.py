"""Batch norm's statistics, recomputed over the training split.

Batch norm's running statistics follow the weights with momentum 0.99: with one to four steps an
epoch they lag hundreds of epochs behind, and a network that is already right predicts like chance.
Recomputed over the whole training split they are exact for the weights at hand.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


class BatchNormStatistics:
    """Recomputes the moving mean and variance of each batch norm layer of one model.

    Layer by layer in the order of the network, each with the exact statistics of those before it,
    so the result does not depend on how the series are cut into batches.

    Parameters
    ----------
    model
        A functional Keras model.
    batch_size
        How many series pass through the network at once: bounds the memory.
    """

    def __init__(self, model: keras.Model, batch_size: int = 256) -> None:
        self._batch_size = batch_size
        self._layers = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
        self._inputs = [keras.Model(model.inputs[0], layer.input) for layer in self._layers]

    def recompute(self, X: NDArray[np.float32]) -> None:
        """Set the statistics to those over `X`, shape (n_series, n_channels, length)."""
        for layer, to_layer in zip(self._layers, self._inputs, strict=True):
            count, total, squares = 0, np.float64(0), np.float64(0)
            for start in range(0, len(X), self._batch_size):
                values = np.asarray(to_layer(X[start : start + self._batch_size], training=False), np.float64)
                flat = values.reshape(-1, values.shape[-1])
                count += len(flat)
                total = total + flat.sum(axis=0)
                squares = squares + np.square(flat).sum(axis=0)
            mean: Any = total / count
            layer.moving_mean.assign(mean)
            # Two passes would be exact; in float64 one pass is exact far beyond float32.
            layer.moving_variance.assign(np.maximum(squares / count - mean**2, 0.0))
