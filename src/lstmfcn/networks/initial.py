"""Initial weights that are the same on every backend: Keras's rules, by the one source of chance."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from lstmfcn.networks.randomness import normal, uniform

MOST = 2**31 - 2
"""What Keras takes a seed modulo of, on TensorFlow."""


class _Uniform(keras.initializers.VarianceScaling):
    """Uniform between two limits, which the numbers of inputs and outputs decide."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Return weights of a shape, float32."""
        fan_in, fan_out = _fans(shape)
        scale = self.scale / max(1.0, fan_in if self.mode == "fan_in" else (fan_in + fan_out) / 2.0)
        limit = np.float32(math.sqrt(3.0 * scale))
        return ops.convert_to_tensor(_stream(uniform, shape, self.seed) * (limit + limit) - limit, dtype)


@keras.saving.register_keras_serializable("lstmfcn")
class HeUniform(_Uniform, keras.initializers.HeUniform):
    """He, Zhang, Ren and Sun (2015): as wide as the number of inputs allows."""


@keras.saving.register_keras_serializable("lstmfcn")
class GlorotUniform(_Uniform, keras.initializers.GlorotUniform):
    """Glorot and Bengio (2010): as wide as the numbers of inputs and of outputs allow."""


@keras.saving.register_keras_serializable("lstmfcn")
class Orthogonal(keras.initializers.Orthogonal):
    """Saxe, McClelland and Ganguli (2014): orthogonal columns, or rows. The last bits are the backend's."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Return weights of a shape, float32."""
        if keras.backend.backend() == "tensorflow":  # it draws the same
            return super().__call__(shape, dtype)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        drawn = _stream(normal, (max(rows, columns), min(rows, columns)), self.seed)
        q, r = np.linalg.qr(drawn)
        q = q * np.sign(np.diag(r))
        return ops.convert_to_tensor(np.reshape(self.gain * (q.T if rows < columns else q), shape), dtype)


def _stream(draw: Any, shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    places = np.arange(math.prod(shape), dtype=np.uint32)
    pair = np.array([[seed % MOST], [0]], np.uint32)
    return np.asarray(draw(places, *pair), np.float32).reshape(shape)


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many values go into an output of these weights, and how many outputs a value goes into."""
    if len(shape) < 2:
        return shape[0], shape[0]
    receptive = math.prod(shape[:-2])
    return shape[-2] * receptive, shape[-1] * receptive
