"""FCN: the convolutional branch alone (Wang, Yan and Oates, 2017; the paper's section II-A and Fig. 1)."""

from __future__ import annotations

from collections.abc import Iterator

import keras

from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.initial import HeUniform
from lstmfcn.networks.padding import average, normalised

RECURRENT = False

FILTERS = (128, 256, 128)
KERNEL_SIZES = (8, 5, 3)

# The convolutions of these blocks are 99 % of the arithmetic. The first block stays in float32: series
# may differ by less than bfloat16's eight bits can tell, until they are convolved and normalised.
LOW_PRECISION = ("conv2", "norm2", "relu2", "conv3", "norm3", "relu3")


def features(
    series: keras.KerasTensor,
    _architecture: Architecture,
    seeds: Iterator[int],
    within: keras.KerasTensor | None = None,
) -> keras.KerasTensor:
    """Return what the last layer sees; see `lstmfcn.networks.build`."""
    return convolutional_branch(series, seeds, within)


def convolutional_branch(
    series: keras.KerasTensor, seeds: Iterator[int], within: keras.KerasTensor | None = None
) -> keras.KerasTensor:
    """Return the means over time of three blocks of convolution, batch norm and ReLU, shape (batch, 128)."""
    x = keras.layers.Permute((2, 1), name="steps_first")(series)
    for block, (filters, size) in enumerate(zip(FILTERS, KERNEL_SIZES, strict=True), start=1):
        x = keras.layers.Conv1D(
            filters,
            size,
            padding="same",
            kernel_initializer=HeUniform(next(seeds)),
            name=f"conv{block}",
        )(x)
        norm = keras.layers.BatchNormalization(momentum=0.99, epsilon=0.001, name=f"norm{block}")
        x = normalised(norm, x, within)
        x = keras.layers.ReLU(name=f"relu{block}")(x)
    return average(x, within)
