"""Learning-rate schedules: plain functions of the epoch and of the losses so far."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lstmfcn.training.recipe import ScheduleName, TrainingRecipe

PLATEAU_FACTOR = 1 / 2 ** (1 / 3)
"""The paper's section IV: the rate is multiplied by 1/cbrt(2) when the loss stands still."""


def schedule_of(recipe: TrainingRecipe) -> Schedule:
    """Return the learning rates of one training by a recipe."""
    return Schedule(
        recipe.schedule,
        initial=recipe.initial_rate,
        final=recipe.final_rate,
        epochs=recipe.epochs,
        patience=recipe.patience,
        fitted_loss=recipe.fitted_loss,
        anneal_epochs=recipe.anneal_epochs,
    )


class Schedule:
    """The learning rate of each epoch of one training, and when the training ends.

    Parameters
    ----------
    name
        "fitted": constant until an epoch's training loss is below `fitted_loss`, then half a cosine
        down to `final` in `anneal_epochs`, and the end: an easy dataset gets few epochs and a hard one
        many, on evidence of the training series alone. "plateau" (the paper's): the rate falls by
        `PLATEAU_FACTOR` after `patience` epochs without a lower training loss. "cosine": half a cosine
        from `initial` to `final`. "constant".
    initial, final
        The first rate and the lowest.
    epochs
        The most epochs that will be run; all of them but for "fitted".
    patience, fitted_loss, anneal_epochs
        See `name`. Losses are in nats.
    """

    def __init__(
        self,
        name: ScheduleName,
        *,
        initial: float,
        final: float,
        epochs: int,
        patience: int,
        fitted_loss: float,
        anneal_epochs: int,
    ) -> None:
        self.name = name
        self.initial = initial
        self.final = final
        self.epochs = epochs
        self.patience = patience
        self.fitted_loss = fitted_loss
        self.anneal_epochs = min(anneal_epochs, epochs)
        self.rate = initial
        self._end = epochs
        self._best = math.inf
        self._waited = 0

    def step(self, epoch: int, last: float | None) -> float | None:
        """Return the rate of `epoch` (from 0), or None where the training has ended.

        Parameters
        ----------
        epoch
            The epoch that would be run next.
        last
            The training loss of the epoch before; for "plateau", what the weights are selected by.
        """
        if self.name == "fitted" and last is not None and last < self.fitted_loss:
            self._end = min(self._end, epoch + self.anneal_epochs)
        if epoch >= self._end:
            return None
        if self.name == "cosine":
            self.rate = self._annealed(epoch, self.epochs)
        elif self.name == "fitted":
            begun = epoch - (self._end - self.anneal_epochs)
            self.rate = self._annealed(begun, self.anneal_epochs) if begun >= 0 else self.initial
        elif self.name == "plateau" and last is not None:
            if last < self._best:
                self._best, self._waited = last, 0
            else:
                self._waited += 1
                if self._waited >= self.patience:
                    self.rate, self._waited = max(self.rate * PLATEAU_FACTOR, self.final), 0
        return self.rate

    def _annealed(self, epoch: int, epochs: int) -> float:
        progress = epoch / max(epochs - 1, 1)
        return self.final + (self.initial - self.final) * (1 + math.cos(math.pi * progress)) / 2
