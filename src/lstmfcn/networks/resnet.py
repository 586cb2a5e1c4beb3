"""ResNet for time series (Wang, Yan and Oates, 2017, section II-C): three residual blocks.

Each is three convolutions. To their result comes the block's input, by a convolution of width 1 that gives it
as many maps; where it has these already, it is only normalised. The receptive field is 40 steps; FCN's is 14.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras

from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.initial import HeUniform
from lstmfcn.networks.padding import average, normalised

RECURRENT = False

FILTERS = (64, 128, 128)  # of the three blocks
KERNEL_SIZES = (8, 5, 3)  # of the three convolutions of each

# As in FCN, what sees the raw series stays in float32.
LOW_PRECISION = tuple(
    f"{kind}{block}_{number}"
    for block in range(1, len(FILTERS) + 1)
    for number in range(len(KERNEL_SIZES) + 1)
    for kind in ("conv", "norm", "relu")
    if (block, number) not in {(1, 0), (1, 1)}
)


def features(
    series: keras.KerasTensor,
    _architecture: Architecture,
    seeds: Iterator[int],
    within: keras.KerasTensor | None = None,
) -> keras.KerasTensor:
    """Return what the last layer sees, the means of 128 maps; see `lstmfcn.networks.build`."""
    x = keras.layers.Permute((2, 1), name="steps_first")(series)
    for block, filters in enumerate(FILTERS, start=1):
        x = _residual_block(x, block, filters, seeds, within)
    return average(x, within)


def _residual_block(
    x: keras.KerasTensor,
    block: int,
    filters: int,
    seeds: Iterator[int],
    within: keras.KerasTensor | None,
) -> keras.KerasTensor:
    shortcut = x
    for number, size in enumerate(KERNEL_SIZES, start=1):
        x = _convolution(x, filters, size, f"{block}_{number}", seeds, within)
        if number < len(KERNEL_SIZES):
            x = keras.layers.ReLU(name=f"relu{block}_{number}")(x)
    if shortcut.shape[-1] == filters:
        shortcut = normalised(_norm(f"{block}_0"), shortcut, within)
    else:
        shortcut = _convolution(shortcut, filters, 1, f"{block}_0", seeds, within)
    added = keras.layers.Add(name=f"add{block}")([x, shortcut])
    return keras.layers.ReLU(name=f"relu{block}_{len(KERNEL_SIZES)}")(added)


def _convolution(
    x: keras.KerasTensor,
    filters: int,
    size: int,
    name: str,
    seeds: Iterator[int],
    within: keras.KerasTensor | None,
) -> keras.KerasTensor:
    kernel = HeUniform(next(seeds))
    x = keras.layers.Conv1D(filters, size, padding="same", kernel_initializer=kernel, name=f"conv{name}")(x)
    return normalised(_norm(name), x, within)


def _norm(name: str) -> keras.layers.Layer:
    return keras.layers.BatchNormalization(momentum=0.99, epsilon=0.001, name=f"norm{name}")
