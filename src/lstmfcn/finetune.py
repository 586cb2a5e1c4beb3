"""Fine-tuning (the paper's Algorithm 1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lstmfcn.data.folds import stratified_folds
from lstmfcn.data.series import Split
from lstmfcn.training.engine import Engine, Progress, TrainingRecipe
from lstmfcn.training.outcome import Outcome, train_with_folds
from lstmfcn.training.weights import Weights


def fine_tune(
    engine: Engine,
    train: Split,
    recipe: TrainingRecipe,
    *,
    iterations: int,
    start: Weights,
    fold_starts: Sequence[Weights],
    n_folds: int,
    seed: int,
    progress: Progress | None = None,
) -> Iterator[Outcome]:
    """Train K times, each time from the weights of the time before (Algorithm 1).

    No iteration is thrown away here: which of them serves is decided on out-of-fold evidence, when
    a champion is promoted.

    Parameters
    ----------
    iterations
        The paper's K.
    engine, train, recipe, start, fold_starts, n_folds, seed, progress
        As for `iterate`, of the first iteration.

    Yields
    ------
    Outcome
        Of each iteration, as it ends.
    """
    for index in range(1, iterations + 1):
        outcome = iterate(
            engine,
            train,
            recipe,
            index=index,
            start=start,
            fold_starts=fold_starts,
            n_folds=n_folds,
            seed=seed,
            progress=progress,
        )
        start, fold_starts = outcome.weights, outcome.fold_weights
        yield outcome


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
    progress: Progress | None = None,
) -> Outcome:
    """Run one iteration of Algorithm 1.

    The initial learning rate is halved after each iteration and the batch size after every second
    one, down to 1e-4 and 32 (`TrainingRecipe.iteration`). Each fold is fine-tuned as well, from its
    own weights, so that every iteration has out-of-fold predictions.

    Parameters
    ----------
    engine
        Holds the network.
    train
        The training split; nothing else is looked at.
    recipe
        That of the first iteration.
    index
        Which iteration, from 1.
    start, fold_starts
        The weights that phase 1, or the iteration before, left on the whole training split and on
        each fold.
    n_folds, seed
        As they were in phase 1: they give the same folds again.
    progress
        Called with a line of text now and then.
    """
    return train_with_folds(
        engine,
        train.X,
        train.y,
        recipe.iteration(index),
        fold=stratified_folds(train.y, n_folds, seed),
        start=start,
        fold_starts=fold_starts,
        seed=seed + 100_000 * index,
        progress=(lambda message: progress(f"iteration {index}, {message}")) if progress else None,
    )
