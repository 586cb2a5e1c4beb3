"""A trained network as a package: series in, probabilities out, no code of ours needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstmfcn.data.preprocessing import FLAT
from lstmfcn.environment import load_mlflow
from lstmfcn.networks import build
from lstmfcn.networks.architecture import Architecture
from lstmfcn.training.weights import Weights, set_weights


class ServingModel(tf.Module):
    """Normalises raw series as the `prepare` stage does and predicts their class probabilities.

    Calling it maps float32 (batch, n_channels, length) to float32 (batch, n_classes).

    Parameters
    ----------
    architecture
        Which network.
    weights
        Its weights, as `lstmfcn.training.weights.get_weights` returns them.
    n_channels, length, n_classes
        See `lstmfcn.networks.build`.
    normalise
        As in `params.yaml`: "per_series" or "none".
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Weights,
        *,
        n_channels: int,
        length: int,
        n_classes: int,
        normalise: Literal["per_series", "none"],
    ) -> None:
        super().__init__(name=architecture.name)
        self._network = build(architecture, n_channels=n_channels, length=length, n_classes=n_classes)
        set_weights(self._network, weights)
        self._normalise = normalise
        spec = tf.TensorSpec((None, n_channels, length), tf.float32, name="series")
        self.__call__.get_concrete_function(spec)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def __call__(self, series: Any) -> Any:
        """Return probabilities, float32 (batch, n_classes), of raw series (batch, n_channels, length)."""
        if self._normalise == "per_series":
            wide = tf.cast(series, tf.float64)
            centred = wide - tf.reduce_mean(wide, axis=-1, keepdims=True)
            spread = tf.math.reduce_std(centred, axis=-1, keepdims=True)
            varies = spread > FLAT * tf.reduce_max(tf.abs(wide), axis=-1, keepdims=True)
            scaled = centred / tf.where(varies, spread, tf.ones_like(spread))
            series = tf.cast(tf.where(varies, scaled, tf.zeros_like(scaled)), tf.float32)
        return tf.identity(self._network(series, training=False), name="probabilities")


def export(
    folder: Path,
    model: ServingModel,
    *,
    classes: Sequence[str],
    example: NDArray[np.float32],
    metadata: Mapping[str, Any],
) -> None:
    """Write a model as plain MLflow and TensorFlow can load it.

    Parameters
    ----------
    folder
        A new folder.
    model
        What is served.
    classes
        The labels, in the order of the outputs.
    example
        A few series, float32 (n, n_channels, length); shows users what to send.
    metadata
        What else the package says of itself, as JSON-able values.
    """
    load_mlflow("mlflow.tensorflow")
    import mlflow.tensorflow
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    single = np.dtype(np.float32)
    mlflow.tensorflow.save_model(
        model,
        str(folder),
        signature=ModelSignature(
            inputs=Schema([TensorSpec(single, (-1, *example.shape[1:]))]),
            outputs=Schema([TensorSpec(single, (-1, len(classes)))]),
        ),
        input_example=example,
        # Spelled out: MLflow's own guess starts a process that imports everything, 15 s.
        pip_requirements=[f"{name}=={version(name)}" for name in ("mlflow", "tensorflow", "numpy")],
        metadata={"classes": list(classes), **metadata},
    )
