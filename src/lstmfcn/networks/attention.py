"""The attention LSTM of the paper's section II-D (after Bahdanau, Cho and Bengio, 2015)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from lstmfcn.networks.initial import GlorotUniform


@keras.saving.register_keras_serializable("lstmfcn")
class AttentionLSTM(keras.layers.Layer):
    r"""An LSTM whose gates also see a context vector drawn from all steps of its input.

    With annotations :math:`x_1 \dots x_T` (the input's steps) and the state :math:`h_{t-1}`:

    .. math::
        e_{tj} &= v^\top \tanh(W_a x_j + U_a h_{t-1} + b_a) \\
        \alpha_{tj} &= \exp(e_{tj}) / \textstyle\sum_k \exp(e_{tk}) \\
        c_t &= \textstyle\sum_j \alpha_{tj} x_j \\
        (i, f, g, o) &= W x_t + U h_{t-1} + C c_t + b

    and from there as in an LSTM: :math:`m_t = \sigma(f) m_{t-1} + \sigma(i) \tanh(g)` and
    :math:`h_t = \sigma(o) \tanh(m_t)` (the form Keras computes; the paper prints
    :math:`\tanh(g_o m)`). The softmax runs over the steps of each series, so a prediction does not
    depend on its batch mates. With one step every weight is 1 and the context is the input itself.
    Each step looks at all of them, so time and memory grow with their square.

    Parameters
    ----------
    units
        The number of cells.
    kernel_initializer, recurrent_initializer
        For W, and for U.
    attention_seed
        Seeds the initial C, W_a, U_a and v (Glorot uniform).
    unroll
        Whether the steps are laid out in the graph one after the other, which is quicker for few of
        them; otherwise they run as a loop.
    """

    def __init__(
        self,
        units: int,
        *,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        attention_seed: int | None = None,
        unroll: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.attention_seed = attention_seed
        self.unroll = unroll

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights for input of shape (batch, steps, features)."""
        features, units = input_shape[-1], self.units
        gates = 4 * units
        self.kernel = self.add_weight(
            shape=(features, gates), initializer=self.kernel_initializer, name="kernel"
        )
        self.recurrent_kernel = self.add_weight(
            shape=(units, gates), initializer=self.recurrent_initializer, name="recurrent_kernel"
        )
        self.bias = self.add_weight(shape=(gates,), initializer=self._unit_forget_bias, name="bias")
        seeds = iter(np.random.SeedSequence(self.attention_seed).generate_state(4).tolist())
        self.context_kernel = self._glorot((features, gates), next(seeds), "context_kernel")
        self.alignment_kernel = self._glorot((features, units), next(seeds), "alignment_kernel")
        self.alignment_recurrent = self._glorot((units, units), next(seeds), "alignment_recurrent")
        self.alignment_bias = self.add_weight(shape=(units,), initializer="zeros", name="alignment_bias")
        self.alignment_vector = self._glorot((units, 1), next(seeds), "alignment_vector")
        super().build(input_shape)

    def _glorot(self, shape: tuple[int | None, int], seed: int, name: str) -> keras.Variable:
        return self.add_weight(shape=shape, initializer=GlorotUniform(seed), name=name)

    def _unit_forget_bias(self, _shape: tuple[int, ...], dtype: Any = None) -> Any:
        # Gates stand in Keras's order: input, forget, cell, output.
        zeros, ones = ops.zeros((self.units,), dtype), ops.ones((self.units,), dtype)
        return ops.concatenate([zeros, ones, zeros, zeros])

    def call(self, inputs: Any) -> Any:
        """Return the last hidden state, shape (batch, units), for input (batch, steps, features)."""
        states, _, _ = self._run(inputs)
        return states[-1]

    def attend(self, inputs: Any) -> tuple[Any, Any]:
        """Return what the layer attended to.

        Parameters
        ----------
        inputs
            Shape (batch, steps, features).

        Returns
        -------
        weights, contexts
            The attention of each step to each annotation, shape (batch, steps, steps), and the
            context vectors, shape (batch, steps, features).
        """
        _, weights, contexts = self._run(inputs)
        return ops.swapaxes(weights, 0, 1), ops.swapaxes(contexts, 0, 1)

    def _run(self, inputs: Any) -> tuple[Any, Any, Any]:
        inputs = ops.convert_to_tensor(inputs)
        projected = ops.matmul(inputs, self.kernel) + self.bias
        aligned = ops.matmul(inputs, self.alignment_kernel) + self.alignment_bias
        units, (_, n_steps, n_features) = self.units, inputs.shape

        def step(before: Any, projected_step: Any) -> tuple[Any, Any]:
            hidden, memory = before[:, :units], before[:, units : 2 * units]
            scores = ops.matmul(
                ops.tanh(aligned + ops.expand_dims(ops.matmul(hidden, self.alignment_recurrent), 1)),
                self.alignment_vector,
            )
            weights = ops.exp(scores - ops.max(scores, axis=1, keepdims=True))  # cannot overflow
            weights = weights / ops.sum(weights, axis=1, keepdims=True)
            context = ops.sum(weights * inputs, axis=1)
            gates = projected_step + ops.matmul(hidden, self.recurrent_kernel)
            gates = gates + ops.matmul(context, self.context_kernel)
            enter, forget, candidate, leave = ops.split(gates, 4, axis=-1)
            memory = ops.sigmoid(forget) * memory + ops.sigmoid(enter) * ops.tanh(candidate)
            hidden = ops.sigmoid(leave) * ops.tanh(memory)
            # State and outputs in one tensor: on TensorFlow, Keras's scan wants them of one shape.
            after = ops.concatenate([hidden, memory, weights[..., 0], context], axis=-1)
            return after, after

        steps_first = ops.swapaxes(projected, 0, 1)
        state = ops.zeros((ops.shape(inputs)[0], 2 * units + n_steps + n_features), inputs.dtype)
        if self.unroll:
            states = []
            for t in range(n_steps):
                state, _ = step(state, steps_first[t])
                states.append(state)
            stacked = ops.stack(states)
        else:
            _, stacked = ops.scan(step, state, steps_first)
        hidden, _, weights, contexts = ops.split(stacked, [units, 2 * units, 2 * units + n_steps], axis=-1)
        return hidden, weights, contexts

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, int]:
        """Return (batch, units)."""
        return (input_shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        config: dict[str, Any] = super().get_config()
        return config | {
            "units": self.units,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer),
            "attention_seed": self.attention_seed,
            "unroll": self.unroll,
        }
