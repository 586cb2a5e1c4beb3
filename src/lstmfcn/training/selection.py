"""Selecting weights on the test split, as the paper did: only under `protocol: paper`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FIRST_BATCH = 16


class Selection:
    """Counts errors on the series to select on, for as long as the count can still be the fewest.

    An epoch is selected only if it has fewer errors than every epoch before. So the series that were
    missed most often are predicted first, in batches of doubling size, and an epoch is given up once it
    has as many errors as the best one: the selected epoch is the same, for a small part of the predictions.
    """

    def __init__(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> None:
        self.X, self.y = X, y
        self.fewest = len(y) + 1
        self._missed = np.zeros(len(y), np.int64)

    def errors(self, predict: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> int:
        """Return the number of errors where it is the fewest so far, else some number not below it."""
        order = np.argsort(-self._missed, kind="stable")
        count, first, size = 0, 0, FIRST_BATCH
        while first < len(order):
            batch = order[first : first + size]
            first, size = first + size, 2 * size
            wrong = predict(self.X[batch]).argmax(axis=1) != self.y[batch]
            self._missed[batch] += wrong
            count += int(wrong.sum())
            if count >= self.fewest:
                return count
        self.fewest = count
        return count
