"""The networks as scikit-learn estimators, with aeon's conventions for collections of series."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted, validate_data

from lstmfcn.classifiers.base import NetworkClassifier
from lstmfcn.classifiers.documentation import documented
from lstmfcn.classifiers.observers import FitRecord, tell
from lstmfcn.classifiers.parameters import RECIPE, Callback, Parameters, RecurrentParameters
from lstmfcn.classifiers.table import classifiers, network_named
from lstmfcn.data.containers import to_array
from lstmfcn.data.doubts import LEAST_SERIES
from lstmfcn.data.fields import spelled_alike
from lstmfcn.data.lengths import Lengths
from lstmfcn.data.missing import Missing
from lstmfcn.data.preprocessing import DEFAULT, Normalise, Preprocessing
from lstmfcn.data.series import Split
from lstmfcn.errors import DataError
from lstmfcn.networks.architecture import Architecture
from lstmfcn.training.recipe import ScheduleName

if TYPE_CHECKING:
    from lstmfcn.classifiers.engines import Shape
    from lstmfcn.training.loop import History


FLAT = 0.5
"""See `Preprocessing.check`."""


class _NetworkClassifier(ClassifierMixin, BaseEstimator):
    """What the estimators share."""

    _model: ClassVar[str]
    _parameters: ClassVar[type[Parameters]] = Parameters

    # What scikit-learn shows links here, and describes parameters only where there is a link.
    _doc_link_module = "lstmfcn"
    _doc_link_template = "https://arxiv.org/abs/1709.05206"

    missing: Missing
    classes_: NDArray[Any]
    n_channels_: int
    length_: int
    seed_: int
    architecture_: Architecture
    preprocessing_: Preprocessing
    weights_: dict[str, NDArray[Any]]
    histories_: list[History]
    n_iter_: int
    loss_curve_: list[float]
    validation_loss_curve_: list[float] | None
    _settings: dict[str, Any]  # what was fitted with, for those who keep a record of it
    _data: str
    _counts: list[int]  # series of each class

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Train on series and their labels.

        A fit that fails, or is interrupted by Ctrl-C, leaves the estimator as it was.

        Parameters
        ----------
        X
            Shape (n_series, n_channels, length), or (n_series, length) for one channel: an array, a
            list of arrays, or a frame; see `lstmfcn.data.containers.to_array`. Where `lengths` takes series
            of any length, a list may hold such, and in an array NaN stands after their ends; where `missing`
            takes missing values, NaN is one.
        y
            Labels, shape (n_series,): text, integers or booleans.
        sample_weight
            The weight of each series in the loss, shape (n_series,), beside that of its class; only their
            ratios matter, and a series of weight 0 is left out. None: all weigh alike.

        Raises
        ------
        ValueError
            If shapes do not fit, series differ in length or a value is missing where that is not taken, a
            value is infinite, there is one class only, or a parameter is impossible.
        TrainingDivergedError
            If the loss is no longer a number.
        ForkedProcessError
            If this process was forked from one that had loaded TensorFlow.
        """
        from lstmfcn.classifiers.fitting import fit_network

        started = time.time()
        parameters = self._parameters.checked(self.get_params(deep=False))
        row = network_named(self._model)
        fitted = self._unfitted()
        fitted.architecture_ = row.architecture(**parameters.architecture())
        try:
            series, labels = fitted._series(X, y, lengths=parameters.lengths, missing=parameters.missing)
            check_classification_targets(labels)
            fitted.classes_, codes = np.unique(labels, return_inverse=True)
            weights = None
            if sample_weight is not None:
                weights = _check_sample_weight(sample_weight, series, dtype=np.float64)
                if (weights < 0).any():
                    raise ValueError("sample_weight holds a negative weight.")
                series, codes, weights = series[weights > 0], codes[weights > 0], weights[weights > 0]
            present = np.unique(codes)
            if len(present) < 2:
                names = ", ".join(repr(label) for label in fitted.classes_[present]) or "none"
                raise ValueError(f"The labels hold one class only, {names}: at least two are needed.")
            _check_doubts(series, codes, fitted.classes_)
            fitted.preprocessing_ = Preprocessing.fit(
                series,
                normalise=parameters.normalise,
                lengths=parameters.lengths,
                missing=parameters.missing,
                length=parameters.length,
            )
            fitted.n_channels_, fitted.length_ = (
                fitted.preprocessing_.n_channels,
                fitted.preprocessing_.length,
            )
            train = Split(
                fitted.preprocessing_.apply(series, flat_share=FLAT),
                codes.astype(np.int64),
                _texts(fitted.classes_),
            )
            fitted.seed_ = parameters.seed()
            fit = fit_network(
                train,
                fitted._shape(),
                parameters,
                labels=fitted.classes_,
                seed=fitted.seed_,
                sample_weight=weights,
                title=row.title,
            )
        except DataError as error:
            raise ValueError(_without_study(error)) from None
        fitted.weights_ = dict(fit.weights)
        fitted.histories_ = fit.histories
        fitted.loss_curve_ = [loss for history in fit.histories for loss in history.loss.tolist()]
        fitted.validation_loss_curve_ = fit.validation_loss or None
        fitted.n_iter_ = len(fitted.loss_curve_)
        fitted._settings, fitted._data = parameters.settings(), train.hash
        fitted._counts = np.bincount(train.y, minlength=len(fitted.classes_)).tolist()
        self.__dict__ = fitted.__dict__  # all at once: whatever is raised before leaves what was
        tell(FitRecord(self, train, started, time.time() - started))
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Return class probabilities, float32 (n_series, n_classes), in the order of `classes_`.

        Parameters
        ----------
        X
            As in `fit`.

        Raises
        ------
        ValueError
            If there are no series, they are of another shape than those of `fit` or a value is missing where
            that is not taken, or a value is infinite.
        ForkedProcessError
            If this process was forked from one that had loaded TensorFlow.
        """
        check_is_fitted(self, "weights_")
        from lstmfcn.classifiers.engines import borrowed_engine
        from lstmfcn.training.weights import set_weights

        try:
            does = self.preprocessing_
            series = self._series(X, lengths=does.lengths, missing=does.missing)
            prepared = does.apply(series, flat_share=FLAT)
            with borrowed_engine(self._shape()) as engine:
                set_weights(engine.model, self.weights_)
                probabilities: NDArray[np.float32] = engine.predict(prepared)
        except DataError as error:
            raise ValueError(_without_study(error)) from None
        return probabilities

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label of the highest probability of each series; see `predict_proba`."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[likeliest]
        return labels

    def _series(self, X: Any, y: Any = None, *, lengths: Lengths, missing: Missing) -> Any:
        """Return series as float64, (n_series, n_channels, length), and labels where some are given."""
        of_any_length = lengths != "refuse"
        X = to_array(X, unequal=of_any_length)
        shape = None  # that of one series, where X has channels
        if getattr(X, "ndim", 2) == 3:
            shape = X.shape[1:]
            X = np.asarray(X).reshape(len(X), shape[0] * shape[1])
        finite: Any = True if lengths == missing == "refuse" else "allow-nan"
        if y is not None or not hasattr(self, "weights_"):
            checked, labels = validate_data(self, X, y, dtype=np.float64, ensure_all_finite=finite)
            return checked.reshape(len(checked), *(shape or (1, -1))), labels
        if of_any_length:
            checked = check_array(X, dtype=np.float64, ensure_all_finite=finite, estimator=self)
            return checked.reshape(len(checked), *(shape or (1, -1)))
        fitted = (self.n_channels_, self.length_)
        if shape not in (None, fitted):
            raise ValueError(f"Fitted on series of {fitted} (channels, values), given {shape}.")
        checked = validate_data(self, X, dtype=np.float64, ensure_all_finite=finite, reset=False)
        return checked.reshape(-1, *fitted)

    def _shape(self) -> Shape:
        from lstmfcn.classifiers.engines import Shape

        does = self.preprocessing_
        return Shape(self.architecture_, *does.shape, len(self.classes_), padded=does.padded)

    def _unfitted(self) -> Self:
        """Return a copy with the same parameters, without what a fit has left."""
        copy = object.__new__(type(self))
        copy.__dict__ = {name: value for name, value in vars(self).items() if not name.endswith("_")}
        return copy

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self.missing != "refuse"
        tags.non_deterministic = False
        return tags


@documented
class FCNClassifier(_NetworkClassifier):
    """The fully convolutional network (Wang, Yan and Oates, 2017).

    Examples
    --------
    >>> import numpy as np
    >>> from lstmfcn import FCNClassifier
    >>> y = np.arange(20) % 2
    >>> X = np.sin(np.outer(1 + y, np.linspace(0, 6, 24)))  # one wave, or two
    >>> FCNClassifier(epochs=30, batch_size=8).fit(X, y).score(X, y)
    1.0
    """

    _model: ClassVar[str] = "fcn"

    def __init__(
        self,
        *,
        epochs: int = RECIPE.epochs,
        batch_size: int = RECIPE.batch_size,
        learning_rate: float = RECIPE.initial_rate,
        schedule: ScheduleName = RECIPE.schedule,
        fine_tuning_iterations: int = 0,
        class_weight: Any = "balanced",
        validation_share: float = 0.0,
        patience: int = 50,
        normalise: Normalise = DEFAULT,
        lengths: Lengths = Preprocessing.lengths,
        missing: Missing = Preprocessing.missing,
        length: int | None = None,
        verbose: int = False,
        callbacks: Callback | Sequence[Callback] | None = None,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        _set(self, locals())


@documented
class LSTMFCNClassifier(_NetworkClassifier):
    """LSTM-FCN (Karim et al., 2017, section III).

    Examples
    --------
    >>> import numpy as np
    >>> from lstmfcn import LSTMFCNClassifier
    >>> y = np.where(np.arange(20) % 2, "slow", "fast")
    >>> X = np.sin(np.outer(1 + (y == "fast"), np.linspace(0, 6, 24)))
    >>> fitted = LSTMFCNClassifier(cells=4, epochs=30, batch_size=8).fit(X, y)
    >>> fitted.predict(X[:2])
    array(['fast', 'slow'], dtype='<U4')
    """

    _model: ClassVar[str] = "lstm_fcn"
    _parameters: ClassVar[type[Parameters]] = RecurrentParameters

    def __init__(
        self,
        *,
        cells: int = 64,
        dropout: float = Architecture.dropout,
        dimension_shuffle: bool = Architecture.dimension_shuffle,
        segments: int = Architecture.segments,
        epochs: int = RECIPE.epochs,
        batch_size: int = RECIPE.batch_size,
        learning_rate: float = RECIPE.initial_rate,
        schedule: ScheduleName = RECIPE.schedule,
        fine_tuning_iterations: int = 0,
        class_weight: Any = "balanced",
        validation_share: float = 0.0,
        patience: int = 50,
        normalise: Normalise = DEFAULT,
        lengths: Lengths = Preprocessing.lengths,
        missing: Missing = Preprocessing.missing,
        length: int | None = None,
        verbose: int = False,
        callbacks: Callback | Sequence[Callback] | None = None,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        _set(self, locals())


@documented
class ALSTMFCNClassifier(LSTMFCNClassifier):
    """ALSTM-FCN: LSTM-FCN with the attention LSTM of the paper's section II-D.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmfcn import ALSTMFCNClassifier
    >>> y = np.arange(20) % 2
    >>> X = np.sin(np.outer(1 + y, np.linspace(0, 6, 24)))
    >>> ALSTMFCNClassifier(cells=4, epochs=2).fit(X, y).predict_proba(X).shape
    (20, 2)
    """

    _model: ClassVar[str] = "alstm_fcn"


def _set(estimator: _NetworkClassifier, given: dict[str, Any]) -> None:
    """Set the parameters that a constructor was given, as its `locals` hold them."""
    estimator.__dict__.update((name, value) for name, value in given.items() if name != "self")


def _without_study(error: DataError) -> str:
    """Return what an error says to those who set parameters, not keys of `params.yaml`."""
    return str(error).replace(" in params.yaml", "").replace("prepare.", "")


def _check_doubts(series: NDArray[np.floating], codes: NDArray[np.int64], classes: NDArray[Any]) -> None:
    """Refuse what is hardly meant: axes that are swapped, labels that tell each series from all others."""
    n_series, n_channels, length = series.shape
    if length == 1 < n_channels:
        raise ValueError(
            f"Series of {n_channels} channels of length 1. If the axes are (series, length, channels), as "
            "Keras and tsai have them, give X.transpose(0, 2, 1)."
        )
    counts = np.bincount(codes)
    alone = np.flatnonzero(counts == 1)
    if n_series >= LEAST_SERIES and len(alone) > n_series / 2:
        shown = ", ".join(str(label) for label in classes[alone[:3]])
        raise ValueError(
            f"{len(alone)} of {n_series} series are alone in their class ({shown}, ...): these may be "
            "numbers or names of the series, or values, and no classes. Give the class of each series as y."
        )


def _texts(classes: NDArray[Any]) -> tuple[str, ...]:
    """Return labels as the pipeline writes them; as they are where that would take two for the same."""
    texts = tuple(spelled_alike([str(label) for label in classes]))
    return texts if len(set(texts)) == len(texts) else tuple(str(label) for label in classes)


def _made(row: NetworkClassifier) -> type[_NetworkClassifier]:
    """Return the estimator of a network that has no class of its own above."""
    shared = LSTMFCNClassifier if row.recurrent else FCNClassifier
    text = f"""{row.summary}

    Examples
    --------
    >>> import numpy as np
    >>> from lstmfcn import {row.estimator}
    >>> y = np.arange(20) % 2
    >>> X = np.sin(np.outer(1 + y, np.linspace(0, 6, 24)))
    >>> {row.estimator}(epochs=2).fit(X, y).n_iter_
    2
    """
    made = type(row.estimator, (shared,), {"_model": row.name, "__doc__": text, "__module__": __name__})
    return cast("type[_NetworkClassifier]", documented(made))


for _row in classifiers().values():
    if isinstance(_row, NetworkClassifier) and _row.estimator and _row.estimator not in globals():
        globals()[_row.estimator] = _made(_row)
