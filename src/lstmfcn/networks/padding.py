"""Series that end before the others: NaN stands after their ends, and must change nothing.

Convolutions see zeros there, as they do beyond both ends of every series; batch norm's statistics and the
means over time are those of the steps within the series.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("lstmfcn")
class StepsWithin(keras.layers.Layer):
    """Says which steps are within each series: bool (batch, length)."""

    def call(self, series: Any) -> Any:
        """Return it of series of shape (batch, n_channels, length), in which NaN stands for nothing else."""
        return ops.logical_not(ops.isnan(series[:, 0, :]))


@keras.saving.register_keras_serializable("lstmfcn")
class ZerosAfterTheEnd(keras.layers.Layer):
    """Puts zeros in place of NaN."""

    def call(self, series: Any) -> Any:
        """Return the series without NaN, of the same shape."""
        return ops.where(ops.isnan(series), ops.zeros_like(series), series)


@keras.saving.register_keras_serializable("lstmfcn")
class Zeroed(keras.layers.Layer):
    """Sets to zero what a layer made of the steps after the end."""

    def call(self, x: Any, within: Any) -> Any:
        """Return `x`, shape (batch, length, n_maps), times 1 within the series and 0 after them."""
        return x * ops.expand_dims(ops.cast(within, x.dtype), -1)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """Let no mask of Keras's go further: the zeros are all that later layers need."""


@keras.saving.register_keras_serializable("lstmfcn")
class AverageWithin(keras.layers.Layer):
    """The mean over the steps within each series."""

    def call(self, x: Any, within: Any) -> Any:
        """Return the means, shape (batch, n_maps), of `x`, (batch, length, n_maps), which is zero after them.

        For a series without padding they are those of `GlobalAveragePooling1D`, to the bit.
        """
        steps = ops.sum(ops.cast(within, x.dtype), axis=1, keepdims=True)
        return ops.mean(x, axis=1) * (x.shape[1] / steps)


def without_padding(series: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return series with zeros after their ends, and which steps are within them."""
    return ZerosAfterTheEnd(name="zeros_after_the_end")(series), StepsWithin(name="within")(series)


def normalised(
    norm: keras.layers.Layer, x: keras.KerasTensor, within: keras.KerasTensor | None
) -> keras.KerasTensor:
    """Return what a batch norm makes of `x`; zeros after the ends, where some series have padding."""
    if within is None:
        return norm(x)
    return Zeroed(name=f"zeroed_{norm.name}")(norm(x, mask=within), within)


def average(x: keras.KerasTensor, within: keras.KerasTensor | None) -> keras.KerasTensor:
    """Return the means over time, by the layer "pooled"."""
    if within is None:
        return keras.layers.GlobalAveragePooling1D(name="pooled")(x)
    return AverageWithin(name="pooled")(x, within)
