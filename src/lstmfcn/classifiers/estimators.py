"""The networks as scikit-learn estimators, with aeon's conventions for collections of series."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from lstmfcn.classifiers.base import NetworkClassifier
from lstmfcn.classifiers.table import classifiers, network_named
from lstmfcn.data.preprocessing import DEFAULT, Normalise, Preprocessing
from lstmfcn.data.series import Split
from lstmfcn.errors import DataError
from lstmfcn.networks.architecture import Architecture
from lstmfcn.training.recipe import FineTuning, ScheduleName, TrainingRecipe, fine_tuning_recipe

_TRAIN = TrainingRecipe()
"""Its defaults, the architecture's and the preprocessing's are those of `params.yaml` too."""


class _NetworkClassifier(ClassifierMixin, BaseEstimator):
    """What the estimators share."""

    _model: ClassVar[str]

    def fit(self, X: Any, y: Any) -> Self:
        """Train on series and their labels.

        Parameters
        ----------
        X
            Shape (n_series, n_channels, length), or (n_series, length) where there is one channel.
        y
            Labels, shape (n_series,): text, integers or booleans.

        Raises
        ------
        ValueError
            If shapes do not fit, a value is missing or infinite, there is one class only, or a parameter is
            impossible.
        """
        from lstmfcn.classifiers.phase1 import new_engine
        from lstmfcn.training.weights import get_weights

        flat, shape = _flattened(X)
        checked, labels = validate_data(self, flat, y, dtype=np.float64)
        series = checked.reshape(len(checked), *(shape or (1, -1)))
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"The labels hold one class only, {self.classes_[0]!r}: at least two are needed."
            )
        self.n_channels_, self.length_ = series.shape[1:]
        self.preprocessing_ = Preprocessing.fit(series, normalise=self.normalise)
        train = Split(self._prepared(series), codes.astype(np.int64), tuple(str(c) for c in self.classes_))
        seed = 0 if self.random_state is None else int(self.random_state)
        recipes = self._recipes()
        engine = new_engine(train, self._architecture(), seed=seed)
        self.weights_, self.histories_ = engine.initial, []
        for index, recipe in enumerate(recipes):
            history = engine.train(
                train.X,
                train.y,
                recipe,
                start=self.weights_,
                seed=seed + 100_000 * index,
            )
            self.weights_ = get_weights(engine.model)
            self.histories_.append(history)
        self._network = engine
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Return class probabilities, float32 (n_series, n_classes), in the order of `classes_`.

        Raises
        ------
        ValueError
            If the series are of another shape than those of `fit`, or a value is missing or infinite.
        """
        check_is_fitted(self, "weights_")
        flat, shape = _flattened(X)
        fitted = (self.n_channels_, self.length_)
        if shape not in (None, fitted):
            raise ValueError(f"Fitted on series of {fitted} (channels, values), given {shape}.")
        series = validate_data(self, flat, dtype=np.float64, reset=False).reshape(-1, *fitted)
        probabilities: NDArray[np.float32] = self._engine().predict(self._prepared(series))
        return probabilities

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label of the highest probability of each series, shape (n_series,)."""
        probabilities = self.predict_proba(X)
        labels: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def _architecture(self) -> Architecture:
        """Return the network that the parameters describe; raises `ValueError` if they do not fit."""
        return network_named(self._model).architecture(None)

    def _recipes(self) -> list[TrainingRecipe]:
        """Return how phase 1 and each fine-tuning iteration train; raises `ValueError`."""
        try:
            fine_tuning = FineTuning(iterations=_plain(self.fine_tuning_iterations))
            phase1 = TrainingRecipe(
                epochs=_plain(self.epochs),
                batch_size=_plain(self.batch_size),
                schedule=self.schedule,
                initial_rate=_plain(self.learning_rate),
                final_rate=min(_TRAIN.final_rate, _plain(self.learning_rate)),
            )
        except ValidationError as error:
            ours = {"initial_rate": "learning_rate", "iterations": "fine_tuning_iterations"}
            problem = error.errors()[0]
            name = str(problem["loc"][0])
            raise ValueError(f"{ours.get(name, name)}={problem['input']!r}: {problem['msg']}.") from None
        first = fine_tuning_recipe(phase1, fine_tuning)
        return [phase1, *(first.iteration(i) for i in range(1, fine_tuning.iterations + 1))]

    def _prepared(self, series: NDArray[np.float64]) -> NDArray[np.float32]:
        try:
            return self.preprocessing_.apply(series)
        except DataError as error:
            raise ValueError(str(error)) from None

    def _engine(self) -> Any:
        """Return the network with the fitted weights; built when first needed, and after unpickling."""
        if getattr(self, "_network", None) is None:
            from lstmfcn.networks.build import build
            from lstmfcn.training.loop import Engine
            from lstmfcn.training.weights import set_weights

            model = build(
                self._architecture(),
                n_channels=self.n_channels_,
                length=self.length_,
                n_classes=len(self.classes_),
            )
            set_weights(model, self.weights_)
            self._network = Engine(model)
        return self._network

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        return {name: value for name, value in state.items() if name != "_network"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.non_deterministic = False
        return tags


class FCNClassifier(_NetworkClassifier):
    """The fully convolutional network (Wang, Yan and Oates, 2017).

    Parameters
    ----------
    epochs, batch_size, learning_rate, schedule
        How to train: see `lstmfcn.training.recipe.TrainingRecipe`. The rest of the recipe, and these where
        they are not given, are the defaults of `params.yaml`.
    fine_tuning_iterations
        The K of the paper's Algorithm 1; 0 for phase 1 alone. An iteration trains as `finetune` does by
        default: see `lstmfcn.training.recipe.FineTuning`.
    normalise
        "per_series" z-normalises each channel of each series, "none" leaves them as they are.
    random_state
        An integer decides every random choice: equal integers give equal models.

    Attributes
    ----------
    classes_
        The labels, sorted.
    preprocessing_
        What is done to series, as fitted on the training series.
    weights_
        The trained weights by name.
    histories_
        A `History` for phase 1 and for each fine-tuning iteration.
    """

    _model: ClassVar[str] = "fcn"

    def __init__(
        self,
        *,
        epochs: int = _TRAIN.epochs,
        batch_size: int = _TRAIN.batch_size,
        learning_rate: float = _TRAIN.initial_rate,
        schedule: ScheduleName = _TRAIN.schedule,
        fine_tuning_iterations: int = 0,
        normalise: Normalise = DEFAULT,
        random_state: int | None = 0,
    ) -> None:
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.fine_tuning_iterations = fine_tuning_iterations
        self.normalise = normalise
        self.random_state = random_state


class LSTMFCNClassifier(_NetworkClassifier):
    """LSTM-FCN (Karim et al., 2017, section III).

    Parameters
    ----------
    cells
        The LSTM's units.
    dropout, dimension_shuffle, segments
        What else shapes the network: see `lstmfcn.networks.architecture.Architecture`.
    epochs, batch_size, learning_rate, schedule, fine_tuning_iterations, normalise, random_state
        As for `FCNClassifier`, whose attributes it has too.
    """

    _model: ClassVar[str] = "lstm_fcn"

    def __init__(
        self,
        *,
        cells: int = 64,
        dropout: float = Architecture.dropout,
        dimension_shuffle: bool = Architecture.dimension_shuffle,
        segments: int = Architecture.segments,
        epochs: int = _TRAIN.epochs,
        batch_size: int = _TRAIN.batch_size,
        learning_rate: float = _TRAIN.initial_rate,
        schedule: ScheduleName = _TRAIN.schedule,
        fine_tuning_iterations: int = 0,
        normalise: Normalise = DEFAULT,
        random_state: int | None = 0,
    ) -> None:
        self.cells = cells
        self.dropout = dropout
        self.dimension_shuffle = dimension_shuffle
        self.segments = segments
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.fine_tuning_iterations = fine_tuning_iterations
        self.normalise = normalise
        self.random_state = random_state

    def _architecture(self) -> Architecture:
        return network_named(self._model).architecture(
            self.cells,
            dropout=self.dropout,
            dimension_shuffle=self.dimension_shuffle,
            segments=self.segments,
        )


class ALSTMFCNClassifier(LSTMFCNClassifier):
    """ALSTM-FCN: LSTM-FCN with the attention LSTM of the paper's section II-D.

    Parameters
    ----------
    cells, dropout, dimension_shuffle, segments, epochs, batch_size, learning_rate, schedule, \
fine_tuning_iterations, normalise, random_state
        As for `LSTMFCNClassifier`.
    """

    _model: ClassVar[str] = "alstm_fcn"


def _plain(value: Any) -> Any:
    """Return a number of NumPy's, such as a grid search sets, as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _made(row: NetworkClassifier) -> type[_NetworkClassifier]:
    """Return the estimator of a network that has no class of its own above."""
    shared = LSTMFCNClassifier if row.recurrent else FCNClassifier
    text = f"""{row.summary}

    Parameters
    ----------
    {", ".join(shared._get_param_names())}
        As for `{shared.__name__}`, whose attributes it has too.
    """
    return type(row.estimator, (shared,), {"_model": row.name, "__doc__": text, "__module__": __name__})


for _row in classifiers().values():
    if isinstance(_row, NetworkClassifier) and _row.estimator and _row.estimator not in globals():
        globals()[_row.estimator] = _made(_row)


def _flattened(X: Any) -> tuple[Any, tuple[int, int] | None]:
    """Return series as scikit-learn checks them, a row each, and their shape where X has channels."""
    if getattr(X, "ndim", 2) != 3:
        return X, None
    n_series, n_channels, length = X.shape
    return np.asarray(X).reshape(n_series, n_channels * length), (n_channels, length)
