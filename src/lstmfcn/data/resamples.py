"""Resamples: other splits of a dataset into training and test series, drawn as the field draws them.

Resample 0 is the dataset's own split. Resample r pools training and test series and draws, with r as the
seed, as many training series of each class as the own split has. aeon's function does it, as tsml-eval's does
in the field's experiments: results of equal resamples are of the same series.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.lengths import ends, to_width
from lstmfcn.data.series import LabelledSeries

OF_ITS_OWN = {"truncate": "shortest", "pad": "longest"}
"""Of which training series a policy takes the length, where none is asked for."""


def resampled(
    train: LabelledSeries, test: LabelledSeries, number: int
) -> tuple[LabelledSeries, LabelledSeries]:
    """Return the training and the test series of a resample.

    Parameters
    ----------
    train, test
        The dataset's own split, to which nothing is an `obstacle`.
    number
        Which resample; 0 is the own split, returned as it is.

    Returns
    -------
    train, test
        As many series of each class as the own split has, and in them each of its series once, in the order
        of aeon's `stratified_resample_data`.
    """
    if not number:
        return train, test
    own, other = drawn(_labels(train), _labels(test), number)
    every = _pooled(train, test)
    return every.take(own), every.take(other)


def drawn(
    train: NDArray[np.str_], test: NDArray[np.str_], number: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which series a resample trains and tests on, counted from 0, the test split's after the others.

    Parameters
    ----------
    train, test
        The labels of the own split as text, in which order classes are drawn, shape (n_series,) each.
    number
        The seed.
    """
    from aeon.benchmarking.resampling import stratified_resample_data_indices

    with warnings.catch_warnings():
        # scikit-learn takes many classes of few series each for a regression.
        warnings.filterwarnings("ignore", message="The number of unique classes is greater than 50%")
        own, other = stratified_resample_data_indices(train, test, random_state=number)
    return own.astype(np.int64), other.astype(np.int64)


def obstacle(train: LabelledSeries, test: LabelledSeries, policies: Mapping[str, Any]) -> str:
    """Return why a dataset has its own split alone, a sentence with the remedy; nothing where it has others.

    Parameters
    ----------
    train, test
        The own split.
    policies
        `lengths` and `length` of `params.yaml`.
    """
    if train.groups is not None or test.groups is not None:
        return (
            "its series belong to groups: to keep a group in one split, and as many series of each class in "
            "either, cannot both be had. Several seeds say how far the training alone moves a figure."
        )
    if lone := sorted({*_labels(train).tolist()} ^ {*_labels(test).tolist()}):
        return f"the class {lone[0]} has series in one split only. Take it out, or give both splits of it."
    kind = OF_ITS_OWN.get(policies.get("lengths", "refuse"))
    if kind is None or policies.get("length") is not None:
        return ""
    found = np.concatenate([ends(train.X), ends(test.X)])
    if found.min() == found.max():
        return ""
    needed = found.min() if kind == "shortest" else found.max()
    return (
        f"its series have {found.min()} to {found.max()} values, and the {kind} of other training series "
        f"would not do for each of the test series. Set prepare.length to {needed}."
    )


def _labels(series: LabelledSeries) -> NDArray[np.str_]:
    return np.array([], np.str_) if series.labels is None else series.labels


def _pooled(train: LabelledSeries, test: LabelledSeries) -> LabelledSeries:
    """Return the series of both splits, the training split's first, on rows that count through both."""
    width = max(train.X.shape[-1], test.X.shape[-1])
    lengths = None
    if train.lengths is not None or test.lengths is not None:
        lengths = np.concatenate([train.ends(), test.ends()])
    X = np.concatenate([to_width(series.X, width) for series in (train, test)])
    return LabelledSeries(
        X,
        np.concatenate([_labels(train), _labels(test)]),
        np.arange(1, len(X) + 1),
        train.path.with_name("the training and the test series"),
        lengths=lengths,
    )
