"""FCN, LSTM-FCN and ALSTM-FCN (the paper's section III-A and Fig. 1).

Every network takes series of shape (n_channels, length) and returns class probabilities. The
convolutional branch sees them as `length` steps of `n_channels` features. The recurrent branch
sees them through the paper's dimension shuffle, as `n_channels` steps of `length` features: a
univariate series is one single step, so neither the LSTM's recurrent kernel nor its forget gate
can matter (its initial state is zero). That is what the paper and the authors' code do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import keras
import numpy as np

from lstmfcn.models.attention import AttentionLSTM

ModelName = Literal["fcn", "lstm_fcn", "alstm_fcn"]
MODEL_NAMES: tuple[ModelName, ...] = get_args(ModelName)

FILTERS = (128, 256, 128)
KERNEL_SIZES = (8, 5, 3)
UNROLLED_STEPS = 16  # more channels than that run as a loop: unrolled, they would bloat the graph


def build(
    name: ModelName,
    *,
    n_channels: int,
    length: int,
    n_classes: int,
    cells: int | None = None,
    dropout: float = 0.8,
    seed: int = 0,
) -> keras.Model:
    """Build one network with freshly initialised weights.

    Parameters
    ----------
    name
        The architecture.
    n_channels, length
        The shape of one series.
    n_classes
        The number of classes.
    cells
        The units of the LSTM; None for `fcn`, which has none.
    dropout
        The share of the recurrent branch's outputs dropped in training.
    seed
        Decides every initial weight and every dropout mask.

    Returns
    -------
    keras.Model
        Maps float32 (batch, n_channels, length) to probabilities, float32 (batch, n_classes). Its
        layer "logits" holds the scores before the softmax.

    Raises
    ------
    ValueError
        If the name is unknown, or `cells` does not fit it.
    """
    if name not in MODEL_NAMES:
        raise ValueError(f"Unknown model {name!r}; known are {', '.join(MODEL_NAMES)}.")
    if (cells is None) != (name == "fcn"):
        raise ValueError(f"cells={cells} does not fit {name}: fcn has no LSTM, the others need its width.")
    seeds = iter(np.random.SeedSequence(seed).generate_state(16).tolist())
    series = keras.Input((n_channels, length), name="series")
    features = _convolutional_branch(series, seeds)
    if cells is not None:
        recurrent = _recurrent_branch(name, series, cells=cells, dropout=dropout, seeds=seeds)
        features = keras.layers.Concatenate(name="features")([recurrent, features])
    logits = keras.layers.Dense(
        n_classes, kernel_initializer=keras.initializers.GlorotUniform(next(seeds)), name="logits"
    )(features)
    return keras.Model(series, keras.layers.Softmax(name="probabilities")(logits), name=name)


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
    name: str, series: keras.KerasTensor, *, cells: int, dropout: float, seeds: Iterator[int]
) -> keras.KerasTensor:
    unroll = series.shape[1] <= UNROLLED_STEPS
    kernel = keras.initializers.GlorotUniform(next(seeds))
    recurrent = keras.initializers.Orthogonal(seed=next(seeds))
    if name == "lstm_fcn":
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
            name="attention_lstm",
        )
    return keras.layers.Dropout(dropout, seed=next(seeds), name="dropout")(layer(series))
