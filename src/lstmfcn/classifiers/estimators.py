"""The networks as scikit-learn estimators, with aeon's conventions for collections of series."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.series import Split
from lstmfcn.networks.architecture import Architecture, ModelName


class _NetworkClassifier(ClassifierMixin, BaseEstimator):
    """What the three classifiers share."""

    _model: ClassVar[ModelName]

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
            If shapes do not fit, a value is missing or infinite, or there is one class only.
        """
        from lstmfcn.classifiers.phase1 import new_engine
        from lstmfcn.training.loop import TrainingRecipe
        from lstmfcn.training.weights import get_weights

        flat, shape = _flattened(X)
        checked, labels = validate_data(self, flat, y, dtype=np.float32)
        series = checked.reshape(len(checked), *(shape or (1, -1)))
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"The labels hold one class only, {self.classes_[0]!r}: at least two are needed."
            )
        self.n_channels_, self.length_ = series.shape[1:]
        self.preprocessing_ = Preprocessing.fit(series, normalise=self.normalise)
        train = Split(
            self.preprocessing_.apply(series), codes.astype(np.int64), tuple(str(c) for c in self.classes_)
        )
        seed = 0 if self.random_state is None else int(self.random_state)
        recipe = TrainingRecipe(
            epochs=self.epochs,
            batch_size=self.batch_size,
            schedule=self.schedule,
            initial_rate=self.learning_rate,
            final_rate=min(1e-4, self.learning_rate),
        )
        engine = new_engine(train, self._architecture(), seed=seed)
        self.weights_, self.histories_ = engine.initial, []
        for index in range(self.fine_tuning_iterations + 1):
            history = engine.train(
                train.X,
                train.y,
                recipe.iteration(index) if index else recipe,
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
        series = validate_data(self, flat, dtype=np.float32, reset=False).reshape(-1, *fitted)
        probabilities: NDArray[np.float32] = self._engine().predict(self.preprocessing_.apply(series))
        return probabilities

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label of the highest probability of each series, shape (n_series,)."""
        probabilities = self.predict_proba(X)
        labels: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def _architecture(self) -> Architecture:
        """Return the network that the parameters describe; raises `ValueError` if they do not fit."""
        return Architecture(name=self._model)

    def _engine(self) -> Any:
        """Return the network with the fitted weights; built when first needed, and after unpickling."""
        if getattr(self, "_network", None) is None:
            from lstmfcn.networks import build
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
        How to train: see `lstmfcn.training.loop.TrainingRecipe`.
    fine_tuning_iterations
        The K of the paper's Algorithm 1; 0 for phase 1 alone.
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

    _model: ClassVar[ModelName] = "fcn"

    def __init__(
        self,
        *,
        epochs: int = 300,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        schedule: Literal["fitted", "plateau", "cosine", "constant"] = "fitted",
        fine_tuning_iterations: int = 0,
        normalise: Literal["per_series", "none"] = "per_series",
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

    _model: ClassVar[ModelName] = "lstm_fcn"

    def __init__(
        self,
        *,
        cells: int = 64,
        dropout: float = 0.8,
        dimension_shuffle: bool = True,
        segments: int = 1,
        epochs: int = 300,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        schedule: Literal["fitted", "plateau", "cosine", "constant"] = "fitted",
        fine_tuning_iterations: int = 0,
        normalise: Literal["per_series", "none"] = "per_series",
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
        return Architecture(
            name=self._model,
            cells=self.cells,
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

    _model: ClassVar[ModelName] = "alstm_fcn"


def _flattened(X: Any) -> tuple[Any, tuple[int, int] | None]:
    """Return series as scikit-learn checks them, a row each, and their shape where X has channels."""
    if getattr(X, "ndim", 2) != 3:
        return X, None
    n_series, n_channels, length = X.shape
    return np.asarray(X).reshape(n_series, n_channels * length), (n_channels, length)
