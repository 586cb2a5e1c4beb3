"""Class weights, and a model's weights as named arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.errors import DataError

if TYPE_CHECKING:
    import keras

Weights = Mapping[str, NDArray[Any]]


def class_weights(y: NDArray[np.int64], n_classes: int) -> NDArray[np.float32]:
    """Weigh each class by n / (classes x count), as King and Zeng (2001) and the paper's section IV.

    Parameters
    ----------
    y
        int64, shape (n_series,).
    n_classes
        The number of classes.

    Returns
    -------
    float32, shape (n_classes,)
        0 for a class that `y` lacks (a fold may lack one): it weighs in no series' loss.
    """
    counts = np.bincount(y, minlength=n_classes)
    present = np.maximum(counts, 1)
    return np.where(counts > 0, len(y) / ((counts > 0).sum() * present), 0.0).astype(np.float32)


def get_weights(model: keras.Model) -> dict[str, NDArray[Any]]:
    """Return the weights and statistics of `model` by their path in it."""
    from keras import ops

    return {w.path: ops.convert_to_numpy(w.value).copy() for w in model.weights}


def set_weights(model: keras.Model, weights: Weights) -> None:
    """Set what `get_weights` returned.

    Raises
    ------
    DataError
        If names, shapes or types differ from the model's.
    """
    own = {w.path: (tuple(w.shape), w.dtype) for w in model.weights}
    given = {name: (value.shape, value.dtype.name) for name, value in weights.items()}
    if own != given:
        what = "shapes or types" if own.keys() == given.keys() else "names"
        raise DataError(f"The weights are not those of this {model.name}: the {what} of the arrays differ.")
    for variable in model.weights:
        variable.assign(weights[variable.path])


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Give `target` the weights of `source`, a network with the same layers in the same order."""
    for given, variable in zip(source.weights, target.weights, strict=True):
        variable.assign(given.value)
