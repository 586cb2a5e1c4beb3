"""Compiled networks that the estimators share: compiling one takes longer than many a training.

An engine is lent to one user at a time, who sets its weights and takes them away as arrays. So nothing of
one fit is left for the next, and threads do not meet.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lstmfcn.classifiers.phase1 import engine_for
from lstmfcn.environment import refuse_fork
from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.build import build
from lstmfcn.training.loop import Engine
from lstmfcn.training.weights import Weights, get_weights

KEPT = 8
"""So many idle engines at most, those that were used last."""


@dataclass(frozen=True)
class Shape:
    """What decides a compiled network. Batch size, rates and the number of series are arguments of it."""

    architecture: Architecture
    n_channels: int
    length: int
    n_classes: int
    padded: bool = False


_idle: list[tuple[Shape, Engine]] = []
_lock = threading.Lock()


@contextmanager
def borrowed_engine(shape: Shape) -> Iterator[Engine]:
    """Lend an engine for a shape, its weights those of whoever had it before.

    Raises
    ------
    ForkedProcessError
        See `lstmfcn.environment.refuse_fork`.
    DataError
        If the network does not fit the shape.
    """
    refuse_fork()
    with _lock:
        found = next((lent for lent in reversed(_idle) if lent[0] == shape), None)
        if found:
            _idle.remove(found)
            engine = found[1]
        else:  # one is made at a time: meanwhile another may come back
            engine = engine_for(**vars(shape), seed=0)
    yield engine
    # Whoever failed, or was interrupted, may have left it in any state: it is not lent again.
    with _lock:
        _idle.append((shape, engine))
        del _idle[:-KEPT]


@functools.lru_cache(maxsize=KEPT)
def initial_weights(shape: Shape, seed: int) -> Weights:
    """Return the weights that a network of a shape begins with."""
    return get_weights(build(**vars(shape), seed=seed))
