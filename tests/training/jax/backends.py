"""What is trained on both backends alike."""

import numpy as np

from lstmfcn.training.recipe import TrainingRecipe
from lstmfcn.training.weights import class_weights

SEED, N_CLASSES = 3, 3


def series():
    """Return series of three classes, of unequal sizes: float32 (21, 1, 24) and int64 (21,)."""
    rng = np.random.default_rng(0)
    y = np.arange(21) % 7 % 3
    X = rng.normal(size=(21, 1, 24)).astype(np.float32)
    X[:, 0, 4:9] += 2 * y[:, None].astype(np.float32)
    return X, y


def padded(X, y):
    """Return the same, of which some end early."""
    X = X.copy()
    for i in range(0, len(X), 2):
        X[i, :, 24 - i // 2 :] = np.nan if i else X[i, :, 24:]
    return X, y


def recipe(epochs, criterion="last"):
    return TrainingRecipe(epochs=epochs, batch_size=8, schedule="constant", criterion=criterion)


def epoch_of(compiled, X, y, number):
    """Return the loss and the accuracy of one epoch: batches of 8, the last of 5."""
    weights = class_weights(y, N_CLASSES)[y]
    return compiled.run(*compiled.series(X, y, weights), batch_size=8, rate=1e-3, seed=(SEED, number))


def trained(engine, X, y, seed, epochs=4):
    """Return the history of a training, and what it then predicts of all series."""
    history = engine.train(X, y, recipe(epochs), start=engine.initial, seed=seed)
    return history, engine.predict(series()[0])
