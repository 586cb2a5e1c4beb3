"""Training on TensorFlow: what `lstmfcn.training.loop` needs of a backend.

Another backend is a package beside this one that offers the same: `CompiledEpoch`, `BatchNormStatistics`,
`predictor` and `SIDE_BY_SIDE`.
"""

from __future__ import annotations

from lstmfcn.environment import load_backend

load_backend()  # before anything below imports it, which would not be quiet

from lstmfcn.training.tensorflow.epoch import CompiledEpoch  # noqa: E402
from lstmfcn.training.tensorflow.inference import predictor  # noqa: E402
from lstmfcn.training.tensorflow.statistics import BatchNormStatistics  # noqa: E402

__all__ = ["SIDE_BY_SIDE", "BatchNormStatistics", "CompiledEpoch", "predictor"]

SIDE_BY_SIDE = False
"""Trainings in threads are computed each by itself."""
