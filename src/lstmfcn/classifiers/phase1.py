"""Phase 1 (the paper's section III-C): the first training of a network, from random weights."""

from __future__ import annotations

import functools
import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lstmfcn.classifiers.outcome import Outcome, train_with_folds
from lstmfcn.data.folds import stratified_folds
from lstmfcn.data.series import Split
from lstmfcn.networks.architecture import Architecture, Vote
from lstmfcn.networks.build import build
from lstmfcn.training.loop import Engine, Labelled, Progress
from lstmfcn.training.recipe import TrainingRecipe
from lstmfcn.training.weights import get_weights

if TYPE_CHECKING:
    import keras


def network_for(split: Split, architecture: Architecture | Vote, *, seed: int) -> keras.Model:
    """Return a network, or several that vote, that fits the shape of a split, its weights freshly drawn."""
    return _build(architecture, *_shape_for(split), seed)


def new_engine(split: Split, architecture: Architecture, *, seed: int) -> Engine:
    """Return an engine for a network that fits the shape of a split, its weights freshly drawn."""
    return engine_for(architecture, *_shape_for(split), seed)


def reused_engine(split: Split, architecture: Architecture, *, seed: int) -> Engine:
    """Return the engine of the last call, its weights drawn anew, if it fits; else a new one.

    Compiling takes about a second, as long as some trainings. This is for the jobs of a stage: a worker
    is done with one before it begins the next. Where jobs are done in threads, each has its own.
    """
    engine = _kept_engine(architecture, *_shape_for(split), threading.get_ident())
    engine.initial = get_weights(network_for(split, architecture, seed=seed))
    return engine


@functools.lru_cache(maxsize=1)
def _kept_engine(
    architecture: Architecture, n_channels: int, length: int, n_classes: int, padded: bool, _thread: int
) -> Engine:
    return engine_for(architecture, n_channels, length, n_classes, padded, seed=0)


def engine_for(
    architecture: Architecture, n_channels: int, length: int, n_classes: int, padded: bool, seed: int
) -> Engine:
    """Return an engine for a network that takes series of a shape, its weights freshly drawn."""
    model = _build(architecture, n_channels, length, n_classes, padded, seed)
    return Engine(model, import_module(architecture.module).LOW_PRECISION)


def _shape_for(split: Split) -> tuple[int, int, int, bool]:
    _, n_channels, length = split.X.shape
    return n_channels, length, len(split.classes), bool(np.isnan(split.X).any())


def _build(
    architecture: Architecture | Vote, n_channels: int, length: int, n_classes: int, padded: bool, seed: int
) -> keras.Model:
    return build(
        architecture, n_channels=n_channels, length=length, n_classes=n_classes, padded=padded, seed=seed
    )


def train_phase1(
    engine: Engine,
    train: Split,
    recipe: TrainingRecipe,
    *,
    n_folds: int,
    seed: int,
    selection: Split | None = None,
    progress: Progress | None = None,
    scratch: Path | None = None,
) -> Outcome:
    """Train from the engine's initial weights, on the whole training split and on its folds.

    Parameters
    ----------
    engine
        See `new_engine`.
    train
        The training split; nothing else is looked at, unless `selection` is given.
    recipe
        How to train.
    n_folds
        The folds of the out-of-fold predictions; there are none where `selection` is given.
    seed
        Decides folds, shuffling and dropout.
    selection
        The split that `protocol: paper` selects weights on, as the paper did; None otherwise.
    progress, scratch
        See `train_with_folds`.
    """
    fold = folds_of(train, n_folds, seed, selection)
    starts = [engine.initial] * (int(fold.max()) + 1)
    return train_with_folds(
        engine,
        train.X,
        train.y,
        recipe,
        fold=fold,
        start=engine.initial,
        fold_starts=starts,
        seed=seed,
        selection=labelled(selection),
        progress=progress,
        scratch=scratch,
    )


def folds_of(train: Split, n_folds: int, seed: int, selection: Split | None) -> NDArray[np.int64]:
    """Return the folds of a training split (`stratified_folds`); none where a split is selected on."""
    if selection is None:
        return stratified_folds(train.y, n_folds, seed, train.groups)
    return np.full(len(train.y), -1, dtype=np.int64)


def labelled(split: Split | None) -> Labelled | None:
    """Return a split's series and classes."""
    return None if split is None else (split.X, split.y)
