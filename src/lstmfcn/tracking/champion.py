"""A registered model to predict with, from Python or the command line."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.environment import load_backend
from lstmfcn.errors import DataError, RegistryError
from lstmfcn.tracking.trust import check
from lstmfcn.workspace import Workspace

BATCH = 256


@dataclass(frozen=True)
class Champion:
    """A loaded model.

    Attributes
    ----------
    dataset
        What it was trained on.
    classes
        The labels, in the order of the probabilities.
    shape
        (n_channels, length) of the series it takes.
    """

    dataset: str
    classes: tuple[str, ...]
    shape: tuple[int, int]
    _model: Any

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Predict class probabilities.

        Parameters
        ----------
        X
            Raw series, shape (n_series, n_channels, length), or (n_series, length) where there is one
            channel. The model normalises them itself.

        Returns
        -------
        float32, shape (n_series, n_classes)

        Raises
        ------
        DataError
            If the shape is not the model's, or a value is missing or infinite.
        """
        series = np.asarray(X, dtype=np.float32)
        if series.ndim == 2:
            series = series[:, None, :]
        if series.shape[1:] != self.shape:
            expected = " x ".join(str(n) for n in self.shape)
            got = " x ".join(str(n) for n in series.shape[1:])
            raise DataError(
                f"The champion of {self.dataset} takes series of {expected} (channels x values), not {got}."
            )
        bad = np.flatnonzero(~np.isfinite(series).all(axis=(1, 2)))
        if len(bad):
            raise DataError(
                f"Series {bad[0]} (counted from 0) has a missing or infinite value. Fill it in first."
            )
        if not len(series):
            return np.empty((0, len(self.classes)), np.float32)
        parts = [self._model.predict(series[i : i + BATCH]) for i in range(0, len(series), BATCH)]
        return np.asarray(np.concatenate(parts), np.float32)

    def predict(self, X: NDArray[Any]) -> NDArray[np.str_]:
        """Predict labels, text of shape (n_series,); see `predict_proba`."""
        return np.asarray(np.array(self.classes)[self.predict_proba(X).argmax(axis=1)], np.str_)

    def serve(self, host: str, port: int) -> None:
        """Answer MLflow's scoring protocol (`/invocations`, `/ping`, `/version`) until a signal ends it."""
        import uvicorn
        from mlflow.pyfunc import scoring_server

        uvicorn.run(scoring_server.init(self._model), host=host, port=port)


def load_champion(source: str | Path, *, alias: str = "champion", workspace: str | Path = ".") -> Champion:
    """Load the model that serves a dataset.

    Parameters
    ----------
    source
        The name of a dataset, or a folder that `lstmfcn pull` made.
    alias
        "champion", "challenger" or "previous".
    workspace
        The clone whose store is asked, unless `MLFLOW_TRACKING_URI` is set.

    Raises
    ------
    RegistryError
        If there is no such model.
    UntrustedModelError
        If it is not what was registered, or more than a network. Nothing of it is loaded then.
    TrackingError
        If the store does not answer.
    """
    load_backend()
    if Path(source, "MLmodel").is_file():
        check(Path(source))
        return _load(Path(source))
    if os.sep in str(source) or isinstance(source, Path):
        raise RegistryError(f"{source} is not a folder that `lstmfcn pull` made: it has no file MLmodel.")
    from lstmfcn.tracking.registry import download

    with tempfile.TemporaryDirectory() as scratch:
        return _load(download(Workspace(Path(workspace)), source, alias, Path(scratch)))


def _load(folder: Path) -> Champion:
    import mlflow

    # The warnings are of packages in other versions than on the day the model was made: a TensorFlow graph
    # does not mind, and looking for them takes as long as loading it.
    model = mlflow.pyfunc.load_model(str(folder), suppress_warnings=True)
    metadata = model.metadata.metadata or {}
    if "classes" not in metadata:
        raise RegistryError(f"{folder} was not registered by lstmfcn: its metadata names no classes.")
    shape = model.metadata.get_input_schema().inputs[0].shape
    return Champion(metadata["dataset"], tuple(metadata["classes"]), (int(shape[1]), int(shape[2])), model)
