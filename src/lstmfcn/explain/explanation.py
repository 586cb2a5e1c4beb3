"""All there is to say of what one network does with some series, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lstmfcn.explain.activation import class_activation_maps, contributions, outputs
from lstmfcn.explain.attention import attention, has_attention
from lstmfcn.networks.build import members


@dataclass(frozen=True)
class Explanation:
    """What one trained network does with some series.

    Attributes
    ----------
    classes
        The labels, in the order of the outputs.
    X
        The prepared series, float32 (n_series, n_channels, length).
    y
        The true classes, int64 (n_series,), -1 for a label that is no class; or None where there are none.
    predicted
        The predicted classes, int64 (n_series,).
    row
        The line of each series in its file, int64 (n_series,); None for the training split.
    maps
        Class activation maps, float32 (n_series, n_classes, length).
    convolutional, recurrent
        What each branch adds to the scores, float32 (n_series, n_classes).
    weights, contexts
        See `Attention`; None for a network without attention, and for several that vote.
    """

    classes: tuple[str, ...]
    X: NDArray[np.float32]
    y: NDArray[np.int64] | None
    predicted: NDArray[np.int64]
    maps: NDArray[np.float32]
    convolutional: NDArray[np.float32]
    recurrent: NDArray[np.float32]
    weights: NDArray[np.float32] | None
    contexts: NDArray[np.float32] | None
    row: NDArray[np.int64] | None = None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name; those there are not are left out."""
        named = {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return named | {"classes": np.array(self.classes, dtype=np.str_)}


def explain(
    model: keras.Model,
    X: NDArray[np.float32],
    *,
    classes: tuple[str, ...],
    predicted: NDArray[np.int64] | None = None,
    y: NDArray[np.int64] | None = None,
    row: NDArray[np.int64] | None = None,
) -> Explanation:
    """Explain what a trained network does with series, or several that vote.

    Parameters
    ----------
    model
        A network of `lstmfcn.networks.build`, or those of a vote: their maps and contributions are averaged,
        and so are those to the scores, though what they vote with is probabilities.
    X
        float32, shape (n_series, n_channels, length), prepared as for training.
    classes
        The labels, in the order of the outputs.
    predicted, y, row
        See `Explanation`. Where the predicted classes are not given, they are those that the network gives.
    """
    if predicted is None:
        predicted = outputs(model, model.outputs[0], X).argmax(axis=1)
    voters = members(model)
    parts = [contributions(network, X) for network in voters]
    seen = attention(model, X) if has_attention(model) else None
    return Explanation(
        classes=classes,
        X=X,
        y=y,
        predicted=predicted,
        maps=_mean([class_activation_maps(network, X) for network in voters]),
        convolutional=_mean([part.convolutional for part in parts]),
        recurrent=_mean([part.recurrent for part in parts]),
        weights=None if seen is None else seen.weights,
        contexts=None if seen is None else seen.contexts,
        row=row,
    )


def _mean(arrays: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return arrays[0] if len(arrays) == 1 else np.mean(arrays, axis=0, dtype=np.float32)
