"""Splitting a dataset that comes as one file: a stratified share of it is the test split."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from lstmfcn.errors import DataError

TRIES = 10
"""How many shuffles of groups are looked at."""


def held_out(
    labels: NDArray[np.str_], *, groups: NDArray[np.str_] | None = None, share: float, seed: int = 0
) -> NDArray[np.bool_]:
    """Return which series are the test split, bool, shape (n_series,).

    Of each class the share is taken, at least one series and never all of them. A group, say a patient, is
    in one split as a whole: the split is one of scikit-learn's `StratifiedGroupKFold`, of several shuffles
    that which has the most classes in the test split and then the size nearest to the share.

    Parameters
    ----------
    labels, groups
        Text, shape (n_series,).
    share
        Of the test split, between 0 and 1.
    seed
        Decides who goes where.

    Raises
    ------
    DataError
        If no class has two series, or each split of the groups would leave a class without training series.
    """
    y = np.unique(labels, return_inverse=True)[1]
    if groups is not None:
        return _by_groups(y, groups, share, seed)
    rng = np.random.default_rng(seed)
    test = np.zeros(len(y), dtype=np.bool_)
    for k in range(int(y.max()) + 1):
        members = rng.permutation(np.flatnonzero(y == k))
        test[members[: min(max(1, round(share * len(members))), len(members) - 1)]] = True
    if not test.any():
        raise DataError("Each class has a single series: none is left for the test split. Name a test file.")
    return test


def _by_groups(y: NDArray[np.int64], groups: NDArray[np.str_], share: float, seed: int) -> NDArray[np.bool_]:
    from sklearn.model_selection import StratifiedGroupKFold

    n_groups, classes = len(np.unique(groups)), set(y.tolist())
    n_folds = min(max(2, round(1 / share)), n_groups, int(np.bincount(y).max()))
    if n_groups < 2 or n_folds < 2:
        raise DataError("There is one group only: it cannot be in one split and leave series for the other.")
    best: tuple[tuple[int, float], NDArray[np.bool_]] | None = None
    for shuffle in range(seed, seed + TRIES):
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=shuffle)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The least populated class")
            folds = list(splitter.split(y, y, groups))
        for _, held in folds:
            test = np.zeros(len(y), dtype=np.bool_)
            test[held] = True
            if len(held) and {*y[~test].tolist()} == classes:
                rank = (-len({*y[test].tolist()}), abs(float(test.mean()) - share))
                if best is None or rank < best[0]:
                    best = rank, test
    if best is None:
        raise DataError(
            "A class has series of one group only, and no split of the groups leaves training series of "
            "each class. Take the class out, or name a test file."
        )
    return best[1]
