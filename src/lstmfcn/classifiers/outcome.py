"""What one training gave: weights, learning curve and out-of-fold predictions, and their files."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.environment import n_threads
from lstmfcn.errors import DataError
from lstmfcn.evaluation.scores import accuracy, log_loss
from lstmfcn.files import read_arrays
from lstmfcn.runs.predictions import Predictions
from lstmfcn.training.checkpoint import Checkpoint
from lstmfcn.training.loop import Engine, History, Labelled, Progress, backend
from lstmfcn.training.recipe import TrainingRecipe
from lstmfcn.training.weights import Weights, get_weights


@dataclass(frozen=True)
class OutOfFold:
    """Predictions on the training split, each by a model that has not seen the series.

    Attributes
    ----------
    y
        int64, shape (n_series,): the true classes.
    fold
        int64, shape (n_series,): who held each series out; -1 for a series without a prediction.
    probabilities
        float32, shape (n_series, n_classes); NaN for a series without a prediction.
    """

    y: NDArray[np.int64]
    fold: NDArray[np.int64]
    probabilities: NDArray[np.float32]

    @property
    def accuracy(self) -> float | None:
        """The share of held-out series predicted right; None if none could be held out."""
        held = self.fold >= 0
        return accuracy(self.y[held], self.probabilities[held].argmax(axis=1)) if held.any() else None

    @property
    def loss(self) -> float | None:
        """The mean negative log-likelihood of the held-out series, in nats."""
        held = self.fold >= 0
        return log_loss(self.y[held], self.probabilities[held]) if held.any() else None


@dataclass(frozen=True)
class Outcome:
    """One training on the whole training split, and the same recipe on each fold.

    Attributes
    ----------
    weights
        Those kept of the training on the whole split; None for a classifier of which none are kept.
    fold_weights
        Those kept of each fold's training.
    history
        The learning curve of the training on the whole split; None for a classifier without epochs.
    out_of_fold
        The predictions of the folds' models.
    """

    weights: Weights | None
    fold_weights: tuple[Weights, ...]
    history: History | None
    out_of_fold: OutOfFold

    @property
    def metrics(self) -> dict[str, float | None]:
        """What the run of this training is judged by."""
        evidence = {"oof_accuracy": self.out_of_fold.accuracy, "oof_log_loss": self.out_of_fold.loss}
        if self.history is None:
            return evidence
        kept, selected = self.history.kept_epoch, self.history.selection_accuracy
        metrics = evidence | {"kept_epoch": float(kept), "final_loss": float(self.history.loss[-1])}
        return metrics if selected is None else metrics | {"selection_accuracy": float(selected[kept - 1])}

    def files(self, classes: tuple[str, ...], *, folds: bool = True) -> dict[str, bytes]:
        """Return the outcome as files by name; equal outcomes give equal bytes.

        Parameters
        ----------
        classes
            The labels, in the order of the network's outputs.
        folds
            Whether the weights of the folds are among them.
        """
        oof = self.out_of_fold
        labels = np.array(classes)[oof.y]
        predictions = Predictions(
            classes=classes, probabilities=oof.probabilities, labels=labels, fold=oof.fold
        )
        files = {"oof.csv": predictions.to_csv(digits=9)}  # every metric can be computed from it, to the bit
        if self.weights is not None:
            files["weights.npz"] = pack_weights(self.weights)
        kept = self.fold_weights if folds else ()
        files |= {f"fold-{k}.npz": pack_weights(weights) for k, weights in enumerate(kept)}
        if self.history is not None:
            files["history.csv"] = self.history.to_csv()
        return files


def pack_weights(weights: Weights) -> bytes:
    """Return named arrays as the bytes of an `.npz` file, without pickle."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **dict(weights))
    return file.getvalue()


def unpack_weights(content: bytes) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of `pack_weights`; a pickle in the file is refused.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    try:
        return read_arrays(content)
    except ValueError as error:
        raise DataError(f"A file of weights is damaged: {error}. Train the network again.") from error


def fold_weights(files: Mapping[str, bytes]) -> list[dict[str, NDArray[np.float32]]]:
    """Return the weights of each fold from the files of an outcome."""
    n_folds = sum(name.startswith("fold-") for name in files)
    return [unpack_weights(files[f"fold-{k}.npz"]) for k in range(n_folds)]


