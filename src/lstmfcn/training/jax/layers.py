"""Layers that compute what Keras's own compute, written for many networks of one shape.

Programs of JAX are compiled for a number of series. So batches are filled up, and rows that are none of
theirs count for nothing: a `Pass` says which do, and what else a layer has to know of what is traced.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import keras
import numpy as np

from lstmfcn.networks.randomness import uniform


@dataclass
class Pass:
    """One pass of a batch through a network.

    Attributes
    ----------
    rows
        Which rows of the batch count, bool (batch,).
    training
        Whether batch norm takes the batch's own moments, and dropout drops.
    seed, place
        Of the dropout masks, uint32: the training's seed, and how many batches there were before.
    moments
        In a pass that is not training: what each batch norm saw, (mean, variance, number of steps).
    """

    rows: Any
    training: bool = False
    seed: Any = None
    place: Any = None
    moments: list[tuple[Any, Any, Any]] = field(default_factory=list)


_traced = threading.local()


@contextmanager
def traced(one: Pass) -> Iterator[Pass]:
    """Make a pass the one that the layers of this thread are traced in."""
    _traced.one = one
    try:
        yield one
    finally:
        del _traced.one


class ProductConv1D(keras.layers.Conv1D):
    """Keras's convolution with stride 1 and equal padding as one matrix product.

    Stacked, it is a batch of matrix products; of a stacked convolution XLA makes a slow, grouped one.
    """

    def call(self, inputs: Any) -> Any:
        """Return the convolution of `inputs`, shape (batch, steps, channels)."""
        if self.strides != (1,) or self.dilation_rate != (1,) or self.groups != 1 or self.padding != "same":
            return super().call(inputs)
        windows = jnp.concatenate(_windows(inputs, self.kernel_size[0], 1), axis=-1)
        kernel = jnp.asarray(self.kernel, windows.dtype).reshape(-1, self.filters)
        product = jnp.matmul(windows, kernel)
        return product + jnp.asarray(self.bias, product.dtype) if self.use_bias else product


class ProductSeparableConv1D(keras.layers.SeparableConv1D):
    """Keras's separable convolution with stride 1 and equal padding, without a grouped one."""

    def call(self, inputs: Any) -> Any:
        """Return the convolution of `inputs`, shape (batch, steps, channels)."""
        if self.strides != (1,) or self.depth_multiplier != 1 or self.padding != "same" or self.use_bias:
            return super().call(inputs)
        windows = _windows(inputs, self.kernel_size[0], self.dilation_rate[0])
        kernel = jnp.asarray(self.depthwise_kernel, inputs.dtype)
        deep = sum(window * kernel[k, :, 0] for k, window in enumerate(windows))
        return jnp.matmul(deep, jnp.asarray(self.pointwise_kernel, inputs.dtype)[0])


def _windows(inputs: Any, size: int, dilation: int) -> list[Any]:
    """Return what each place of a kernel sees, zeros beyond both ends: `inputs`, shifted."""
    steps, reach = inputs.shape[1], (size - 1) * dilation
    padded = jnp.pad(inputs, ((0, 0), (reach // 2, reach - reach // 2), (0, 0)))
    return [padded[:, k * dilation : k * dilation + steps] for k in range(size)]


class RowsBatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch norm over (series, steps), of the rows that count, and of the steps within the mask."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return `inputs`, shape (batch, steps, channels), normalised."""
        one: Pass = _traced.one
        x = jnp.asarray(inputs, jnp.float32)
        counts = jnp.broadcast_to(one.rows[:, None], x.shape[:2])
        counts = (counts if mask is None else counts & mask).astype(jnp.float32)[..., None]
        total = jnp.maximum(counts.sum(), 1)
        mean = (x * counts).sum((0, 1)) / total
        variance = (jnp.square(x - mean) * counts).sum((0, 1)) / total
        if training:
            for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                finite = jnp.where(jnp.isfinite(value), value, moving.value)  # see `Stack`
                moving.assign(moving.value * self.momentum + finite * (1 - self.momentum))
        else:
            one.moments.append((mean, variance, counts.sum()))
            mean, variance = self.moving_mean.value, self.moving_variance.value
        scale = self.gamma.value / jnp.sqrt(variance + self.epsilon)
        return jnp.asarray((x - mean) * scale + self.beta.value, self.compute_dtype)


class PlacedDropout(keras.layers.Dropout):
    """Keras's dropout, its masks from `lstmfcn.networks.randomness`: those that TensorFlow draws."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return `inputs` with some of them zero in training, the others the larger."""
        one: Pass = _traced.one
        if not training or self.rate == 0:
            return inputs
        index = np.arange(np.prod(inputs.shape), dtype=np.uint32).reshape(inputs.shape)
        kept = uniform(index, one.seed, one.place) >= np.float32(self.rate)
        return jnp.where(kept, inputs * np.float32(1 / (1 - self.rate)), 0)


TWINS: dict[type, Any] = {
    keras.layers.BatchNormalization: RowsBatchNormalization,
    keras.layers.Conv1D: ProductConv1D,
    keras.layers.Dropout: PlacedDropout,
    keras.layers.SeparableConv1D: ProductSeparableConv1D,
}
"""The layer that takes the place of each."""
