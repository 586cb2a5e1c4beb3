"""What networks do as classifiers: they are trained by gradient steps, and predict with the weights kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lstmfcn.classifiers.base import NetworkClassifier
from lstmfcn.classifiers.library import RocketClassifier
from lstmfcn.classifiers.outcome import Outcome, unpack_weights
from lstmfcn.classifiers.phase1 import reused_engine, train_phase1
from lstmfcn.data.series import Split
from lstmfcn.runs.run import Run
from lstmfcn.training.weights import set_weights

if TYPE_CHECKING:
    from lstmfcn.classifiers.jobs.common import TrainJob


def train(_classifier: NetworkClassifier, job: TrainJob) -> Outcome:
    """Train from random weights, on the whole training split and on its folds."""
    engine = reused_engine(job.train, job.network, seed=job.identity.seed)
    return train_phase1(
        engine,
        job.train,
        job.recipe,
        n_folds=job.n_folds,
        seed=job.identity.seed,
        selection=job.selection,
        progress=job.progress,
        scratch=job.scratch,
    )


def predict(
    classifier: NetworkClassifier | RocketClassifier,
    trained: Sequence[tuple[Run, Mapping[str, bytes]]],
    train: Split,
    X: NDArray[np.float32],
) -> Iterator[NDArray[np.float32]]:
    """Yield the class probabilities that the weights of each run give to prepared series."""
    first = trained[0][0]
    split = replace(train, X=X)  # any of whose series may be padded, even if none to train on is
    engine = reused_engine(split, classifier.architecture_of(first.params), seed=first.identity.seed)
    for _, files in trained:
        set_weights(engine.model, unpack_weights(files["weights.npz"]))
        yield engine.predict(X)
