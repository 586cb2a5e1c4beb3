"""One epoch of training as one call, together with those of the other trainings of this process."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from numpy.typing import NDArray

from lstmfcn.training.jax.stack import BETA_1, BETA_2, Call, Data, Seat, State, stack_of
from lstmfcn.training.jax.twin import Network, twin_of
from lstmfcn.training.recipe import Compute
from lstmfcn.training.weights import Weights, set_weights


class CompiledEpoch:
    """Trains a twin of one network, any number of times, an epoch a call.

    Parameters
    ----------
    model, compute, low_precision
        See `lstmfcn.training.tensorflow.CompiledEpoch`.
    """

    def __init__(self, model: keras.Model, compute: Compute, low_precision: Collection[str] = ()) -> None:
        self._twin = twin_of(model, compute, low_precision)
        self._stack = stack_of(self._twin)
        self._seat: Seat | None = None

    def start(self, weights: Weights, seed: int) -> None:
        """Begin a training: set the weights, forget the optimizer's moments, and the dropout masks' place."""
        network = self._twin.network(weights)
        zeros = [np.zeros_like(w) for w in network.weights]
        powers = np.array([BETA_1, BETA_2], np.float32)
        self._enter(State(network, zeros, zeros, powers, np.uint32(0)), seed)

    def _enter(self, state: State, seed: int) -> None:
        self._seat = Seat(jax.tree.map(jnp.asarray, state), seed)
        self._stack.enter(self._seat)

    def stop(self) -> None:
        """End a training, whose weights stay: the others do not wait for it any more."""
        if self._seat:
            self._stack.leave(self._seat)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all that the next epoch depends on, by name: weights, moments, the dropout masks' place."""
        leaves = jax.tree.leaves(self._state())
        return {f"array-{i}": np.asarray(leaf) for i, leaf in enumerate(leaves)} | {
            "seed": np.array(self._sat().seed)
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `state` returned."""
        n, m = len(self._twin.trained), len(self._twin.updated)
        arrays = [state[f"array-{i}"] for i in range(3 * n + m + 2)]
        moments = arrays[n + m :]
        network = Network(arrays[:n], arrays[n : n + m])
        self._enter(State(network, moments[:n], moments[n : 2 * n], *moments[2 * n :]), int(state["seed"]))

    def weights(self) -> dict[str, NDArray[Any]]:
        """Return what the weights have come to, by name."""
        return self._twin.named(self._state().network)

    def copy_to(self, model: keras.Model) -> None:
        """Give a model of this shape what the weights have come to."""
        set_weights(model, self.weights())

    def series(
        self, X: NDArray[np.float32], y: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> tuple[Any, ...]:
        """Return series, their classes and their weights in the loss as `run` takes them."""
        return X, y.astype(np.int32), weights

    def run(
        self, X: Any, y: Any, weights: Any, *, batch_size: int, rate: float, seed: tuple[int, int]
    ) -> tuple[float, float]:
        """Train for one epoch and return its loss and accuracy, as the batches went by.

        Parameters
        ----------
        X, y, weights
            See `series`.
        batch_size
            The last batch may be smaller.
        rate
            Adam's learning rate.
        seed
            That of the training, and the epoch: decides the order of the series.
        """
        seat = self._sat()
        if seat.data is None:
            seat.data = Data(X, y, weights, len(y))
        order = seat.order(len(y), seed[1])
        loss_sum, n_right = self._stack.epoch(seat, Call(order, batch_size, rate, seat.seed))
        return float(np.float32(loss_sum) / np.float32(len(y))), n_right / len(y)

    def _sat(self) -> Seat:
        if self._seat is None:
            raise ValueError("No training was begun.")
        return self._seat

    def _state(self) -> State:
        return self._stack.state_of(self._sat())