def train_with_folds(
    engine: Engine,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    recipe: TrainingRecipe,
    *,
    fold: NDArray[np.int64],
    start: Weights,
    fold_starts: Sequence[Weights],
    seed: int,
    selection: Labelled | None = None,
    progress: Progress | None = None,
    scratch: Path | None = None,
) -> Outcome:
    """Train on the whole split, and on each fold's part of it, by one recipe.

    Parameters
    ----------
    engine
        Holds the network; one compiled graph serves all trainings.
    X, y
        The training split: float32 (n_series, n_channels, length) and int64 (n_series,).
    recipe
        How to train.
    fold
        int64, shape (n_series,): see `lstmfcn.data.folds.stratified_folds`.
    start
        The weights that the training on the whole split starts from.
    fold_starts
        Those of each fold. They must not have seen the series the fold holds out.
    seed
        Decides shuffling and dropout.
    selection
        See `Engine.train`. No fold is trained then: what was selected on these series cannot be
        judged by out-of-fold predictions, and `fold` has to be -1 throughout.
    progress
        Called with a line of text now and then.
    scratch
        A folder for the checkpoints of these trainings; without one there are none.
    """

    def train_whole(engine: Engine) -> tuple[Weights, History]:
        history = engine.train(
            X,
            y,
            recipe,
            start=start,
            seed=seed,
            selection=selection,
            progress=_prefixed(progress, "whole training split"),
            checkpoint=_checkpoint(scratch, "whole"),
        )
        return get_weights(engine.model), history

    folds = _trainings_of_folds(X, y, recipe, fold, fold_starts, seed, progress, scratch)
    *done, (weights, history) = _trained(engine, [*folds, train_whole])
    out_of_fold, kept = _held_out(engine, y, fold, done)
    return Outcome(weights, kept, history, out_of_fold)


def cross_validate(
    engine: Engine,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    recipe: TrainingRecipe,
    *,
    fold: NDArray[np.int64],
    starts: Sequence[Weights],
    seed: int,
    progress: Progress | None = None,
    scratch: Path | None = None,
) -> tuple[OutOfFold, tuple[Weights, ...]]:
    """Train on each fold's part of a training split and predict what the fold holds out.

    The parameters are those of `train_with_folds`, `starts` its `fold_starts`.

    Returns
    -------
    OutOfFold, tuple of Weights
        The predictions, and the weights each fold kept.
    """
    folds = _trainings_of_folds(X, y, recipe, fold, starts, seed, progress, scratch)
    return _held_out(engine, y, fold, _trained(engine, folds))


Training = Callable[[Engine], Any]
"""Trains with an engine, which is its own meanwhile, and returns what that gave."""


def _trained(engine: Engine, trainings: Sequence[Training]) -> list[Any]:
    """Return what each training gave, in their order; as many are done at once as a job has threads.

    Each is computed by one thread, so that no result depends on how many there are; or all are computed
    together, where the backend does so.
    """
    size = len(trainings) if backend.SIDE_BY_SIDE else min(n_threads(), len(trainings))
    if size <= 1:
        return [train(engine) for train in trainings]
    idle: SimpleQueue[Engine] = SimpleQueue()
    for one in engine.crew(size):
        idle.put(one)

    def train_with_an_idle_one(train: Training) -> Any:
        own = idle.get()
        try:
            return train(own)
        finally:
            idle.put(own)

    with ThreadPoolExecutor(size) as threads:
        return list(threads.map(train_with_an_idle_one, trainings))


def _trainings_of_folds(
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    recipe: TrainingRecipe,
    fold: NDArray[np.int64],
    starts: Sequence[Weights],
    seed: int,
    progress: Progress | None,
    scratch: Path | None,
) -> list[Training]:
    """Return the training of each fold; see `cross_validate`. It gives weights and probabilities."""
    n_folds = int(fold.max()) + 1
    if len(starts) != n_folds:
        raise ValueError(f"{n_folds} folds need as many weights to start from, not {len(starts)}.")

    def train_fold(k: int, engine: Engine) -> tuple[Weights, NDArray[np.float32]]:
        held, rest = fold == k, fold != k
        engine.train(
            X[rest],
            y[rest],
            recipe,
            start=starts[k],
            seed=seed + 1000 * (k + 1),
            progress=_prefixed(progress, f"fold {k + 1}/{n_folds}"),
            checkpoint=_checkpoint(scratch, f"fold-{k}"),
        )
        return get_weights(engine.model), engine.predict(X[held])

    return [partial(train_fold, k) for k in range(n_folds)]


def _held_out(
    engine: Engine,
    y: NDArray[np.int64],
    fold: NDArray[np.int64],
    done: Sequence[tuple[Weights, NDArray[np.float32]]],
) -> tuple[OutOfFold, tuple[Weights, ...]]:
    """Return the predictions of all folds, and the weights of each."""
    probabilities = np.full((len(y), engine.model.output_shape[-1]), np.nan, dtype=np.float32)
    for k, (_, predicted) in enumerate(done):
        probabilities[fold == k] = predicted
    return OutOfFold(y, fold, probabilities), tuple(weights for weights, _ in done)


def _checkpoint(scratch: Path | None, name: str) -> Checkpoint | None:
    return Checkpoint(scratch / f"{name}.npz") if scratch else None


def _prefixed(progress: Progress | None, prefix: str) -> Progress | None:
    return (lambda message: progress(f"{prefix}, {message}")) if progress else None
