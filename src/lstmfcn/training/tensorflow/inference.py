"""Predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


def predictor(model: keras.Model) -> Callable[[Any], Any]:
    """Return a compiled function from series, float32 (batch, n_channels, length), to probabilities."""
    compiled: Callable[[Any], Any] = tf.function(
        lambda x: model(x, training=False),
        input_signature=[tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)],
        autograph=False,
    )
    return compiled
