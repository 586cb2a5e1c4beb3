"""Learning-rate schedules: plain functions of the epoch and of the losses so far."""

from __future__ import annotations

import math
from typing import Literal

ScheduleName = Literal["plateau", "cosine", "constant"]

PLATEAU_FACTOR = 1 / 2 ** (1 / 3)
"""The paper's section III-C: the rate is multiplied by 1/cbrt(2) when the loss stands still."""


class Schedule:
    """The learning rate of each epoch of one training.

    Parameters
    ----------
    name
        "plateau" (the paper's: the rate falls by `PLATEAU_FACTOR` after `patience` epochs without
        a lower training loss), "cosine" (half a cosine from `initial` to `final`), or "constant".
    initial, final
        The first rate and the lowest.
    epochs
        How many epochs will be run; shapes the cosine.
    patience
        Epochs without improvement that the plateau waits for.
    """

    def __init__(
        self, name: ScheduleName, *, initial: float, final: float, epochs: int, patience: int = 100
    ) -> None:
        self.name = name
        self.initial = initial
        self.final = final
        self.epochs = epochs
        self.patience = patience
        self.rate = initial
        self._best = math.inf
        self._waited = 0

    def step(self, epoch: int, last_loss: float | None) -> float:
        """Return the rate of `epoch` (from 0), given the training loss of the epoch before."""
        if self.name == "cosine":
            progress = epoch / max(self.epochs - 1, 1)
            self.rate = self.final + (self.initial - self.final) * (1 + math.cos(math.pi * progress)) / 2
        elif self.name == "plateau" and last_loss is not None:
            if last_loss < self._best:
                self._best, self._waited = last_loss, 0
            else:
                self._waited += 1
                if self._waited >= self.patience:
                    self.rate, self._waited = max(self.rate * PLATEAU_FACTOR, self.final), 0
        return self.rate
