"""Fine-tuning (the paper's Algorithm 1)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lstmfcn.classifiers.outcome import Outcome, train_with_folds
from lstmfcn.classifiers.phase1 import folds_of, labelled
from lstmfcn.data.series import Split
from lstmfcn.training.loop import Engine, Progress
from lstmfcn.training.recipe import TrainingRecipe
from lstmfcn.training.weights import Weights


def iterate(
    engine: Engine,
    train: Split,
    recipe: TrainingRecipe,
    *,
    index: int,
    start: Weights,
    fold_starts: Sequence[Weights],
    n_folds: int,
    seed: int,
    selection: Split | None = None,
    progress: Progress | None = None,
    scratch: Path | None = None,
) -> Outcome:
    """Run one iteration of Algorithm 1.

    The initial learning rate is halved after each iteration and the batch size after every second
    one, down to 1e-4 and 32 (`TrainingRecipe.iteration`). Each fold is fine-tuned as well, from its
    own weights, so that every iteration has out-of-fold predictions. None is thrown away: which of
    them serves is decided on that evidence, when a champion is promoted.

    Parameters
    ----------
    engine
        Holds the network.
    train
        The training split; nothing else is looked at, unless `selection` is given.
    recipe
        That of the first iteration.
    index
        Which iteration, from 1.
    start, fold_starts
        The weights that phase 1, or the iteration before, left on the whole training split and on
        each fold.
    n_folds, seed
        As they were in phase 1: they give the same folds again.
    selection
        As in phase 1.
    progress, scratch
        See `train_with_folds`.
    """
    return train_with_folds(
        engine,
        train.X,
        train.y,
        recipe.iteration(index),
        fold=folds_of(train, n_folds, seed, selection),
        start=start,
        fold_starts=fold_starts,
        seed=seed + 100_000 * index,
        selection=labelled(selection),
        progress=(lambda message: progress(f"iteration {index}, {message}")) if progress else None,
        scratch=scratch,
    )
