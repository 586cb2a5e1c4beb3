"""Stratified folds of a training split that may have very small classes."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray


def stratified_folds(y: NDArray[np.int64], n_folds: int, seed: int) -> NDArray[np.int64]:
    """Assign each series to the fold that holds it out.

    A class is spread over as many folds as it has series, so each of its series is still held out
    once while the others train. The only series of a class is never held out: no fold could predict
    a class it has not seen.

    Parameters
    ----------
    y
        int64, shape (n_series,): class indices.
    n_folds
        How many folds; fewer where no class has as many series.
    seed
        Decides who goes where.

    Returns
    -------
    int64, shape (n_series,)
        The fold, from 0, that holds out each series; -1 for a series that always trains.
    """
    from sklearn.model_selection import StratifiedKFold

    folds = np.full(len(y), -1, dtype=np.int64)
    counts = np.bincount(y)
    eligible = np.flatnonzero(counts[y] > 1)
    if len(eligible) == 0:
        return folds
    n_folds = min(n_folds, int(counts.max()))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
        for fold, (_, held_out) in enumerate(splitter.split(eligible, y[eligible])):
            folds[eligible[held_out]] = fold
    return folds
