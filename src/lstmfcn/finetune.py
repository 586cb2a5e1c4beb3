"""Fine-tuning (the paper's Algorithm 1)."""

from __future__ import annotations

from collections.abc import Iterator

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
    fold_starts: list[Weights],
    n_folds: int,
    seed: int,
    progress: Progress | None = None,
) -> Iterator[Outcome]:
    """Train K times, each time from the weights of the time before (Algorithm 1).

    The initial learning rate is halved after each iteration and the batch size after every second
    one, down to 1e-4 and 32 (`TrainingRecipe.iteration`). Each fold is fine-tuned as well, from its
    own weights, so that every iteration has out-of-fold predictions. No iteration is thrown away
    here: which of them serves is decided on that evidence, when a champion is promoted.

    Parameters
    ----------
    engine
        Holds the network.
    train
        The training split; nothing else is looked at.
    recipe
        That of the first iteration.
    iterations
        The paper's K.
    start, fold_starts
        The weights phase 1 left, on the whole training split and on each fold.
    n_folds, seed
        As they were in phase 1: they give the same folds again.
    progress
        Called with a line of text now and then.

    Yields
    ------
    Outcome
        Of each iteration, as it ends.
    """
    fold = stratified_folds(train.y, n_folds, seed)
    for index in range(1, iterations + 1):
        prefix = f"fine-tuning {index}/{iterations}, "
        outcome = train_with_folds(
            engine,
            train.X,
            train.y,
            recipe.iteration(index),
            fold=fold,
            start=start,
            fold_starts=fold_starts,
            seed=seed + 100_000 * index,
            progress=(lambda message, prefix=prefix: progress(prefix + message)) if progress else None,  # type: ignore[misc]
        )
        start, fold_starts = outcome.weights, list(outcome.fold_weights)
        yield outcome
