"""Layers that compute what Keras's own compute, in less time. They serve in training alone."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

CHUNK = 256
LONG = 1024


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch norm over (series, steps), in training by one fused kernel.

    Keras's own reads and writes its input a dozen times, a third of a large network's time.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return `inputs`, shape (batch, steps, channels), normalised by their own moments in training.

        With a mask, bool (batch, steps), by those of the steps within it; the others become zeros.
        """
        if not training:
            return super().call(inputs, training=training, mask=mask)
        if mask is None:
            normalised, *moments = self._fused(inputs)
        else:
            normalised, *moments = self._fused_within(inputs, mask)
        for moving, value in zip((self.moving_mean, self.moving_variance), moments, strict=True):
            finite = tf.where(tf.math.is_finite(value), value, moving.value)  # see CompiledEpoch
            moving.assign(moving.value * self.momentum + finite * (1 - self.momentum))
        return normalised

    def _fused(self, inputs: Any) -> tuple[Any, Any, Any]:
        """Return `inputs` normalised, their means and their variances."""
        normalised, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=tf.expand_dims(inputs, 2),
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=tf.zeros((0,)),
            variance=tf.zeros((0,)),
            epsilon=self.epsilon,
            is_training=True,
        )
        # The kernel's variance is the unbiased one, Keras's moving variance is of the biased ones.
        count = tf.cast(tf.shape(inputs)[0] * tf.shape(inputs)[1], tf.float32)
        return tf.squeeze(normalised, 2), mean, variance * (count - 1) / count

    def _fused_within(self, inputs: Any, mask: Any) -> tuple[Any, Any, Any]:
        """Return the same of the steps within the mask alone; the others become zeros."""
        normalised, mean, variance = self._fused(tf.boolean_mask(inputs, mask)[None])
        whole = tf.scatter_nd(tf.where(mask), normalised[0], tf.shape(inputs, tf.int64))
        return tf.ensure_shape(whole, inputs.shape), mean, variance


class ChunkedConv1D(keras.layers.Conv1D):
    """Keras's convolution with stride 1 and equal padding, its kernel's gradient summed over chunks.

    On a processor oneDNN's gradient of the kernel falls to a third of its speed on series longer than
    about a thousand steps; over chunks of them it does not.
    """

    def call(self, inputs: Any) -> Any:
        """Return the convolution of `inputs`, shape (batch, steps, channels)."""
        if inputs.shape[1] is None or inputs.shape[1] <= LONG:
            return super().call(inputs)
        convolved = tf.custom_gradient(_convolution_and_gradients)(inputs, tf.convert_to_tensor(self.kernel))
        return convolved + tf.convert_to_tensor(self.bias)


def _convolution_and_gradients(inputs: Any, kernel: Any) -> Any:
    size, steps = kernel.shape[0], inputs.shape[1]
    n_chunks = -(-steps // CHUNK)
    before = (size - 1) // 2  # what "SAME" pads in front
    missing = n_chunks * CHUNK - steps

    def gradients(upstream: Any) -> Any:
        to_inputs = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(inputs[:, None]),
            filter=kernel[None],
            out_backprop=upstream[:, None],
            strides=[1, 1, 1, 1],
            padding="SAME",
        )
        padded = tf.pad(inputs, [[0, 0], [before, missing + size - 1 - before], [0, 0]])
        chunks = tf.signal.frame(padded, CHUNK + size - 1, CHUNK, axis=1)
        to_kernel = tf.raw_ops.Conv2DBackpropFilter(
            input=tf.reshape(chunks, (-1, 1, CHUNK + size - 1, inputs.shape[2])),
            filter_sizes=tf.shape(kernel[None]),
            out_backprop=tf.reshape(
                tf.pad(upstream, [[0, 0], [0, missing], [0, 0]]), (-1, 1, CHUNK, kernel.shape[2])
            ),
            strides=[1, 1, 1, 1],
            padding="VALID",
        )
        return to_inputs[:, 0], to_kernel[0]

    return tf.nn.conv1d(inputs, kernel, 1, "SAME"), gradients


FASTER: dict[type, Any] = {
    keras.layers.BatchNormalization: FusedBatchNormalization,
    keras.layers.Conv1D: ChunkedConv1D,
}
"""The layer that takes the place of each in training."""
