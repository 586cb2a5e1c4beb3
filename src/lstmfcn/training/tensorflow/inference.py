"""Arrays to the device, and predictions back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from numpy.typing import NDArray


def constant(values: NDArray[Any] | int) -> Any:
    """Return values as a tensor."""
    return tf.constant(values)


def predictor(model: keras.Model) -> Callable[[Any], Any]:
    """Return a compiled function from series, float32 (batch, n_channels, length), to probabilities."""
    compiled: Callable[[Any], Any] = tf.function(
        lambda x: model(x, training=False),
        input_signature=[tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)],
        autograph=False,
    )
    return compiled
