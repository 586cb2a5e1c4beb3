"""Fitting a network as the estimators do: the first training, then fine-tuning, watched after each epoch."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_class_weight

from lstmfcn.classifiers.engines import Shape, borrowed_engine, initial_weights
from lstmfcn.classifiers.parameters import Callback, Parameters
from lstmfcn.data.series import Split
from lstmfcn.training.loop import Engine, EpochEnd, History
from lstmfcn.training.recipe import TrainingRecipe
from lstmfcn.training.weights import Weights, class_weights, get_weights

QUIET_FOR = 5
"""Seconds between two lines of progress."""


@dataclass(frozen=True)
class Fit:
    """What a fit has come to.

    Attributes
    ----------
    weights
        Those kept.
    histories
        Of the first training and of each iteration of fine-tuning that was begun.
    validation_loss
        After each epoch of them all, in nats; empty where no series were held out.
    """

    weights: Weights
    histories: list[History]
    validation_loss: list[float]


def fit_network(
    train: Split,
    shape: Shape,
    parameters: Parameters,
    *,
    labels: NDArray[Any],
    seed: int,
    sample_weight: NDArray[np.float64] | None = None,
    title: str = "",
) -> Fit:
    """Train a network by the parameters of an estimator.

    Parameters
    ----------
    train
        The series; all of them count.
    shape
        Of the network.
    parameters
        Those of the estimator.
    labels
        The label of each class, as `class_weight` names them.
    seed
        Decides initial weights, shuffling, dropout, and which series are held out.
    sample_weight
        The weight of each series in the loss, shape (n_series,), beside that of its class; their mean is made
        1. None: all weigh alike.
    title
        What progress calls the network.

    Raises
    ------
    TrainingDivergedError
        See `Engine.train`.
    ValueError
        If a class has too few series for some to be held out, or `class_weight` does not fit the labels.
    """
    rest, held = _parts(train.y, parameters.validation_share, seed)
    weights = _weights(train.y, rest, len(train.classes), parameters.class_weight, labels)
    if sample_weight is not None:
        weights = weights * (sample_weight / sample_weight[rest].mean()).astype(np.float32)
    recipes = parameters.recipes()
    X, y = train.X[rest], train.y[rest]
    kept, histories = initial_weights(shape, seed), []
    with borrowed_engine(shape) as engine:
        watch = _Watch(
            [recipe.epochs for recipe in recipes],
            patience=parameters.patience,
            callbacks=parameters.callbacks or (),
            verbose=int(parameters.verbose),
            title=title,
        )
        for index, recipe in enumerate(recipes):
            evaluate = None
            if held is not None:
                evaluate = _evaluation(engine, X, recipe, train.X[held], train.y[held], weights[held])
            watch.begin(index, evaluate)
            history = engine.train(
                X,
                y,
                recipe,
                start=kept,
                seed=seed + 100_000 * index,
                series_weights=weights[rest],
                observe=watch.observe,
            )
            if evaluate is None:
                kept = get_weights(engine.model)
            else:
                kept = watch.best
                history = replace(history, kept_epoch=watch.best_epoch)
            histories.append(history)
            if watch.stopped:
                break
    return Fit(kept, histories, watch.validation_loss)


Part = NDArray[np.int64] | slice


def _parts(y: NDArray[np.int64], share: float, seed: int) -> tuple[Part, Part | None]:
    """Return which series are trained on, in their order, and which are held out; None where none are."""
    if share == 0:
        return slice(None), None
    rest, held = train_test_split(np.arange(len(y)), test_size=share, stratify=y, random_state=seed)
    return np.sort(rest), np.sort(held)


def _weights(
    y: NDArray[np.int64],
    rest: Part,
    n_classes: int,
    class_weight: Any,
    labels: NDArray[Any],
) -> NDArray[np.float32]:
    """Return the weight of each series by its class."""
    if class_weight == "balanced":
        return class_weights(y[rest], n_classes)[y]
    of_class = compute_class_weight(class_weight, classes=labels, y=labels[y])
    return np.asarray(of_class[y], np.float32)


Evaluation = Callable[[], tuple[float, Weights]]


def _evaluation(
    engine: Engine,
    X: NDArray[np.float32],
    recipe: TrainingRecipe,
    held: NDArray[np.float32],
    y: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> Evaluation:
    """Return what gives the loss on the held-out series, weighed as in training, and the weights it is of."""

    def evaluate() -> tuple[float, Weights]:
        engine.settle(X, recipe)
        right = engine.predict(held)[np.arange(len(y)), y].astype(np.float64)
        losses = -np.log(np.maximum(right, np.finfo(np.float32).tiny))
        return float(np.mean(losses * weights)), get_weights(engine.model)

    return evaluate


@dataclass
class _Watch:
    """What goes on after each epoch: a look at the held-out series, progress, the callbacks."""

    most: Sequence[int]
    patience: int
    callbacks: Sequence[Callback]
    verbose: int
    title: str
    best: Weights = field(default_factory=dict)
    best_epoch: int = 0
    best_loss: float = math.inf
    validation_loss: list[float] = field(default_factory=list)
    stopped: bool = False
    _index: int = 0
    _evaluate: Evaluation | None = None
    _waited: int = 0
    _begun: float = field(default_factory=time.monotonic)
    _told: float = -math.inf
    _epochs: int = 0

    def begin(self, index: int, evaluate: Evaluation | None) -> None:
        """Begin another training."""
        self._index, self._evaluate, self._waited, self.best_epoch = index, evaluate, 0, 0

    def observe(self, end: EpochEnd) -> bool:
        """Return whether the training shall end."""
        self._epochs += 1
        facts: dict[str, Any] = {
            "training": self._index,
            "epoch": end.epoch,
            "epochs": self.most[self._index],
            "loss": end.loss,
            "accuracy": end.accuracy,
            "learning_rate": end.rate,
        }
        if self._evaluate:
            loss, weights = self._evaluate()
            facts["validation_loss"] = loss
            self.validation_loss.append(loss)
            self._waited += 1
            if loss < self.best_loss or not self.best:
                self.best, self.best_loss, self.best_epoch, self._waited = weights, loss, end.epoch, 0
        if self.verbose:
            self._tell(facts)
        for callback in self.callbacks:
            self.stopped |= callback(dict(facts)) is True
        return self.stopped or (self._evaluate is not None and self._waited >= self.patience)

    def _tell(self, facts: Mapping[str, Any]) -> None:
        now = time.monotonic()
        last = facts["epoch"] == facts["epochs"]
        if self.verbose < 2 and not last and now - self._told < QUIET_FOR:
            return
        self._told = now
        left = facts["epochs"] - facts["epoch"] + sum(self.most[self._index + 1 :])
        seconds = left * (now - self._begun) / self._epochs
        phase = f"fine-tuning {self._index}, " if self._index else ""
        values = [f"{key.replace('_', ' ')} {facts[key]:.4f}" for key in SHOWN if key in facts]
        sys.stderr.write(
            f"{self.title}: {phase}epoch {facts['epoch']}/{facts['epochs']}, {', '.join(values)}, "
            f"at most {seconds:.0f} s left\n"
        )


SHOWN = ("loss", "accuracy", "validation_loss")
