"""FCN, LSTM-FCN and ALSTM-FCN (the paper's section III-A and Fig. 1).

Every network takes series of shape (n_channels, length) and returns class probabilities. The
convolutional branch sees them as `length` steps of `n_channels` features. The recurrent branch
sees them through the paper's dimension shuffle, as `n_channels` steps of `length` features: a
univariate series is one single step, so neither the LSTM's recurrent kernel nor its forget gate
can matter (its initial state is zero). That is what the paper and the authors' code do; `Architecture`
has options that give the LSTM several steps.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np

from lstmfcn.environment import keras_defaults
from lstmfcn.errors import DataError
from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.attention import AttentionLSTM

FILTERS = (128, 256, 128)
KERNEL_SIZES = (8, 5, 3)
UNROLLED_STEPS = 16  # more steps than that run as a loop: unrolled, they would bloat the graph


@keras_defaults()
def build(
    architecture: Architecture, *, n_channels: int, length: int, n_classes: int, seed: int = 0
) -> keras.Model:
    """Build one network with freshly initialised weights.

    Parameters
    ----------
    architecture
        Which network.
    n_channels, length
        The shape of one series.
    n_classes
        The number of classes.
    seed
        Decides every initial weight and every dropout mask.

    Returns
    -------
    keras.Model
        Maps float32 (batch, n_channels, length) to probabilities, float32 (batch, n_classes). Its
        layer "logits" holds the scores before the softmax.

    Raises
    ------
    DataError
        If there are more segments than values in a series.
    """
    if architecture.segments > length:
        raise DataError(
            f"A series of {length} values cannot be cut into {architecture.segments} segments. Take fewer."
        )
    seeds = iter(np.random.SeedSequence(seed).generate_state(16).tolist())
    series = keras.Input((n_channels, length), name="series")
    features = _convolutional_branch(series, seeds)
    if architecture.cells is not None:
        recurrent = _recurrent_branch(architecture, series, architecture.cells, seeds)
        features = keras.layers.Concatenate(name="features")([recurrent, features])
    logits = keras.layers.Dense(
        n_classes, kernel_initializer=keras.initializers.GlorotUniform(next(seeds)), name="logits"
    )(features)
    return keras.Model(series, keras.layers.Softmax(name="probabilities")(logits), name=architecture.name)


def _convolutional_branch(series: keras.KerasTensor, seeds: Iterator[int]) -> keras.KerasTensor:
    x = keras.layers.Permute((2, 1), name="steps_first")(series)
    for block, (filters, size) in enumerate(zip(FILTERS, KERNEL_SIZES, strict=True), start=1):
        x = keras.layers.Conv1D(
            filters,
            size,
            padding="same",
            kernel_initializer=keras.initializers.HeUniform(next(seeds)),
            name=f"conv{block}",
        )(x)
        x = keras.layers.BatchNormalization(momentum=0.99, epsilon=0.001, name=f"norm{block}")(x)
        x = keras.layers.ReLU(name=f"relu{block}")(x)
    return keras.layers.GlobalAveragePooling1D(name="pooled")(x)


def _recurrent_branch(
    architecture: Architecture, series: keras.KerasTensor, cells: int, seeds: Iterator[int]
) -> keras.KerasTensor:
    steps = _recurrent_steps(architecture, series)
    unroll = steps.shape[1] <= UNROLLED_STEPS
    kernel = keras.initializers.GlorotUniform(next(seeds))
    recurrent = keras.initializers.Orthogonal(seed=next(seeds))
    if architecture.name == "lstm_fcn":
        layer = keras.layers.LSTM(
            cells, kernel_initializer=kernel, recurrent_initializer=recurrent, unroll=unroll, name="lstm"
        )
    else:
        attention_seed = next(seeds)
        layer = AttentionLSTM(
            cells,
            kernel_initializer=kernel,
            recurrent_initializer=recurrent,
            attention_seed=attention_seed,
            unroll=unroll,
            name="attention_lstm",
        )
    return keras.layers.Dropout(architecture.dropout, seed=next(seeds), name="dropout")(layer(steps))


def _recurrent_steps(architecture: Architecture, series: keras.KerasTensor) -> keras.KerasTensor:
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
