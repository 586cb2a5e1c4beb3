"""Stratified folds of a training split that may have very small classes, and groups that stay together."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray


def stratified_folds(
    y: NDArray[np.int64], n_folds: int, seed: int, groups: NDArray[np.str_] | None = None
) -> NDArray[np.int64]:
    """Assign each series to the fold that holds it out.

    A class is spread over as many folds as it has series, so each of its series is still held out
    once while the others train. The only series of a class is never held out: no fold could predict
    a class it has not seen. With groups, all of this holds for groups in place of series: the series of a
    group are held out together, or never.

    Parameters
    ----------
    y
        int64, shape (n_series,): class indices.
    n_folds
        How many folds; fewer where no class has as many series.
    seed
        Decides who goes where.
    groups
        Text, shape (n_series,): to which patient or machine each series belongs; None where each is on its
        own.

    Returns
    -------
    int64, shape (n_series,)
        The fold, from 0, that holds out each series; -1 for a series that always trains.
    """
    if groups is not None:
        return _grouped_folds(y, n_folds, seed, groups)
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


def _grouped_folds(
    y: NDArray[np.int64], n_folds: int, seed: int, groups: NDArray[np.str_]
) -> NDArray[np.int64]:
    """Put each group where it leaves the classes spread most evenly over the folds.

    As scikit-learn's `StratifiedGroupKFold`, but no fold holds all of a class: a group that would have to
    complete one in every fold always trains.
    """
    _, group = np.unique(groups, return_inverse=True)
    n_groups, n_classes = int(group.max()) + 1, int(y.max()) + 1
    counts = np.zeros((n_groups, n_classes))  # of the series of each class in each group
    np.add.at(counts, (group, y), 1)
    total = counts.sum(axis=0)
    fold_of = np.full(n_groups, -1, dtype=np.int64)
    held = np.zeros((min(n_folds, n_groups), n_classes))
    order = np.random.default_rng(seed).permutation(n_groups)
    for g in order[np.argsort(-counts[order].std(axis=1), kind="stable")]:  # the most uneven first
        after = held[:, None] + np.eye(len(held))[..., None] * counts[g]  # (fold, fold it would go to, class)
        spread = (after / total.clip(1)).std(axis=0).mean(axis=1)
        allowed = ((held + counts[g] < total) | (counts[g] == 0)).all(axis=1)
        if allowed.any():
            sizes = held.sum(axis=1)
            best = min(np.flatnonzero(allowed), key=lambda k: (spread[k].round(12), sizes[k], k))
            fold_of[g] = best
            held[best] += counts[g]
    used = np.unique(fold_of[fold_of >= 0])
    fold_of[fold_of >= 0] = np.searchsorted(used, fold_of[fold_of >= 0])  # no fold is empty
    folds: NDArray[np.int64] = fold_of[group]
    return folds
