"""What references do: they are fitted on the folds, and again to be measured.

No pickle is kept of a reference: fitted once more on the training split, it is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lstmfcn.classifiers.base import ReferenceClassifier
from lstmfcn.classifiers.outcome import Outcome, OutOfFold
from lstmfcn.classifiers.phase1 import folds_of
from lstmfcn.data.series import Split
from lstmfcn.errors import LstmfcnError
from lstmfcn.runs.run import Run

if TYPE_CHECKING:
    from lstmfcn.classifiers.jobs.common import TrainJob

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def train(classifier: ReferenceClassifier, job: TrainJob) -> Outcome:
    """Fit on each fold's part of the training split, and predict what the fold holds out.

    Raises
    ------
    LstmfcnError
        If its library is missing, or refuses the series.
    """
    split, seed = job.train, job.identity.seed
    fold = folds_of(split, job.n_folds, seed, job.selection)
    probabilities = np.full((len(split.y), len(split.classes)), np.nan, np.float32)
    for k in range(int(fold.max()) + 1):
        job.progress(f"fold {k + 1}/{int(fold.max()) + 1}")
        held = fold == k
        fitted = _fit(classifier, split.X[~held], split.y[~held], len(split.classes), seed)
        probabilities[held] = fitted(split.X[held])
    return Outcome(None, (), None, OutOfFold(split.y, fold, probabilities))


def predict(
    classifier: ReferenceClassifier,
    trained: Sequence[tuple[Run, Mapping[str, bytes]]],
    train: Split,
    X: NDArray[np.float32],
) -> Iterator[NDArray[np.float32]]:
    """Fit on the training split, and yield the class probabilities of prepared series."""
    for run, _ in trained:
        yield _fit(classifier, train.X, train.y, len(train.classes), run.identity.seed)(X)


def _whole(X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return series with zeros after their ends, where NaN stands in those that are padded."""
    return np.where(np.isnan(X), np.float32(0), X)


def _fit(
    classifier: ReferenceClassifier, X: NDArray[np.float32], y: NDArray[np.int64], n_classes: int, seed: int
) -> Predict:
    """Return a function from series to probabilities of all classes."""
    module, _, name = classifier.source.partition(":")
    try:
        made = getattr(import_module(module), name)(**classifier.options)
    except ImportError as error:
        raise LstmfcnError(
            f"{classifier.name} needs {module.partition('.')[0]}, which cannot be imported ({error}). "
            f"Install it, or take {classifier.name} out of `models` in params.yaml."
        ) from error
    if made.get_params().get("random_state", seed) is None:
        made.set_params(random_state=seed)
    try:
        made.fit(_whole(X), y)
    except ValueError as error:
        raise LstmfcnError(f"{classifier.name} cannot be fitted on these series: {error}") from error

    def predict_all(series: NDArray[np.float32]) -> NDArray[np.float32]:
        probabilities = np.zeros((len(series), n_classes), np.float32)
        probabilities[:, made.classes_] = made.predict_proba(_whole(series))  # a fold may lack a class
        return probabilities

    return predict_all
