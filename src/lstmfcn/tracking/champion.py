"""A registered model to predict with, from Python or the command line."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.batches import batches
from lstmfcn.data.containers import to_array
from lstmfcn.data.normalisation import place_of
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.reference import LEVEL, Reference
from lstmfcn.environment import refuse_fork
from lstmfcn.errors import DataError, RegistryError
from lstmfcn.tracking.given import numbers
from lstmfcn.tracking.package.contents import EXAMPLES, UntrustedModelError
from lstmfcn.tracking.package.load import Package, load_package
from lstmfcn.tracking.package.signature import verify_key_of
from lstmfcn.workspace import Workspace


@dataclass(frozen=True)
class Champion:
    """A loaded model: a fitted classifier of scikit-learn's kind, which stays as it was registered.

    Its copies and clones are itself, its pickle holds the whole model, and `fit` changes nothing. It follows
    scikit-learn's protocols and inherits none of its classes, whose import takes longer than a prediction.

    Attributes
    ----------
    dataset
        What it was trained on.
    classes
        The labels as text, in the order of the probabilities.
    preprocessing
        What the model does to raw series.
    counts
        How many training series each class had; None for a model of before it was noted.
    example
        A series that it was trained on, float64 (n_channels, length), if the model brings one along.
    """

    dataset: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    example: NDArray[np.float64] | None = field(repr=False)
    _package: Package = field(repr=False)
    _files: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)
    counts: tuple[int, ...] | None = field(default=None, repr=False)

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels in the order of the probabilities: integers where all of them are plain ones, else text.

        What was 1.0 or 01 in a file counts as such: labels are kept in one spelling.
        """
        try:
            numbers = [int(label) for label in self.classes]
        except ValueError:
            return np.array(self.classes)
        plain = tuple(str(number) for number in numbers) == self.classes
        return np.array(numbers) if plain and max(map(abs, numbers)) < 2**63 else np.array(self.classes)

    @property
    def n_features_in_(self) -> int:
        """Values a series, of all channels."""
        return self.preprocessing.n_channels * self.preprocessing.length

    def fit(self, X: Any = None, y: Any = None) -> Self:  # noqa: ARG002
        """Return the champion as it is, as scikit-learn's `FrozenEstimator` does."""
        return self

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """Return no parameters: there are none to set."""
        return {}

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_clone__(self) -> Self:
        return self

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: Any) -> Self:
        return self

    def __reduce__(self) -> Any:
        return _unpickled, (dict(self._files),)

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(three_d_array=True),
        )

    @property
    def majority_rate(self) -> float | None:
        """The share of the largest class of the training split; None where the model does not tell."""
        return max(self.counts) / sum(self.counts) if self.counts else None

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
        ForkedProcessError
            If this process was forked from one that had loaded TensorFlow.
        """
        refuse_fork()
        series = self._equalised(X, lengths, places)
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

    def _equalised(
        self, X: Any, lengths: NDArray[np.int64] | None, places: Sequence[str] | None
    ) -> NDArray[np.float64]:
        """Return raw series of the one length, or refuse them; see `predict_proba`."""
        of_any_length = self.preprocessing.lengths != "refuse"
        series = numbers(to_array(X, unequal=of_any_length), places)
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
        return self.preprocessing.equalise(series, lengths=lengths, places=places)

    @property
    def temperature(self) -> float | None:
        """What the probabilities are calibrated by; None where they are as the network gives them."""
        return self._package.temperature

    @property
    def reference(self) -> Reference | None:
        """What the training split looks like; None for a model that does not tell."""
        return self._package.reference

    def statistics(
        self,
        X: Any,
        *,
        lengths: NDArray[np.int64] | None = None,
        places: Sequence[str] | None = None,
    ) -> NDArray[np.float64]:
        """Return what `p_values` judges series by, float64 (n_series, n_statistics); see `Reference.names`.

        The parameters and errors are those of `p_values`.
        """
        if self.reference is None:
            raise RegistryError(
                f"The model of {self.dataset} does not say what its training series look like. `dvc repro` "
                "registers the best run of a study with that; an estimator's model never has it."
            )
        series = self._equalised(X, lengths, places)
        found = [self.reference.describe(batch, self.preprocessing) for batch in batches(series)]
        return np.concatenate(found) if found else np.empty((0, len(self.reference.names)))

    def p_values(
        self,
        X: Any,
        *,
        lengths: NDArray[np.int64] | None = None,
        places: Sequence[str] | None = None,
    ) -> NDArray[np.float64]:
        """Return how much each series looks like the training series: a conformal p-value.

        Of series that are drawn as the training series were, about 5 % have 0.05 or less. See
        `lstmfcn.data.reference` for what is looked at.

        Parameters
        ----------
        X, lengths, places
            As for `predict_proba`.

        Returns
        -------
        float64, shape (n_series,)

        Raises
        ------
        DataError
            As `predict_proba`.
        RegistryError
            If the model does not say what its training series look like.
        """
        statistics = self.statistics(X, lengths=lengths, places=places)
        assert self.reference is not None
        return self.reference.p_values(statistics)

    def unlike(
        self,
        X: Any,
        *,
        lengths: NDArray[np.int64] | None = None,
        places: Sequence[str] | None = None,
    ) -> NDArray[np.bool_] | None:
        """Return which series look unlike the training series, bool (n_series,): p-values of 0.05 or less.

        None where the model does not tell. The parameters and errors are those of `p_values`.
        """
        if self.reference is None:
            return None
        return np.asarray(self.p_values(X, lengths=lengths, places=places) <= LEVEL)

    def network(self) -> Any:
        """Return the network itself, a Keras model from prepared series to uncalibrated probabilities.

        Raises
        ------
        RegistryError
            If the model does not say which network it is.
        UntrustedModelError
            If its weights are not those of that network.
        """
        from lstmfcn.tracking.package.network import network_of

        return network_of(self._package)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict labels, shape (n_series,), of the kind of `classes_`; see `predict_proba`."""
        labels: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of series whose label is predicted, `y` being of the kind of `classes_`."""
        from sklearn.metrics import accuracy_score

        return float(accuracy_score(y, self.predict(X), sample_weight=sample_weight))


def load_champion(
    source: str | Path,
    *,
    alias: str = "champion",
    version: int | None = None,
    workspace: str | Path = ".",
    verify_key: str | Path | None = None,
) -> Champion:
    """Load the model that serves a dataset.

    Parameters
    ----------
    source
        The name of a dataset, or a folder that `lstmfcn pull` made.
    alias
        "champion", "challenger" or "previous".
    version
        The number of a version, in place of an alias.
    workspace
        The study whose store is asked, unless `MLFLOW_TRACKING_URI` is set.
    verify_key
        The file of a public key: a folder has to be signed with its private one. None for what
        `LSTMFCN_VERIFY_KEY` names, if it is set.

    Raises
    ------
    RegistryError
        If there is no such model.
    UntrustedModelError
        If it is not what was registered or signed, or more than a network. Nothing of it is loaded then.
    KeyFileError
        If the file of the key holds none.
    MissingLibraryError
        If it is asked for by the name of a dataset and MLflow is not installed, or a key is given and
        cryptography is not.
    TrackingError
        If the store does not answer.
    """
    key = verify_key_of(verify_key)
    if Path(source, "MLmodel").is_file():
        return _champion(Path(source), verify_key=key)
    if os.sep in str(source) or isinstance(source, Path):
        raise RegistryError(f"{source} is not a folder that `lstmfcn pull` made: it has no file MLmodel.")
    if key is not None:
        raise UntrustedModelError(
            f"The store's model of {source} bears no signature to verify with {key}. `lstmfcn pull "
            "--sign-key FILE` makes a folder that does: name that."
        )
    from lstmfcn.tracking.registry.download import download

    with tempfile.TemporaryDirectory() as scratch:
        return _champion(download(Workspace(Path(workspace)), source, version or alias, Path(scratch)))


def _champion(folder: Path, *, verify_key: Path | None = None) -> Champion:
    package = load_package(folder, verify_key=verify_key)
    preprocessing = package.preprocessing
    example = _example(folder, (preprocessing.n_channels, preprocessing.length))
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    return Champion(package.dataset, package.classes, preprocessing, example, package, files, package.counts)


def _example(folder: Path, shape: tuple[int, int]) -> NDArray[np.float64] | None:
    """Return the first series of a package's example, which is checked no further than this."""
    try:
        series = np.asarray(json.loads((folder / EXAMPLES[0]).read_bytes()), np.float64)[0]
    except (OSError, ValueError, TypeError, IndexError, RecursionError):
        return None
    return series if series.shape == shape and np.isfinite(series).all() else None


def _unpickled(files: Mapping[str, bytes]) -> Champion:
    """Return the champion of a package's files; they are checked as those of any folder."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, content in files.items():
            path = Path(scratch, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return _champion(Path(scratch))
