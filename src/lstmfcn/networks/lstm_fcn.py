"""LSTM-FCN (the paper's section III-A and Fig. 1): an LSTM beside the convolutional branch.

The recurrent branch sees the series through the paper's dimension shuffle, as `n_channels` steps of `length`
features: a univariate series is one single step, so neither the LSTM's recurrent kernel nor its forget gate
can matter (its initial state is zero). That is what the paper and the authors' code do; `Architecture` has
options that give the LSTM several steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras

from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.fcn import LOW_PRECISION, convolutional_branch
from lstmfcn.networks.initial import GlorotUniform, Orthogonal

__all__ = ["LOW_PRECISION", "RECURRENT", "features", "with_recurrent_branch"]

RECURRENT = True

UNROLLED_STEPS = 16  # more steps than that run as a loop: unrolled, they would bloat the graph


def features(
    series: keras.KerasTensor,
    architecture: Architecture,
    seeds: Iterator[int],
    within: keras.KerasTensor | None = None,
) -> keras.KerasTensor:
    """Return what the last layer sees; see `lstmfcn.networks.build`."""
    return with_recurrent_branch(series, architecture, seeds, _lstm, within)


def _lstm(cells: int, _seeds: Iterator[int], **options: Any) -> keras.layers.Layer:
    return keras.layers.LSTM(cells, **options, name="lstm")


def with_recurrent_branch(
    series: keras.KerasTensor,
    architecture: Architecture,
    seeds: Iterator[int],
    new_layer: Callable[..., keras.layers.Layer],
    within: keras.KerasTensor | None = None,
) -> keras.KerasTensor:
    """Return the features of a recurrent layer and of the convolutional branch, in this order.

    Parameters
    ----------
    series, architecture, seeds, within
        See `lstmfcn.networks.build`. The recurrent layer sees zeros after the end of a series.
    new_layer
        Called with the number of cells, the seeds and the options that recurrent layers share.
    """
    convolutional = convolutional_branch(series, seeds, within)
    steps = recurrent_steps(series, architecture)
    layer = new_layer(
        architecture.cells,
        seeds,
        kernel_initializer=GlorotUniform(next(seeds)),
        recurrent_initializer=Orthogonal(seed=next(seeds)),
        unroll=steps.shape[1] <= UNROLLED_STEPS,
    )
    recurrent = keras.layers.Dropout(architecture.dropout, seed=next(seeds), name="dropout")(layer(steps))
    return keras.layers.Concatenate(name="features")([recurrent, convolutional])


def recurrent_steps(series: keras.KerasTensor, architecture: Architecture) -> keras.KerasTensor:
    """Return the series as the recurrent branch sees them, shape (batch, steps, features)."""
    _, n_channels, length = series.shape
    if not architecture.dimension_shuffle:
        return keras.layers.Permute((2, 1), name="one_step_a_value")(series)
    segments = architecture.segments
    if segments == 1:
        return series
    features = -(-length // segments)
    if missing := features * segments - length:
        last_first = keras.layers.Permute((2, 1), name="pad_from")(series)
        padded = keras.layers.ZeroPadding1D((0, missing), name="padded")(last_first)
        series = keras.layers.Permute((2, 1), name="pad_to")(padded)
    return keras.layers.Reshape((n_channels * segments, features), name="segments")(series)
