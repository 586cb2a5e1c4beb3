"""MiniRocket as a network (Dempster, Schmidt and Webb, 2021): 84 given kernels by many dilations.

A feature is the share of a series' steps at which what a kernel answers exceeds a bias. Nothing in it is
learned by gradient steps: biases and the last layer are fitted (`lstmfcn.classifiers.mini_rocket`). As a
network it is served, explained and put among others like any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from lstmfcn.networks.architecture import Architecture

RECURRENT = False
LOW_PRECISION = ()

SIZE = 9
KERNELS = tuple(combinations(range(SIZE), 3))
"""Each of the 84 kernels by its three places of weight 2; at the others it has -1."""

FEATURES = 10_000
MOST_DILATIONS = 32


def features(
    series: keras.KerasTensor,
    _architecture: Architecture,
    _seeds: Iterator[int],
    within: keras.KerasTensor | None = None,  # noqa: ARG001 - zeros after the ends count as values
) -> keras.KerasTensor:
    """Return the shares, shape (batch, 9,996); see `lstmfcn.networks.build`."""
    x = keras.layers.Permute((2, 1), name="steps_first")(series)
    shares = []
    for i, (dilation, n_biases) in enumerate(dilations(series.shape[-1])):
        answers = keras.layers.Conv1D(
            len(KERNELS),
            SIZE,
            dilation_rate=dilation,
            padding="same",
            use_bias=False,
            trainable=False,
            name=f"conv{i}",
        )(x)
        whole = (np.arange(len(KERNELS)) + i) % 2 == 0
        shares.append(
            ShareAbove(n_biases, dilation * (SIZE // 2), whole.tolist(), name=f"pooled{i}")(answers)
        )
    return keras.layers.Concatenate(name="features")(shares) if len(shares) > 1 else shares[0]


def dilations(length: int) -> list[tuple[int, int]]:
    """Return each dilation for series of a length, and how many biases each kernel has there.

    Raises
    ------
    ValueError
        If a series has fewer values than a kernel.
    """
    if length < SIZE:
        raise ValueError(f"MiniRocket takes series of {SIZE} values or more, and these have {length}.")
    per_kernel = FEATURES // len(KERNELS)
    n = min(per_kernel, MOST_DILATIONS)
    exponents = np.logspace(0, np.log2((length - 1) / (SIZE - 1)), n, base=2)
    found, counts = np.unique(exponents.astype(np.int32), return_counts=True)
    n_biases = (counts * (per_kernel / n)).astype(np.int32)
    for i in range(per_kernel - int(n_biases.sum())):
        n_biases[i % len(n_biases)] += 1
    return list(zip(found.tolist(), n_biases.tolist(), strict=True))


@keras.saving.register_keras_serializable("lstmfcn")
class ShareAbove(keras.layers.Layer):
    """The share of steps at which each map is above each of its biases.

    Parameters
    ----------
    n_biases
        Of each map.
    margin
        So many steps at either end, whose answers lean on zeros beyond the series, are left out of some maps.
    whole
        Which maps they are not left out of.
    """

    def __init__(self, n_biases: int, margin: int, whole: list[bool], **options: Any) -> None:
        super().__init__(trainable=False, **options)
        self.n_biases, self.margin, self.whole = n_biases, margin, whole

    def build(self, shape: tuple[int | None, int, int]) -> None:
        """Make the biases, float32 (n_maps, n_biases)."""
        self.biases = self.add_weight(
            shape=(shape[2], self.n_biases), initializer="zeros", trainable=False, name="biases"
        )
        steps, whole = np.arange(shape[1]), np.array(self.whole)
        self._inner = ((steps >= self.margin) & (steps < len(steps) - self.margin))[:, np.newaxis]
        # The mean over all steps, times this, is the mean over those that are not left out.
        self._times = np.where(whole, 1, len(steps) / self._inner.sum()).astype(np.float32)

    def call(self, x: Any) -> Any:
        """Return the shares, (batch, n_maps * n_biases), map by map, of maps (batch, length, n_maps)."""
        shares = [ops.mean(above, axis=1) * self._times for above in self._above(x)]
        return ops.reshape(ops.stack(shares, axis=2), (-1, x.shape[2] * self.n_biases))

    def maps(self, x: Any, weights: NDArray[np.float32]) -> Any:
        """Return what each step adds to each class's score, (batch, length, n_classes).

        Parameters
        ----------
        x
            As for `call`.
        weights
            The last layer's of the shares, (n_maps * n_biases, n_classes).
        """
        of_bias = weights.reshape(x.shape[2], self.n_biases, -1) * self._times[:, np.newaxis, np.newaxis]
        return sum(ops.matmul(above, of_bias[:, j]) for j, above in enumerate(self._above(x)))

    def _above(self, x: Any) -> Iterator[Any]:
        """Yield for each bias, as 1 and 0, where the maps are above it, and not left out."""
        counting = ops.where(ops.logical_or(self._inner, np.array(self.whole)), x, -np.inf)
        for j in range(self.n_biases):
            yield ops.cast(counting > self.biases[:, j], x.dtype)

    def compute_output_shape(self, shape: tuple[int | None, int, int]) -> tuple[int | None, int]:
        """Return the shape of the shares."""
        return shape[0], shape[2] * self.n_biases

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        own = {"n_biases": self.n_biases, "margin": self.margin, "whole": self.whole}
        return {name: value for name, value in (super().get_config() | own).items() if name != "trainable"}
