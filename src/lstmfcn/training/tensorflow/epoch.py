"""One epoch of training as one compiled call, on a twin of the network that computes faster.

Keras's `fit` spends most of the time of a small dataset between the steps; here shuffle, batches, loss,
gradients and Adam are one TensorFlow graph over data that is already in memory. The twin has the
network's layers, names and weights, some of the layers written for speed (`layers.py`).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstmfcn.environment import keras_defaults
from lstmfcn.training.recipe import Compute
from lstmfcn.training.tensorflow.layers import FASTER
from lstmfcn.training.weights import Weights, copy_weights, get_weights, set_weights

AT_ONCE = 0.5
"""So many seconds a call may take before Python, and with it Ctrl-C, has its turn; a batch at least."""

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # Adam's, as in Keras


class CompiledEpoch:
    """Trains a twin of one network, any number of times, an epoch a call.

    The graph takes series, batch size and learning rate as arguments: cross-validation's folds and the
    iterations of fine-tuning share it without being compiled again.

    Parameters
    ----------
    model
        A network of `lstmfcn.networks.build`; it is only copied.
    compute
        "bfloat16": the layers of `low_precision` compute in bfloat16, for which some processors have
        instructions several times as fast; weights, optimizer, the other layers and the loss stay in
        float32.
    low_precision
        The names of these layers: see `lstmfcn.networks.build`.
    """

    @keras_defaults()
    def __init__(self, model: keras.Model, compute: Compute, low_precision: Collection[str] = ()) -> None:
        if compute == "bfloat16" and not low_precision:
            raise ValueError(f"{model.name} has no layers that compute in bfloat16.")

        def twin_of(layer: keras.layers.Layer) -> keras.layers.Layer:
            config = layer.get_config()
            if compute == "bfloat16" and layer.name in low_precision:
                config["dtype"] = "mixed_bfloat16"
            return FASTER.get(type(layer), type(layer)).from_config(config)

        self.model = keras.models.clone_model(model, clone_function=twin_of)
        self._to_logits = keras.Model(self.model.inputs[0], self.model.get_layer("logits").output)
        self._dropouts = [x for x in self.model.layers if isinstance(x, keras.layers.Dropout) and x.rate]
        self._variables = [v.value for v in self.model.trainable_variables]
        self._first_moments = [tf.Variable(tf.zeros_like(v)) for v in self._variables]
        self._second_moments = [tf.Variable(tf.zeros_like(v)) for v in self._variables]
        self._powers = [tf.Variable(BETA_1), tf.Variable(BETA_2)]
        self._batches = 1  # of one call
        self._compiled = tf.function(
            self._run,
            input_signature=[
                tf.TensorSpec((None, *model.input_shape[1:]), tf.float32),
                tf.TensorSpec((None,), tf.int64),
                tf.TensorSpec((None,), tf.float32),
                tf.TensorSpec((), tf.int32),
                tf.TensorSpec((), tf.float32),
                tf.TensorSpec((2,), tf.int32),
                tf.TensorSpec((), tf.int32),
                tf.TensorSpec((), tf.int32),
                tf.TensorSpec((), tf.float32),
                tf.TensorSpec((), tf.float32),
            ],
        )

    def start(self, weights: Weights, seed: int) -> None:
        """Begin a training: set the weights, forget the optimizer's moments, and the dropout masks' place."""
        set_weights(self.model, weights)
        for moment in (*self._first_moments, *self._second_moments):
            moment.assign(tf.zeros_like(moment))
        self._powers[0].assign(BETA_1)
        self._powers[1].assign(BETA_2)
        for dropout in self._dropouts:
            dropout.seed_generator.state.assign([seed, 0])

    def stop(self) -> None:
        """End a training, whose weights stay."""

    def weights(self) -> dict[str, NDArray[Any]]:
        """Return what the weights have come to, by name."""
        return get_weights(self.model)

    def copy_to(self, model: keras.Model) -> None:
        """Give a model of this shape what the weights have come to."""
        copy_weights(self.model, model)

    def series(
        self, X: NDArray[np.float32], y: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> tuple[Any, ...]:
        """Return series, their classes and their weights in the loss as `run` takes them."""
        return tf.constant(X), tf.constant(y), tf.constant(weights)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all that the next epoch depends on, by name: weights, moments, the dropout masks' place."""
        return {name: variable.numpy() for name, variable in self._state_variables().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `state` returned."""
        for name, variable in self._state_variables().items():
            variable.assign(state[name])

    def _state_variables(self) -> dict[str, Any]:
        groups = {
            "weight": [v.value for v in self.model.weights],
            "moment": [*self._first_moments, *self._second_moments, *self._powers],
            "dropout": [x.seed_generator.state.value for x in self._dropouts],
        }
        return {f"{name}-{i}": v for name, variables in groups.items() for i, v in enumerate(variables)}

    def run(
        self, X: Any, y: Any, weights: Any, *, batch_size: int, rate: float, seed: tuple[int, int]
    ) -> tuple[float, float]:
        """Train for one epoch and return its loss and accuracy, as the batches went by.

        A long epoch is cut into several calls, so that it can be interrupted; what it gives is the same.

        Parameters
        ----------
        X, y, weights
            See `series`.
        batch_size
            The last batch may be smaller.
        rate
            Adam's learning rate.
        seed
            Decides the order of the series.
        """
        n_series, first, sums = len(X), 0, (0.0, 0.0)
        while first < n_series:
            last = min(first + self._batches * batch_size, n_series)
            begun = time.monotonic()
            sums = self._compiled(X, y, weights, batch_size, rate, seed, first, last, *sums)
            if time.monotonic() - begun > AT_ONCE:
                self._batches = max(1, self._batches // 2)
            elif last < n_series:
                self._batches *= 2
            first = last
        loss_sum, n_right = (np.float32(value) for value in sums)
        return float(loss_sum / np.float32(n_series)), float(n_right / np.float32(n_series))

    def _run(
        self,
        X: Any,
        y: Any,
        weights: Any,
        batch_size: Any,
        rate: Any,
        seed: Any,
        start: Any,
        stop: Any,
        loss_sum: Any,
        n_right: Any,
    ) -> Any:
        """Take the steps of the series `start` to `stop` of the epoch's order; return the sums so far."""
        order = tf.random.experimental.stateless_shuffle(tf.range(tf.shape(X)[0]), seed)
        for first in tf.range(start, stop, batch_size):
            batch = order[first : first + batch_size]
            labels = tf.gather(y, batch)
            with tf.GradientTape() as tape:
                logits = self._to_logits(tf.gather(X, batch), training=True)
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
                losses = losses * tf.gather(weights, batch)
                loss = tf.reduce_mean(losses)
            gradients = tape.gradient(loss, self._variables)
            if tf.math.is_finite(loss):  # weights that gave a number are not lost to one that is none
                self._apply(gradients, rate)
            loss_sum += tf.reduce_sum(losses)
            n_right += tf.reduce_sum(tf.cast(tf.argmax(logits, axis=-1) == labels, tf.float32))
        return loss_sum, n_right

    def _apply(self, gradients: list[Any], rate: Any) -> None:
        """Take one step of Adam, one fused kernel a variable."""
        beta_1_power, beta_2_power = self._powers
        moments = zip(self._variables, self._first_moments, self._second_moments, gradients, strict=True)
        for variable, first, second, gradient in moments:
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=beta_1_power,
                beta2_power=beta_2_power,
                lr=rate,
                beta1=BETA_1,
                beta2=BETA_2,
                epsilon=EPSILON,
                grad=gradient,
            )
        beta_1_power.assign(beta_1_power * BETA_1)
        beta_2_power.assign(beta_2_power * BETA_2)
