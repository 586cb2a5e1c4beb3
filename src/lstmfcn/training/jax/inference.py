"""Predictions, and batch norm's statistics, by programs that all networks of a shape share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.batches import series_at_once
from lstmfcn.training.jax.twin import Network, twin_of


def predictor(model: keras.Model) -> Callable[[Any], Any]:
    """Return a function from series, float32 (batch, n_channels, length), to probabilities."""
    infer = _Inference(model)
    return lambda X: infer(X)[0]


class BatchNormStatistics:
    """Recomputes the moving mean and variance of each batch norm layer of one model.

    As on TensorFlow: layer by layer in the order of the network, each with the exact statistics of those
    before it, so the result does not depend on how the series are cut into batches.

    Parameters
    ----------
    model
        A functional Keras model.
    batch_size
        How many series pass through the network at once: bounds the memory. None: as many as their length
        allows.
    """

    def __init__(self, model: keras.Model, batch_size: int | None = None) -> None:
        self._batch_size = batch_size or series_at_once(*model.input_shape[1:])
        self._infer = _Inference(model)
        self._layers = [model.get_layer(layer.name) for layer in self._infer.twin.norms]

    def recompute(self, X: NDArray[np.float32]) -> None:
        """Set the statistics to those over `X`, shape (n_series, n_channels, length)."""
        for number, layer in enumerate(self._layers):
            seen = [self._infer(batch)[1][number] for batch in _batches(X, self._batch_size)]
            means, variances, sizes = (np.array(x, np.float64) for x in zip(*seen, strict=True))
            mean = np.average(means, axis=0, weights=sizes)
            # The variance of all is the mean of the batches' variances and the variance of their means.
            variance = np.average(variances + np.square(means - mean), axis=0, weights=sizes)
            layer.moving_mean.assign(mean.astype(np.float32))
            layer.moving_variance.assign(variance.astype(np.float32))


def _batches(X: NDArray[Any], size: int) -> Iterator[NDArray[Any]]:
    for first in range(0, len(X), size):
        yield X[first : first + size]


class _Inference:
    """One model's weights in the program that its shape has."""

    def __init__(self, model: keras.Model) -> None:
        self.twin = twin_of(model)
        own = {v.path: v for v in model.variables}
        self._weights = [own[path] for path in self.twin.trained]
        self._statistics = [own[path] for path in self.twin.updated]

    def __call__(self, X: NDArray[np.float32]) -> tuple[NDArray[np.float32], list[Any]]:
        """Return the probabilities of a batch, and what each batch norm saw of it."""
        size = 1 << (len(X) - 1).bit_length()  # few sizes, so few programs
        filled = np.zeros((size, *X.shape[1:]), np.float32)
        filled[: len(X)] = X
        network = Network([v.value for v in self._weights], [v.value for v in self._statistics])
        with self.twin.lock:
            probabilities, moments = self.twin.infer(network, filled, np.arange(size) < len(X))
        return np.asarray(probabilities)[: len(X)], moments
