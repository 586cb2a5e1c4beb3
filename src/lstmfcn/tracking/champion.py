"""A registered model to predict with, from Python or the command line."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.batches import batches
from lstmfcn.data.normalisation import place_of
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.environment import load_library, load_mlflow
from lstmfcn.errors import DataError, RegistryError
from lstmfcn.tracking.package.load import Package, load_package
from lstmfcn.workspace import Workspace


@dataclass(frozen=True)
class Champion:
    """A loaded model.

    Attributes
    ----------
    dataset
        What it was trained on.
    classes
        The labels, in the order of the probabilities.
    preprocessing
        What the model does to raw series.
    """

    dataset: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    _package: Package = field(repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_channels, length) of the series it takes."""
        return self.preprocessing.n_channels, self.preprocessing.length

    def predict_proba(
        self,
        X: Any,
        *,
        lengths: NDArray[np.int64] | None = None,
        places: Sequence[str] | None = None,
    ) -> NDArray[np.float32]:
        """Predict class probabilities.

        Parameters
        ----------
        X
            Raw series, shape (n_series, n_channels, length), or (n_series, length) where there is one
            channel. The model normalises them itself. If it takes series of any length, they may be a list of
            series of different lengths, or an array with NaN after the end of each.
        lengths
            How many values each series has, if that is known: int64, shape (n_series,).
        places
            What to call each series in errors; None to count them from 0.

        Returns
        -------
        float32, shape (n_series, n_classes)

        Raises
        ------
        DataError
            If the shape is not the model's, a value is infinite or no number, or missing where the model
            cannot handle that, or the model does not normalise and the values are too large for it.
        """
        of_any_length = self.preprocessing.lengths != "refuse"
        series = _numbers(_in_one_array(X) if of_any_length else X, places)
        if series.ndim == 2:
            series = series[:, None, :]
        n_channels, length = self.shape
        fits = series.ndim == 3 and series.shape[1] == n_channels
        if not fits or not (of_any_length or series.shape[2] == length):
            expected = f"{n_channels} x {'any number' if of_any_length else length}"
            got = " x ".join(str(n) for n in series.shape[1:]) or "single numbers"
            raise DataError(
                f"The champion of {self.dataset} takes series of {expected} (channels x values), not {got}."
            )
        series = self.preprocessing.equalise(series, lengths=lengths, places=places)
        if not len(series):
            return np.empty((0, len(self.classes)), np.float32)
        answers = np.concatenate([self._package.graph(batch) for batch in batches(series)])
        lost = np.flatnonzero(~np.isfinite(answers).all(axis=1))
        if len(lost):
            raise DataError(
                f"{place_of(lost[0], places)}: values too large for the model, which gives no probabilities. "
                "Scale the series as those it was trained on."
            )
        return np.asarray(answers, np.float32)

    def predict(self, X: Any) -> NDArray[np.str_]:
        """Predict labels, text of shape (n_series,); see `predict_proba`."""
        return np.asarray(np.array(self.classes)[self.predict_proba(X).argmax(axis=1)], np.str_)

    def serve(self, host: str, port: int) -> None:
        """Answer MLflow's scoring protocol (`/invocations`, `/ping`, `/version`) until a signal ends it."""
        load_mlflow("mlflow.pyfunc.scoring_server")
        load_library("uvicorn")
        import uvicorn
        from mlflow.models import Model
        from mlflow.pyfunc import PyFuncModel, scoring_server

        model = PyFuncModel(Model.from_dict(dict(self._package.description)), _Served(self))
        uvicorn.run(scoring_server.init(model), host=host, port=port)


class _Served:
    """A champion as MLflow's scoring server calls it."""

    def __init__(self, champion: Champion) -> None:
        self._champion = champion

    def predict(self, series: NDArray[np.float64], params: object = None) -> NDArray[np.float32]:  # noqa: ARG002
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import BAD_REQUEST

        try:
            return self._champion.predict_proba(series)
        except DataError as error:
            raise MlflowException(str(error), error_code=BAD_REQUEST) from None


def load_champion(source: str | Path, *, alias: str = "champion", workspace: str | Path = ".") -> Champion:
    """Load the model that serves a dataset.

    Parameters
    ----------
    source
        The name of a dataset, or a folder that `lstmfcn pull` made.
    alias
        "champion", "challenger" or "previous".
    workspace
        The study whose store is asked, unless `MLFLOW_TRACKING_URI` is set.

    Raises
    ------
    RegistryError
        If there is no such model.
    UntrustedModelError
        If it is not what was registered, or more than a network. Nothing of it is loaded then.
    MissingLibraryError
        If it is asked for by the name of a dataset, and MLflow is not installed.
    TrackingError
        If the store does not answer.
    """
    if Path(source, "MLmodel").is_file():
        return _champion(load_package(Path(source)))
    if os.sep in str(source) or isinstance(source, Path):
        raise RegistryError(f"{source} is not a folder that `lstmfcn pull` made: it has no file MLmodel.")
    from lstmfcn.tracking.download import download

    with tempfile.TemporaryDirectory() as scratch:
        return _champion(load_package(download(Workspace(Path(workspace)), source, alias, Path(scratch))))


def _in_one_array(X: Any) -> Any:
    """Return series of different lengths in one array, NaN after the end of each; anything else as it is."""
    if not (isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.dtype == object)):
        return X
    try:
        each = [np.atleast_2d(np.asarray(series, dtype=object)) for series in X]
    except ValueError:  # a series whose channels differ in length
        return X
    if not each or {series.shape[:-1] for series in each} != {(len(each[0]),)}:
        return X
    array = np.full((len(each), len(each[0]), max(s.shape[1] for s in each)), np.nan, dtype=object)
    for place, series in zip(array, each, strict=True):
        place[:, : series.shape[1]] = series
    return array


def _numbers(X: Any, places: Sequence[str] | None) -> NDArray[np.float64]:
    """Return series as numbers: what is masked or None is NaN, what float64 cannot hold infinite.

    Raises
    ------
    DataError
        If they are none.
    """
    try:
        raw = np.asarray(X)
    except ValueError:
        raise DataError("The series differ in length. Pad or resample them first.") from None
    if raw.dtype.kind not in "biufO":
        raise DataError(f"Series of {raw.dtype} are no numbers. Convert them first.")
    try:
        with np.errstate(over="ignore"):
            series = np.asarray(raw, np.float64)
    except (TypeError, ValueError, OverflowError):
        for i, one in enumerate(raw):
            try:
                np.asarray(one, np.float64)
            except (TypeError, ValueError, OverflowError) as error:
                raise DataError(f"{place_of(i, places)}: a value that is no number ({error}).") from None
        raise DataError("The series differ in length. Pad or resample them first.") from None
    if isinstance(X, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(X), np.nan, series)  # type: ignore[no-untyped-call]
    return series


def _champion(package: Package) -> Champion:
    return Champion(package.dataset, package.classes, package.preprocessing, package)
