"""A trained network as a package: series in, probabilities and labels out, no code of ours needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstmfcn.data.normalisation import LARGEST
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.environment import load_mlflow
from lstmfcn.networks.architecture import Architecture, Vote
from lstmfcn.networks.build import build
from lstmfcn.training.weights import Weights, set_weights


class ServingModel(tf.Module):
    """Prepares raw series as the `prepare` stage does and predicts their class probabilities.

    Calling it maps float64 (batch, n_channels, length) to float32 (batch, n_classes): a row of NaN for a
    series that cannot be prepared (an infinite or overflowing value, or a missing one that no policy of the
    preprocessing handles), whatever the others are.

    Parameters
    ----------
    architecture
        Which network, or which ones vote.
    weights
        Its weights, as `lstmfcn.training.weights.get_weights` returns them.
    preprocessing
        What the network was trained behind; says the shape of the series, too.
    n_classes
        How many classes there are.
    temperature
        The probabilities are raised to 1 / T and divided by their sum; None: they are as the network gives
        them. See `lstmfcn.evaluation.calibration`.
    """

    def __init__(
        self,
        architecture: Architecture | Vote,
        weights: Weights,
        *,
        preprocessing: Preprocessing,
        n_classes: int,
        temperature: float | None = None,
    ) -> None:
        super().__init__(name=architecture.name)
        self.preprocessing = preprocessing
        self._temperature = temperature
        n_channels, length = preprocessing.shape
        self._network = build(
            architecture,
            n_channels=n_channels,
            length=length,
            n_classes=n_classes,
            padded=preprocessing.padded,
        )
        set_weights(self._network, weights)
        self._spec = tf.TensorSpec((None, preprocessing.n_channels, length), tf.float64, name="series")
        self.__call__.get_concrete_function(self._spec)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def __call__(self, series: Any) -> Any:
        """Return probabilities, float32 (batch, n_classes), of raw series (batch, n_channels, length)."""
        prepared = self.preprocessing.to_tensorflow(series)
        probabilities = self._network(prepared, training=False)
        if self._temperature is not None:
            powers = tf.pow(probabilities, 1 / self._temperature)
            probabilities = powers / tf.reduce_sum(powers, axis=1, keepdims=True)
        # Prepared and passed through the network, a NaN may come out as any class, and with certainty.
        sound = self.preprocessing.sound(series)
        bearable = tf.abs(prepared) <= LARGEST
        if self.preprocessing.padded:
            bearable = tf.logical_or(bearable, tf.math.is_nan(prepared))
        sound = tf.logical_and(sound, tf.reduce_all(bearable, axis=(1, 2)))
        answers = tf.where(tf.expand_dims(sound, 1), probabilities, tf.constant(np.nan, tf.float32))
        return tf.identity(answers, name="probabilities")

    def with_labels(self, classes: Sequence[str]) -> Any:
        """Return the function that answers with probabilities and with labels, as TensorFlow serves it.

        Parameters
        ----------
        classes
            The labels, in the order of the probabilities.

        Returns
        -------
        A function of `series` to `label`, text (batch,), empty where there are no probabilities, and
        `probabilities`, float32 (batch, n_classes).
        """

        @tf.function(autograph=False, input_signature=[self._spec])  # type: ignore[untyped-decorator]
        def answer(series: Any) -> dict[str, Any]:
            probabilities = self(series)
            sound = tf.reduce_all(tf.math.is_finite(probabilities), axis=1)
            likeliest = tf.where(sound, tf.argmax(probabilities, axis=1), len(classes))
            return {
                "label": tf.gather(tf.constant([*classes, ""]), likeliest),
                "probabilities": probabilities,
            }

        return answer


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

    preprocessing = model.preprocessing
    takes = {} if preprocessing.strict else {"takes": preprocessing.takes}
    mlflow.tensorflow.save_model(
        model,
        str(folder),
        saved_model_kwargs={"signatures": model.with_labels(classes)},
        signature=ModelSignature(
            inputs=Schema([TensorSpec(np.dtype(np.float64), (-1, *example.shape[1:]))]),
            outputs=Schema([TensorSpec(np.dtype(np.float32), (-1, len(classes)))]),
        ),
        input_example=example.astype(np.float64),
        # Spelled out: MLflow's own guess starts a process that imports everything, 15 s.
        pip_requirements=[f"{name}=={version(name)}" for name in ("mlflow", "tensorflow", "numpy")],
        metadata={"classes": list(classes), **takes, **metadata},
    )
