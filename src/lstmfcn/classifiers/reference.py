"""What references do: they are fitted on the folds, and again to be measured.

No pickle is kept of a reference: fitted once more on the training split, it is the same. What a library
refuses, for whatever reason, is left out with that reason: it says nothing about the networks.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.classifiers.base import ReferenceClassifier
from lstmfcn.classifiers.library import LibraryClassifier
from lstmfcn.classifiers.outcome import Outcome, OutOfFold
from lstmfcn.classifiers.phase1 import folds_of
from lstmfcn.data.series import Split
from lstmfcn.errors import LstmfcnError
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.left_out import RefusedError
from lstmfcn.runs.run import Run

if TYPE_CHECKING:
    from lstmfcn.classifiers.jobs.common import TrainJob

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]

WARM = 24
"""Values of the series on which a reference is fitted first, for nothing but to have its code compiled."""


def train(classifier: ReferenceClassifier, job: TrainJob) -> Outcome:
    """Fit on each fold's part of the training split, and predict what the fold holds out; then on all of it.

    The last fit gives nothing that is kept. But it is found out here, not where the test split is open,
    whether the whole split can be fitted; and what the job takes is what a network's does: folds and whole.

    Raises
    ------
    RefusedError
        If the series are none that it takes, or its library refuses them.
    LstmfcnError
        If its library is missing.
    """
    split, identity = job.train, job.identity
    n, _, length = split.X.shape
    if isinstance(classifier, LibraryClassifier) and (reason := classifier.refusal(n, length)):
        raise RefusedError(reason, identity)
    fold = folds_of(split, job.n_folds, identity.seed, job.selection)
    probabilities = np.full((n, len(split.classes)), np.nan, np.float32)
    for k in range(int(fold.max()) + 1):
        job.progress(f"fold {k + 1}/{int(fold.max()) + 1}")
        held = fold == k
        fitted = _fit(classifier, split.X[~held], split.y[~held], len(split.classes), identity)
        probabilities[held] = fitted(split.X[held])
    job.progress("whole training split")
    _fit(classifier, split.X, split.y, len(split.classes), identity)
    return Outcome(None, (), None, OutOfFold(split.y, fold, probabilities))


def predict(
    classifier: ReferenceClassifier,
    trained: Sequence[tuple[Run, Mapping[str, bytes]]],
    train: Split,
    X: NDArray[np.float32],
) -> Iterator[NDArray[np.float32]]:
    """Fit on the training split, and yield the class probabilities of prepared series."""
    for run, _ in trained:
        yield _fit(classifier, train.X, train.y, len(train.classes), run.identity)(X)


def load(classifier: ReferenceClassifier, n_channels: int) -> None:
    """Import the library, and let it compile: a job's seconds are to be those of its work.

    The code of aeon is compiled by numba when it is first called, half a minute for MiniRocket, and kept on
    disk; a process that calls it later reads it there. What fails here fails in the job too, which says it.

    Parameters
    ----------
    classifier
        Any.
    n_channels
        Of the series: there is other code for several than for one.
    """
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4, n_channels, WARM)).astype(np.float32)
    with suppress(Exception), _quiet():
        _made(classifier, 0).fit(X, np.array([0, 1, 0, 1])).predict_proba(X)


def whole(X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return series with zeros after their ends, where NaN stands in those that are padded."""
    return np.where(np.isnan(X), np.float32(0), X)


def _made(classifier: ReferenceClassifier, seed: int) -> Any:
    """Return the library's estimator; it has the seed where it takes one and its options name none."""
    module, _, name = classifier.source.partition(":")
    if isinstance(classifier, LibraryClassifier):
        needed(classifier)
    try:
        made = getattr(import_module(module), name)(**classifier.options)
    except ImportError as error:
        library = module.partition(".")[0]
        raise LstmfcnError(
            f"{classifier.name} needs {library}, which cannot be imported ({error}). Install it, "
            f"{_out(classifier)}."
        ) from error
    if made.get_params().get("random_state", seed) is None:
        made.set_params(random_state=seed)
    return made


def needed(classifier: LibraryClassifier) -> None:
    """Refuse to go on without its libraries.

    Raises
    ------
    LstmfcnError
        Naming one that is missing, and the remedy.
    """
    if missing := classifier.missing():
        raise LstmfcnError(
            f"{classifier.name} needs {missing[0]}, which is missing: {classifier.remedy()}; "
            f"{_out(classifier)}."
        )


def _out(classifier: ReferenceClassifier) -> str:
    return f"or take {classifier.name} out of `references` (or `models`) in params.yaml"


def _fit(
    classifier: ReferenceClassifier,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    n_classes: int,
    identity: Identity,
) -> Predict:
    """Return a function from series to probabilities of all classes."""
    with refusing(classifier, "fitted on", identity):
        made = _made(classifier, identity.seed)
        made.fit(whole(X), y)

    def predict_all(series: NDArray[np.float32]) -> NDArray[np.float32]:
        probabilities = np.zeros((len(series), n_classes), np.float32)
        with refusing(classifier, "asked about", identity):
            probabilities[:, made.classes_] = made.predict_proba(whole(series))  # a fold may lack a class
        return probabilities

    return predict_all


@contextmanager
def refusing(classifier: ReferenceClassifier, what: str, identity: Identity) -> Iterator[None]:
    """Take any error of a library for a refusal; what it warns of is its own affair."""
    try:
        with _quiet():
            yield
    except LstmfcnError:
        raise
    except Exception as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0][:300]  # no places of this machine
        raise RefusedError(f"{classifier.title} cannot be {what} these series: {said}", identity) from error


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
