"""LITE: a light network with long kernels (Ismail-Fawaz et al., 2023, section III).

Its first layer sees shapes of three lengths at once, and beside what it learns stand kernels that are given:
they answer to rises, falls and peaks. Then come two separable, dilated convolutions. What it learns sees 114
steps, with the widest given kernel before it 170; FCN sees 14, with 27 times as many weights.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
from numpy.typing import NDArray

from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.initial import GlorotUniform
from lstmfcn.networks.padding import average, normalised

RECURRENT = False

FILTERS = 32
KERNEL_SIZES = (40, 20, 10)  # of the first layer; those of the other two are halved likewise, and dilated
DILATIONS = (2, 4)

RISES = (2, 4, 8, 16, 32, 64)  # the sizes of the kernels that answer to rises, and to falls
PEAKS = (6, 12, 24, 48, 96)  # and to peaks

LOW_PRECISION = ("conv2", "norm2", "relu2", "conv3", "norm3", "relu3")


def features(
    series: keras.KerasTensor,
    _architecture: Architecture,
    seeds: Iterator[int],
    within: keras.KerasTensor | None = None,
) -> keras.KerasTensor:
    """Return what the last layer sees, the means of 32 maps; see `lstmfcn.networks.build`."""
    x = keras.layers.Permute((2, 1), name="steps_first")(series)
    learned = [
        keras.layers.Conv1D(
            FILTERS,
            size,
            padding="same",
            use_bias=False,
            kernel_initializer=GlorotUniform(next(seeds)),
            name=f"conv1_{size}",
        )(x)
        for size in KERNEL_SIZES
    ]
    given = keras.layers.Concatenate(name="given")([_given(kernels, x) for kernels in given_kernels()])
    x = keras.layers.Concatenate(name="maps")([keras.layers.ReLU(name="relu_given")(given), *learned])
    x = _activated(x, 1, within)
    for block, (size, dilation) in enumerate(zip(KERNEL_SIZES[1:], DILATIONS, strict=True), start=2):
        x = keras.layers.SeparableConv1D(
            FILTERS,
            size,
            padding="same",
            dilation_rate=dilation,
            use_bias=False,
            depthwise_initializer=GlorotUniform(next(seeds)),
            pointwise_initializer=GlorotUniform(next(seeds)),
            name=f"conv{block}",
        )(x)
        x = _activated(x, block, within)
    return average(x, within)


def given_kernels() -> list[NDArray[np.float32]]:
    """Return the kernels that are not learned, by their size: float32 (size, n_kernels).

    Those of a size are two, for rises and for falls, or one, for peaks: three humps of a parabola's rise and
    fall, of which the middle one is above zero and makes up for the others.
    """
    found = []
    for size in RISES:
        wave = np.where(np.arange(size) % 2, 1.0, -1.0)
        found.append(np.stack([wave, -wave], axis=1))
    for size in PEAKS:
        rise = np.linspace(0, 1, size // 6 + 1)[1:] ** 2
        hump = np.concatenate([rise, rise[::-1]])
        found.append(np.concatenate([-hump, 2 * hump, -hump])[:, np.newaxis])
    return [kernels.astype(np.float32) for kernels in found]


def _given(kernels: NDArray[np.float32], x: keras.KerasTensor) -> keras.KerasTensor:
    """Return the answers of kernels that are not learned, summed over the channels."""
    size, n_kernels = kernels.shape
    kind = "trends" if n_kernels > 1 else "peaks"
    layer = keras.layers.Conv1D(
        n_kernels, size, padding="same", use_bias=False, trainable=False, name=f"{kind}_{size}"
    )
    answers = layer(x)
    layer.set_weights([np.repeat(kernels[:, np.newaxis], x.shape[-1], axis=1)])
    return answers


def _activated(x: keras.KerasTensor, block: int, within: keras.KerasTensor | None) -> keras.KerasTensor:
    norm = keras.layers.BatchNormalization(momentum=0.99, epsilon=0.001, name=f"norm{block}")
    return keras.layers.ReLU(name=f"relu{block}")(normalised(norm, x, within))
