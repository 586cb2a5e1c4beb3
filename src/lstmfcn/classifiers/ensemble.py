"""What an ensemble does as a classifier: it averages the probabilities of the networks of a study.

Who votes, and how loud, is fixed before anything is trained: every network that `params.yaml` names, by each
seed. Nothing is chosen by what they gave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lstmfcn.classifiers.base import EnsembleClassifier
from lstmfcn.classifiers.outcome import OutOfFold, unpack_weights
from lstmfcn.classifiers.phase1 import reused_engine
from lstmfcn.classifiers.table import architecture_of
from lstmfcn.data.series import Split
from lstmfcn.networks.architecture import Vote, prefix
from lstmfcn.runs.predictions import Predictions
from lstmfcn.runs.run import Run
from lstmfcn.training.weights import Weights, set_weights


def merged(members: Sequence[Weights]) -> dict[str, NDArray[np.float32]]:
    """Return the weights of several networks under names that tell whose they are."""
    return {prefix(i) + name: array for i, own in enumerate(members) for name, array in own.items()}


def louder(weights: Weights, voice: float) -> dict[str, NDArray[np.float32]]:
    """Return the weights of a network whose logits are so many times those of another."""
    return {
        name: array * np.float32(voice if name.startswith("logits/") else 1)
        for name, array in weights.items()
    }


def of_member(weights: Weights, number: int) -> dict[str, NDArray[np.float32]]:
    """Return the weights of one of the networks whose weights were `merged`."""
    start = prefix(number)
    return {name.removeprefix(start): array for name, array in weights.items() if name.startswith(start)}


def mean_out_of_fold(members: Sequence[Predictions], voices: Sequence[float]) -> OutOfFold:
    """Return the means of the members' out-of-fold predictions, as loud as each is (`Classifier.voice`).

    Each is by networks that have not seen the series, whatever the folds of the others. A series that one of
    them has no prediction of has none; the folds are those of the first.

    Raises
    ------
    ValueError
        If the members' classes or series are not the same.
    """
    first = members[0]
    if any(one.classes != first.classes or not np.array_equal(one.y, first.y) for one in members):
        raise ValueError("the members were not trained on the same series")
    held = np.all([one.held for one in members], axis=0)
    pairs = zip(members, voices, strict=True)
    mean = np.mean([_as_loud(one.probabilities, voice) for one, voice in pairs], axis=0)
    assert first.fold is not None
    return OutOfFold(
        y=first.y,
        fold=np.where(held, first.fold, -1),
        probabilities=np.where(held[:, np.newaxis], mean, np.nan).astype(np.float32),
    )


def _as_loud(probabilities: NDArray[np.float32], voice: float) -> NDArray[np.float64]:
    """Return the softmax of logits whose softmax is known, times a voice."""
    raised = probabilities.astype(np.float64) ** voice
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def predict(
    classifier: EnsembleClassifier,
    trained: Sequence[tuple[Run, Mapping[str, bytes]]],
    train: Split,
    X: NDArray[np.float32],
) -> Iterator[NDArray[np.float32]]:
    """Yield the class probabilities that the networks of each run give to prepared series, on average."""
    split = replace(train, X=X)
    for run, files in trained:
        vote, weights = architecture_of(classifier.name, run.params), unpack_weights(files["weights.npz"])
        assert isinstance(vote, Vote)
        total = np.zeros((len(X), len(train.classes)), np.float32)
        for number, member in enumerate(vote.members):
            engine = reused_engine(split, member, seed=run.identity.seed)
            set_weights(engine.model, of_member(weights, number))
            total += engine.predict(X)
        yield total / np.float32(len(vote.members))
