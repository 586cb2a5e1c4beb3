"""The table of classifiers. A new one is a row here, and its network's module if it is a network.

The references, estimators of other libraries, have a table of their own.

Classifiers of other packages join it by an entry point of the group "lstmfcn.classifiers" that names a
`Classifier`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from lstmfcn.classifiers.base import (
    Classifier,
    EnsembleClassifier,
    NetworkClassifier,
    ReferenceClassifier,
)
from lstmfcn.classifiers.library import LibraryClassifier, RocketClassifier
from lstmfcn.errors import LstmfcnError, nearest
from lstmfcn.networks.architecture import Architecture, Vote
from lstmfcn.plugins import points

TABLE: tuple[Classifier, ...] = (
    NetworkClassifier(
        name="fcn",
        title="FCN",
        summary="The fully convolutional network (Wang, Yan and Oates, 2017).",
        estimator="FCNClassifier",
    ),
    NetworkClassifier(
        name="lstm_fcn",
        title="LSTM-FCN",
        summary="LSTM-FCN (Karim et al., 2017, section III).",
        estimator="LSTMFCNClassifier",
        recurrent=True,
        paper={"phase1": "lstm_fcn", "finetuned": "ft_lstm_fcn"},
    ),
    NetworkClassifier(
        name="alstm_fcn",
        title="ALSTM-FCN",
        summary="LSTM-FCN with the attention LSTM of the paper's section II-D.",
        estimator="ALSTMFCNClassifier",
        recurrent=True,
        attention=True,
        paper={"phase1": "alstm_fcn", "finetuned": "ft_alstm_fcn"},
    ),
    NetworkClassifier(
        name="resnet",
        title="ResNet",
        summary="The residual network of Wang, Yan and Oates (2017, section II-C).",
        estimator="ResNetClassifier",
    ),
    NetworkClassifier(
        name="lite",
        title="LITE",
        summary="A light network with long kernels (Ismail-Fawaz et al., 2023).",
        estimator="LITEClassifier",
        fine_tuned=False,
    ),
    EnsembleClassifier(
        name="ensemble",
        title="Ensemble",
        summary="The mean of the probabilities of all networks that phase 1 has trained.",
    ),
)

REFERENCES: tuple[ReferenceClassifier, ...] = (
    RocketClassifier(
        name="mini_rocket",
        title="MiniRocket",
        summary="MiniRocket (Dempster, Schmidt and Webb, 2021) and a ridge classifier, as aeon has them.",
        source="aeon.classification.convolution_based:MiniRocketClassifier",
        network="mini_rocket",
        libraries=("aeon", "numba"),
        shortest=9,  # of its kernels
        most_series=10_000,  # its authors take another classifier from there on
    ),
    LibraryClassifier(
        name="multi_rocket_hydra",
        title="MultiRocket-Hydra",
        summary="MultiRocket and Hydra (Dempster, Schmidt and Webb, 2023) and a ridge classifier, as aeon "
        "has them.",
        source="aeon.classification.convolution_based:MultiRocketHydraClassifier",
        libraries=("aeon", "numba", "torch"),
        extra="hydra",
        shortest=10,  # of its kernels, in the differences of a series
        most_series=5_000,  # five times MiniRocket's features
    ),
    LibraryClassifier(
        name="dtw",
        title="1-NN DTW",
        summary="The nearest neighbour by dynamic time warping within a tenth of the length (Sakoe and "
        "Chiba, 1978), as aeon has it.",
        source="aeon.classification.distance_based:KNeighborsTimeSeriesClassifier",
        options={"n_neighbors": 1, "distance": "dtw", "distance_params": {"window": 0.1}},
        libraries=("aeon", "numba"),
        most_cells=1e13,  # some hours
    ),
)

GROUP = "lstmfcn.classifiers"


def classifiers() -> dict[str, Classifier]:
    """Return every classifier by its name: those of the tables, then those of other packages."""
    return {row.name: row for row in (*TABLE, *REFERENCES)} | {
        row.name: row for row, _ in _of_other_packages()
    }


def code_of(row: Classifier) -> tuple[str, ...]:
    """Return the modules that a classifier's results depend on, its own package's among them."""
    return (*row.code, *(module for other, module in _of_other_packages() if other == row))


@functools.cache
def _of_other_packages() -> tuple[tuple[Classifier, str], ...]:
    """Return the classifiers that other packages bring, each with the module that it stands in.

    Raises
    ------
    LstmfcnError
        Naming the entry point that brings none, or one whose name is taken.
    """
    taken = {row.name for row in (*TABLE, *REFERENCES)}
    found = []
    for point in points(GROUP):
        row = point.load()
        if not isinstance(row, Classifier) or row.name in taken:
            what = (
                f"a second {row.name}" if isinstance(row, Classifier) else f"{row!r}, which is no Classifier"
            )
            raise LstmfcnError(
                f"The entry point {point.value} ({GROUP}) brings {what}. Mend its package, or take it out."
            )
        taken.add(row.name)
        found.append((row, point.module))
    return tuple(found)


def references() -> dict[str, ReferenceClassifier]:
    """Return every reference by its name, those of other packages too."""
    return {name: row for name, row in classifiers().items() if isinstance(row, ReferenceClassifier)}


def classifier_named(name: str) -> Classifier:
    """Return the classifier of a name.

    Raises
    ------
    LstmfcnError
        If there is none; names the nearest.
    """
    known = classifiers()
    if name not in known:
        raise LstmfcnError(f"There is no classifier {name!r}: {', '.join(known)}.{nearest(name, known)}")
    return known[name]


def network_named(name: str) -> NetworkClassifier:
    """Return the network of a name.

    Raises
    ------
    LstmfcnError
        If there is none, or it is another kind of classifier.
    """
    row = classifier_named(name)
    if not isinstance(row, NetworkClassifier):
        raise LstmfcnError(f"{row.title} is no network: it has no weights that are kept.")
    return row


def architecture_of(name: str, params: Mapping[str, Any]) -> Architecture | Vote:
    """Return the network that a run of a classifier with these parameters has trained, or those that vote.

    Raises
    ------
    LstmfcnError
        If a name is no network's.
    ValueError
        If it is not written as `member_of` writes it.
    """
    row = classifier_named(name)
    if isinstance(row, NetworkClassifier | RocketClassifier):
        return row.architecture_of(params)
    if not isinstance(row, EnsembleClassifier):
        raise LstmfcnError(f"{row.title} is no network: it has no weights that are kept.")
    members = []
    for word in params["members"].split():
        member, _, cells = word.partition("/")
        found = architecture_of(member, {**params, "members": "", "cells": int(cells) if cells else None})
        if isinstance(found, Vote):
            raise LstmfcnError(f"{member} votes in no other ensemble.")
        members.append(found)
    return Vote(tuple(members))


def member_of(name: str, cells: int | None) -> str:
    """Return the word for a network of a classifier and width among the members of an ensemble."""
    return name if cells is None else f"{name}/{cells}"


def can_vote(name: str) -> bool:
    """Return whether a classifier's networks can vote in an ensemble."""
    row = classifiers()[name]
    return row.has_weights and not row.voted


def has_phases(name: str) -> bool:
    """Return whether a classifier goes through phases: a reference does not, nor does an ensemble."""
    row = classifiers().get(name)
    return row is None or isinstance(row, NetworkClassifier)


def title_of(name: str) -> str:
    """Return what people read for a classifier; its name, if it is not at hand any more."""
    row = classifiers().get(name)
    return row.title if row else name


def paper_column(name: str, phase: str) -> str | None:
    """Return the column of the paper's Table I for a classifier and phase; None where it has none."""
    row = classifiers().get(name)
    return row.paper.get(phase) if row else None
