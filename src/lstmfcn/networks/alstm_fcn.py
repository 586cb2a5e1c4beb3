"""ALSTM-FCN: LSTM-FCN with the attention LSTM of the paper's section II-D."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.attention import AttentionLSTM
from lstmfcn.networks.lstm_fcn import LOW_PRECISION, with_recurrent_branch

__all__ = ["LOW_PRECISION", "RECURRENT", "features"]

RECURRENT = True


def features(
    series: keras.KerasTensor,
    architecture: Architecture,
    seeds: Iterator[int],
    within: keras.KerasTensor | None = None,
) -> keras.KerasTensor:
    """Return what the last layer sees; see `lstmfcn.networks.build`."""
    return with_recurrent_branch(series, architecture, seeds, _attention_lstm, within)


def _attention_lstm(cells: int, seeds: Iterator[int], **options: Any) -> keras.layers.Layer:
    return AttentionLSTM(cells, attention_seed=next(seeds), **options, name="attention_lstm")
