"""Fits of the estimators, tracked and registered beside the pipeline's runs, and told from them.

Their runs have the protocol `estimator`: nobody has held to the pipeline's rule of evidence. They are kept
under `.lstmfcn/fits`, so that `lstmfcn sync` logs what the store did not take.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lstmfcn.classifiers.observers import FitRecord, observed
from lstmfcn.classifiers.table import network_named
from lstmfcn.data.fields import label_of, spelled_alike
from lstmfcn.data.names import checked_name
from lstmfcn.errors import DataError, TrackingError
from lstmfcn.files import hash_of
from lstmfcn.runs.cache import Cache
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.run import BY_ESTIMATOR, WEIGHTS_FILE, Run
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.registry.promotion import challenge
from lstmfcn.tracking.registry.registration import Contents
from lstmfcn.version import __version__
from lstmfcn.workspace import Workspace

HISTORY_FILE = "history.csv"


@contextmanager
def track(study: str | Path = ".", *, dataset: str) -> Iterator[None]:
    """Log each fit of an estimator of this process to a study's tracking store, while the block runs.

    A fit is a run with its parameters, its metrics after each epoch and its weights, whose tag `protocol` is
    `estimator`. Equal fits are logged once. Where the store does not answer, the fit is done all the same,
    and `lstmfcn sync` logs it later. Fits in processes of joblib's are not seen; those in threads are.

    Parameters
    ----------
    study
        The folder of the study, unless `MLFLOW_TRACKING_URI` names another store.
    dataset
        What to call the series: letters, digits, - and _.

    Raises
    ------
    TrackingError
        If the folder holds no study.
    DataError
        If that is no name.

    Examples
    --------
    >>> with lstmfcn.track("my-study", dataset="Pumps"):  # doctest: +SKIP
    ...     LSTMFCNClassifier().fit(X, y)
    """
    workspace, name = _study(study), checked_name(dataset)
    tracker = Tracker(workspace, lambda line: print(line, file=sys.stderr))  # noqa: T201

    def log(record: FitRecord) -> None:
        facts = {
            "started": int(1000 * record.started),
            "seconds": round(record.seconds, 3),
            "version": __version__,
        }
        tracker.log(*_kept(record.estimator, name, workspace, facts, {}))

    with observed(log):
        yield


def register(
    estimator: Any,
    dataset: str,
    study: str | Path = ".",
    *,
    oof_accuracy: float | None = None,
    oof_log_loss: float | None = None,
) -> int:
    """Register a fitted estimator as the challenger of a dataset's champion, which goes on to serve.

    It never takes a champion's place by itself, whatever its evidence: nobody knows how that was come by.

    Parameters
    ----------
    estimator
        A fitted estimator of `lstmfcn` or `lstmfcn.aeon`.
    dataset
        Of whose champion it is the challenger: letters, digits, - and _.
    study
        As for `track`.
    oof_accuracy, oof_log_loss
        What cross-validation gave, as `lstmfcn champions` shows it: the share of series that were predicted
        right by models that had not seen them, and the mean negative log-likelihood of their labels, in nats.
        None: unknown.

    Returns
    -------
    int
        The number of the version.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    DataError
        If a label cannot be written, or two are the same once they are.
    TrackingError
        If the folder holds no study, or the store does not answer.

    Examples
    --------
    >>> lstmfcn.register(fitted, "Pumps", "my-study", oof_accuracy=scores.mean())  # doctest: +SKIP
    2
    """
    estimator = getattr(estimator, "estimator_", estimator)  # that of one of lstmfcn.aeon
    check_is_fitted(estimator, "weights_")
    workspace = _study(study)
    classes = spelled_alike([label_of("The labels", str(label)) for label in estimator.classes_])
    if len(set(classes)) < len(classes):
        raise DataError(
            f"Two of the labels {', '.join(classes)} are the same when they are written. Rename one."
        )
    facts = {"started": int(1000 * time.time()), "version": __version__}
    told = {"oof_accuracy": oof_accuracy, "oof_log_loss": oof_log_loss}
    evidence = {name: float(value) for name, value in told.items() if value is not None}
    folder, run = _kept(estimator, checked_name(dataset), workspace, facts, evidence)
    return challenge(
        run,
        folder,
        Contents(
            classes=classes,
            counts=estimator._counts,
            example=np.zeros((1, estimator.n_channels_, estimator.length_), np.float32),
            preprocessing=estimator.preprocessing_,
        ),
        tracker=Tracker(workspace, lambda _: None),
        workspace=workspace,
    )


def _kept(
    estimator: Any,
    dataset: str,
    workspace: Workspace,
    facts: dict[str, Any],
    evidence: Mapping[str, float],
) -> tuple[Path, Run]:
    """Return the folder of a fit and its run; it is written unless it is there."""
    from lstmfcn.classifiers.outcome import pack_weights

    row = network_named(estimator._model)
    settings = estimator._settings
    weights, history = pack_weights(estimator.weights_), _history(estimator)
    iterations = len(estimator.histories_) - 1
    n_channels, length = estimator.preprocessing_.shape
    run = Run(
        identity=Identity(dataset=dataset, classifier=row.name, seed=estimator.seed_).iteration(iterations),
        job=hash_of("fit", estimator._data, settings, evidence, hashlib.sha256(weights).hexdigest()),
        protocol=BY_ESTIMATOR,
        data=estimator._data,
        params=settings | estimator.architecture_.params(),
        sizes={
            "n_train": sum(estimator._counts),
            "n_channels": n_channels,
            "length": length,
            "n_classes": len(estimator.classes_),
        },
        metrics={"final_loss": estimator.loss_curve_[-1]} | dict(evidence),
        history=HISTORY_FILE,
        artifacts=(WEIGHTS_FILE, HISTORY_FILE),
    )
    fits = Cache(workspace.fits)
    if run.job not in fits:
        fits.put(run.job, run.with_files({WEIGHTS_FILE: weights, HISTORY_FILE: history}), facts)
    return workspace.fits / run.job, run


def _history(estimator: Any) -> bytes:
    """Return the epochs of all trainings, one after the other, as a CSV."""
    import pandas as pd

    histories = estimator.histories_
    columns = {
        "loss": np.concatenate([h.loss for h in histories]),
        "accuracy": np.concatenate([h.accuracy for h in histories]),
        "learning_rate": np.concatenate([h.rate for h in histories]),
    }
    if estimator.validation_loss_curve_:
        columns["validation_loss"] = np.array(estimator.validation_loss_curve_)
    epochs = pd.RangeIndex(1, estimator.n_iter_ + 1, name="epoch")
    return pd.DataFrame(columns, index=epochs).to_csv(float_format="%.9g").encode()


def _study(folder: str | Path) -> Workspace:
    workspace = Workspace(Path(folder))
    if not workspace.params.is_file():
        raise TrackingError(f"{folder} holds no study: no params.yaml. `lstmfcn init {folder}` makes one.")
    return workspace
