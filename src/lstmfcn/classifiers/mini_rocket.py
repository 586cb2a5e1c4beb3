"""What MiniRocket does as a classifier: its biases are aeon's, its last layer is a ridge classifier.

Its answer is a network's (`lstmfcn.networks.mini_rocket`), so that what is measured is what is served, in one
graph and without a pickle. A ridge classifier has scores and no probabilities. They are made of the scores by
a softmax at the temperature that is fitted on the out-of-fold scores: the labels stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.classifiers.library import RocketClassifier
from lstmfcn.classifiers.network import predict as predict
from lstmfcn.classifiers.outcome import Outcome, OutOfFold
from lstmfcn.classifiers.phase1 import folds_of, network_for
from lstmfcn.classifiers.reference import load as load
from lstmfcn.classifiers.reference import needed, refusing, whole
from lstmfcn.data.batches import batches
from lstmfcn.evaluation.calibration import fitted_temperature
from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.mini_rocket import KERNELS, SIZE, dilations
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.left_out import RefusedError
from lstmfcn.training.weights import get_weights

if TYPE_CHECKING:
    import keras

    from lstmfcn.classifiers.jobs.common import TrainJob

ALPHAS = np.logspace(-3, 3, 10)
"""The ridge's penalties to choose from, by leave-one-out cross-validation: aeon's."""

NEVER = -1e4
"""The score of a class that a fold lacks: its probability is 0 at any scale."""


def train(classifier: RocketClassifier, job: TrainJob) -> Outcome:
    """Fit on each fold's part of the training split, and score what the fold holds out; then on all of it.

    Raises
    ------
    RefusedError
        If the series are none that it takes, or a library refuses them.
    LstmfcnError
        If a library is missing.
    """
    from scipy.special import softmax

    split, identity = job.train, job.identity
    n, _, length = split.X.shape
    if reason := classifier.refusal(n, length):
        raise RefusedError(reason, identity)
    needed(classifier)
    fold = folds_of(split, job.n_folds, identity.seed, job.selection)
    scores = np.full((n, len(split.classes)), np.nan)
    model = network_for(split, Architecture(name=classifier.network), seed=0)
    for k in range(int(fold.max()) + 1):
        job.progress(f"fold {k + 1}/{int(fold.max()) + 1}")
        held = fold == k
        kernel, bias = _fit(classifier, model, split.X[~held], split.y[~held], identity)
        scores[held] = shares(model, split.X[held]) @ kernel + bias
    job.progress("whole training split")
    kernel, bias = _fit(classifier, model, split.X, split.y, identity)
    held = fold >= 0
    scale = 1.0
    if held.any():
        scale /= fitted_temperature(split.y[held], softmax(scores[held], axis=1).astype(np.float32))
    model.get_layer("logits").set_weights([scale * kernel, np.maximum(scale * bias, NEVER)])
    probabilities = softmax(scale * scores, axis=1).astype(np.float32)
    return Outcome(get_weights(model), (), None, OutOfFold(split.y, fold, probabilities))


def _fit(
    classifier: RocketClassifier,
    model: keras.Model,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    identity: Identity,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the network its kernels and biases; return the last layer's kernel and bias, of all classes."""
    from aeon.transformations.collection.convolution_based import MiniRocket
    from sklearn.linear_model import RidgeClassifierCV

    with refusing(classifier, "fitted on", identity):
        drawn = MiniRocket(random_state=identity.seed).fit(whole(X))
        lay_kernels(model, drawn.parameters, n_channels=X.shape[1])
        found = shares(model, X)
        deviations = found.std(axis=0)
        deviations[deviations == 0] = 1
        ridge = RidgeClassifierCV(alphas=ALPHAS).fit(found / deviations, y)
    n_classes = model.output_shape[-1]
    coefficients, intercept = np.atleast_2d(ridge.coef_), np.atleast_1d(ridge.intercept_)
    if len(coefficients) == 1:
        coefficients, intercept = np.vstack([-coefficients, coefficients]), np.append(-intercept, intercept)
    kernel, bias = np.zeros((found.shape[1], n_classes)), np.full(n_classes, NEVER)
    kernel[:, ridge.classes_] = (coefficients / deviations).T
    bias[ridge.classes_] = intercept
    return kernel, bias


def lay_kernels(model: keras.Model, parameters: Sequence[NDArray[Any]], *, n_channels: int) -> None:
    """Give a network the kernels and biases that aeon's transformer has drawn.

    Parameters
    ----------
    model
        Of `lstmfcn.networks.mini_rocket`.
    parameters
        How many channels each kernel at each dilation sees, which ones, the dilations, how many biases a
        kernel has at each, and the biases.
    n_channels
        Of the series.
    """
    n_seen, seen, _, _, biases = parameters
    ends, at = np.cumsum(n_seen), 0
    for i, (_, n_biases) in enumerate(dilations(model.input_shape[-1])):
        kernel = np.zeros((SIZE, n_channels, len(KERNELS)), np.float32)
        for k, places in enumerate(KERNELS):
            number = i * len(KERNELS) + k
            column = np.full(SIZE, -1, np.float32)
            column[list(places)] = 2
            channels = seen[ends[number] - n_seen[number] : ends[number]]
            kernel[:, channels, k] = column[:, np.newaxis]
        model.get_layer(f"conv{i}").set_weights([kernel])
        size = len(KERNELS) * n_biases
        model.get_layer(f"pooled{i}").set_weights([biases[at : at + size].reshape(len(KERNELS), n_biases)])
        at += size


def shares(model: keras.Model, X: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what the last layer sees of series, float64 (n_series, n_features)."""
    import keras

    to_shares = keras.Model(model.inputs[0], model.get_layer("logits").input)
    parts = [np.asarray(to_shares(batch, training=False)) for batch in batches(X)]
    return np.asarray(np.concatenate(parts), np.float64)
