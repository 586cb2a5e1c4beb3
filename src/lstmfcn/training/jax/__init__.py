"""Training on JAX, which pays on a card: it offers what `lstmfcn.training.tensorflow` does.

A small network leaves a card idle. So the trainings of one shape that are under way in the threads of a
process are computed as one stack (`stack.py`).
"""

from __future__ import annotations

from lstmfcn.environment import load_backend

load_backend()  # before anything below imports it, which would not be quiet

from lstmfcn.training.jax.epoch import CompiledEpoch  # noqa: E402
from lstmfcn.training.jax.inference import BatchNormStatistics, predictor  # noqa: E402

__all__ = ["SIDE_BY_SIDE", "BatchNormStatistics", "CompiledEpoch", "predictor"]

SIDE_BY_SIDE = True
"""Trainings in threads are computed as one."""
