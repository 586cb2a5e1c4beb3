"""Phase 1 (the paper's section III-C): the first training of a network, from random weights."""

from __future__ import annotations

from lstmfcn.data.folds import stratified_folds
from lstmfcn.data.series import Split
from lstmfcn.models import ModelName, build
from lstmfcn.training.engine import Engine, Progress, TrainingRecipe
from lstmfcn.training.outcome import Outcome, train_with_folds


def new_engine(train: Split, model: ModelName, *, cells: int | None, dropout: float, seed: int) -> Engine:
    """Return an engine for a network that fits a training split, its weights freshly drawn."""
    _, n_channels, length = train.X.shape
    network = build(
        model,
        n_channels=n_channels,
        length=length,
        n_classes=len(train.classes),
        cells=cells,
        dropout=dropout,
        seed=seed,
    )
    return Engine(network)


def train_phase1(
    engine: Engine,
    train: Split,
    recipe: TrainingRecipe,
    *,
    n_folds: int,
    seed: int,
    progress: Progress | None = None,
) -> Outcome:
    """Train from the engine's initial weights, on the whole training split and on its folds.

    Parameters
    ----------
    engine
        See `new_engine`.
    train
        The training split; nothing else is looked at.
    recipe
        How to train.
    n_folds
        The folds of the out-of-fold predictions.
    seed
        Decides folds, shuffling and dropout.
    progress
        Called with a line of text now and then.
    """
    fold = stratified_folds(train.y, n_folds, seed)
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
        progress=progress,
    )
