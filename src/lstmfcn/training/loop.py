"""Training and evaluating one network: the loop over the epochs, and which weights are kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.batches import batches, trained_at_once
from lstmfcn.environment import keras_defaults, load_backend
from lstmfcn.errors import LstmfcnError
from lstmfcn.training.checkpoint import Checkpoint, TrainingState, training_hash
from lstmfcn.training.recipe import Compute, TrainingRecipe
from lstmfcn.training.schedule import schedule_of
from lstmfcn.training.selection import Selection
from lstmfcn.training.weights import Weights, class_weights, get_weights, set_weights

if TYPE_CHECKING:
    import keras

    from lstmfcn.training import tensorflow

backend: Any = import_module(f"lstmfcn.training.{load_backend()}")
"""What trains here, one of the packages beside this module."""

Progress = Callable[[str], None]
Observe = Callable[["EpochEnd"], bool]
Labelled = tuple[NDArray[np.float32], NDArray[np.int64]]

EXPLODED = 1e6  # nats


class TrainingDivergedError(LstmfcnError):
    """The training loss is no longer a number, or beyond all measure. The last finite weights are kept."""


@dataclass(frozen=True)
class EpochEnd:
    """What an epoch gave: its number, from 1, and the values of `History`."""

    epoch: int
    loss: float
    accuracy: float
    rate: float


@dataclass(frozen=True)
class History:
    """What each epoch of one training gave: float64 arrays of shape (n_epochs,).

    Attributes
    ----------
    loss, accuracy
        Over the epoch's own batches, with dropout and class weights in effect.
    rate
        The learning rate.
    kept_epoch
        After which epoch (from 1) the kept weights were taken; 0 for those the training started from.
    selection_accuracy
        The highest so far on the series the weights are selected on; None where there are none.
    """

    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    rate: NDArray[np.float64]
    kept_epoch: int
    selection_accuracy: NDArray[np.float64] | None = None

    def to_csv(self) -> bytes:
        """Return the epochs as a CSV; equal histories give equal bytes."""
        import pandas as pd

        columns = {"loss": self.loss, "accuracy": self.accuracy, "learning_rate": self.rate}
        if self.selection_accuracy is not None:
            columns["selection_accuracy"] = self.selection_accuracy
        epochs = pd.RangeIndex(1, len(self.loss) + 1, name="epoch")
        return pd.DataFrame(columns, index=epochs).to_csv(float_format="%.9g").encode()


class Engine:
    """Trains and evaluates one network, any number of times.

    Parameters
    ----------
    model
        A network of `lstmfcn.networks.build`. Its weights are those of the engine.
    low_precision
        See `CompiledEpoch`.
    """

    def __init__(self, model: keras.Model, low_precision: Collection[str] = ()) -> None:
        self.model = model
        self._low_precision = low_precision
        self.initial = get_weights(model)
        self._statistics = backend.BatchNormStatistics(model)
        self._epochs: dict[Compute, tensorflow.CompiledEpoch] = {}
        self._probabilities = backend.predictor(model)
        self._others: list[Engine] = []

    def crew(self, size: int) -> list[Engine]:
        """Return so many engines for the same network, itself the first; the others are kept.

        Each has weights of its own, which are no good before some are set: a training sets those that it
        starts from. Any of them gives the same result, so that they can be used at once.
        """
        import keras

        while len(self._others) < size - 1:
            with keras_defaults():
                model = keras.models.clone_model(self.model)
            self._others.append(Engine(model, self._low_precision))
        return [self, *self._others[: size - 1]]

    def train(
        self,
        X: NDArray[np.float32],
        y: NDArray[np.int64],
        recipe: TrainingRecipe,
        *,
        start: Weights,
        seed: int,
        series_weights: NDArray[np.float32] | None = None,
        selection: Labelled | None = None,
        observe: Observe | None = None,
        progress: Progress | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> History:
        """Train from the weights `start` with a fresh optimizer; the kept weights stay in the model.

        Parameters
        ----------
        X
            float32, shape (n_series, n_channels, length).
        y
            int64, shape (n_series,).
        recipe
            How to train.
        start
            The weights to start from, as `get_weights` returns them.
        seed
            Decides the order of the series and the dropout masks.
        series_weights
            The weight of each series in the loss, float32, shape (n_series,), in place of what
            `class_weighting` says.
        selection
            Series and classes as X and y, for the criterion "test_accuracy" alone. Training ends
            early where all of them are predicted right: no later epoch could be selected.
        observe
            Called after each epoch; where it returns true, the training ends.
        progress
            Called with a line of text every few seconds.
        checkpoint
            Where the training is kept on its way: one that was killed goes on from there, to the same
            weights bit for bit. The other arguments have to be the same again.

        Raises
        ------
        TrainingDivergedError
            If the loss stops being a finite number, or explodes. The last finite weights are kept, in
            the model and beside the checkpoint.
        ValueError
            If the criterion needs series to select on and there are none, or the other way round.
        """
        if (recipe.criterion == "test_accuracy") != (selection is not None):
            raise ValueError(f"The criterion {recipe.criterion} does not fit selection={selection}.")
        compiled = self.compiled(recipe.compute)
        state = None
        if checkpoint:
            chosen_on = () if selection is None else selection
            checkpoint.training = training_hash(recipe.model_dump_json(), seed, start, X, y, *chosen_on)
            try:
                state = checkpoint.load()
            except ValueError as error:
                if progress:
                    progress(f"{checkpoint.path} is not gone on from ({error}): it starts anew")
        try:
            if state:
                compiled.restore(state.network)
            else:
                state = TrainingState(before=start if recipe.criterion == "train_loss" else None)
                compiled.start(start, seed)
            if series_weights is None:
                n_classes = self.model.output_shape[-1]
                equal = np.ones(n_classes, np.float32)
                series_weights = (class_weights(y, n_classes) if recipe.class_weighting else equal)[y]
            series = compiled.series(X, y, series_weights)
            batch_size = min(recipe.batch_size, len(y), trained_at_once(*X.shape[1:]))
            schedule = schedule_of(recipe)
            lasts = state.watched if recipe.schedule == "plateau" else state.loss
            for epoch, last in enumerate([None, *lasts][: len(lasts)]):
                schedule.step(epoch, last)
            chosen = None if selection is None else Selection(*selection)
            if chosen is not None and state.watched:
                chosen.fewest = int(min(state.watched))
            told = time.monotonic()
            begun = len(state.loss)
            for epoch in range(begun, recipe.epochs):
                if chosen is not None and chosen.fewest == 0:
                    break
                rate = schedule.step(epoch, lasts[-1] if lasts else None)
                if rate is None:
                    break
                loss, accuracy = compiled.run(*series, batch_size=batch_size, rate=rate, seed=(seed, epoch))
                if not loss < EXPLODED:
                    compiled.copy_to(self.model)
                    kept = checkpoint.keep(get_weights(self.model)) if checkpoint else None
                    raise TrainingDivergedError(
                        f"The training loss became {loss:g} in epoch {epoch + 1} of {recipe.epochs} "
                        f"(learning rate {rate:.2g}). Lower the initial rate, or look for extreme values."
                        + (f" The last finite weights are in {kept}." if kept else "")
                    )
                watched, best = loss, min(state.watched, default=math.inf)
                if chosen is not None:
                    self.settle(X, recipe)
                    watched = chosen.errors(self.predict)
                if recipe.criterion == "last":
                    state.kept_epoch = epoch + 1
                elif recipe.criterion == "train_loss":
                    if loss < best:
                        state.kept, state.kept_epoch = state.before, epoch
                    state.before = compiled.weights()
                elif watched < best:
                    state.kept, state.kept_epoch = get_weights(self.model), epoch + 1
                state.loss.append(loss)
                state.accuracy.append(accuracy)
                state.rate.append(rate)
                state.watched.append(watched)
                if checkpoint and checkpoint.due():
                    checkpoint.save(replace(state, network=compiled.state()))
                if progress and time.monotonic() - told > 10:
                    told = time.monotonic()
                    progress(f"epoch {epoch + 1}/{recipe.epochs}, loss {loss:.4f}")
                if observe and observe(EpochEnd(epoch + 1, loss, accuracy, rate)):
                    break
            if checkpoint and len(state.loss) > begun:
                checkpoint.save(replace(state, network=compiled.state()))
        finally:
            compiled.stop()
        if state.kept is None:
            compiled.copy_to(self.model)
        else:
            set_weights(self.model, state.kept)
        if recipe.recompute_statistics:
            self._statistics.recompute(X)
        return History(
            np.array(state.loss),
            np.array(state.accuracy),
            np.array(state.rate),
            state.kept_epoch,
            1 - np.minimum.accumulate(state.watched) / len(chosen.y) if chosen is not None else None,
        )

    def compiled(self, compute: Compute) -> tensorflow.CompiledEpoch:
        """Return the network as it is trained in a number format; made when first asked for."""
        if compute not in self._epochs:
            self._epochs[compute] = backend.CompiledEpoch(self.model, compute, self._low_precision)
        return self._epochs[compute]

    def settle(self, X: NDArray[np.float32], recipe: TrainingRecipe) -> None:
        """Give the model the weights that the training by `recipe` has come to, ready to predict.

        Parameters
        ----------
        X, recipe
            Those of the training, which is under way.
        """
        self.compiled(recipe.compute).copy_to(self.model)
        if recipe.recompute_statistics:
            self._statistics.recompute(X)

    def predict(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return class probabilities, float32 (n_series, n_classes), for (n_series, n_channels, length)."""
        return np.asarray(np.concatenate([self._probabilities(batch) for batch in batches(X)]), np.float32)
