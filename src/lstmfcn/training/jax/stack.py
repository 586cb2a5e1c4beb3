"""Trainings of one shape that are under way in the threads of a process, computed as one stack.

A training comes with each of its epochs and waits; when all of them have come, one of the threads computes
the epoch of all. What a training gives does not depend on who is in the stack with it, but for the last bits
of float32, which follow from how many there are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from lstmfcn.networks.randomness import orders
from lstmfcn.training.jax.layers import Pass
from lstmfcn.training.jax.twin import Network, Twin

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # Adam's, as in Keras

GATHERING = 1.0
"""So many seconds nobody must have come anew before a program is compiled: that takes longer than waiting."""

SPARE = 4
"""A program for so many times the trainings there are is taken before another one is compiled."""

BYTES_A_STEP = 16_000
"""Of memory, for each step of each series of a batch."""

SHARE = 0.8
"""Of the free memory of a card that a stack may take."""

MOST_ON_A_PROCESSOR = 16
"""Trainings in a stack where there is no card."""

ROUNDED = 16
"""The sizes of batches are rounded up to a multiple of it: few sizes, few programs."""

ORDERS = 32
"""The orders of so many epochs are drawn at once."""


class State(NamedTuple):
    """What an epoch leaves to the next; stacked, each array has a leading axis of trainings."""

    network: Network
    first: list[Any]
    second: list[Any]
    powers: Any  # of Adam's betas, float32 (2,)
    place: Any  # how many batches there were, uint32


class Data(NamedTuple):
    """The series of a training, filled up to the length of the longest; stacked as `State`."""

    X: Any
    y: Any
    weights: Any
    n_series: Any


class Call(NamedTuple):
    """One epoch of a training; stacked as `State`."""

    order: Any
    batch_size: Any
    rate: Any
    seed: Any


@dataclass(eq=False)
class Seat:
    """One training's place in a stack.

    Attributes
    ----------
    state
        Where it is, when the stack does not have it.
    seed
        Of dropout and orders.
    data
        Its series, their classes, and their weights.
    """

    state: State
    seed: int
    data: Data | None = None
    call: Call | None = None
    answer: tuple[float, float] | Exception | None = None
    _orders: dict[int, NDArray[np.int64]] = field(default_factory=dict)

    def taken(self) -> tuple[float, float]:
        """Return the answer, which is there; raise what was raised in its place."""
        if isinstance(self.answer, tuple):
            return self.answer
        raise self.answer or ValueError("There is no answer yet.")

    def order(self, n_series: int, epoch: int) -> NDArray[np.int64]:
        """Return in what order the series of an epoch come."""
        if epoch not in self._orders or len(self._orders[epoch]) != n_series:
            epochs = range(epoch, epoch + ORDERS)
            drawn = orders(n_series, np.array([(self.seed, number) for number in epochs]))
            self._orders = dict(zip(epochs, drawn, strict=True))
        return self._orders[epoch]


class Part(NamedTuple):
    """Seats whose arrays are stacked; there may be more rows than seats."""

    seats: tuple[Seat, ...]
    state: State
    data: Data


class Stack:
    """Computes the epochs of all trainings of a shape.

    Parameters
    ----------
    twin
        The network.
    """

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        self._change = threading.Condition()
        self._seats: list[Seat] = []
        self._parts: list[Part] = []
        self._programs: set[tuple[int, ...]] = set()
        self._came = 0.0
        self._computing = False
        self._most = 0
        self._run = jax.jit(self._epoch)

    def enter(self, seat: Seat) -> None:
        """Let a training take part: from now on the others wait for it."""
        with self._change:
            self._seats.append(seat)
            self._came = time.monotonic()

    def leave(self, seat: Seat) -> None:
        """Let a training go, its state with it; nothing where it has gone."""
        with self._change:
            if seat in self._seats:
                seat.state = self.state_of(seat)
                self._seats.remove(seat)
                self._change.notify_all()

    def state_of(self, seat: Seat) -> State:
        """Return where a training is that does not wait for an epoch."""
        for part in self._parts:
            if seat in part.seats:
                row = part.seats.index(seat)
                return _row(part.state, row)
        return seat.state

    def epoch(self, seat: Seat, call: Call) -> tuple[float, float]:
        """Compute an epoch of a training, with those of the others; return its loss and accuracy, as sums."""
        with self._change:
            seat.call, seat.answer = call, None
            self._change.notify_all()
            while seat.answer is None and not self._is_due():
                self._change.wait(GATHERING / 10)
            leads = seat.answer is None
            self._computing = self._computing or leads
            seats = tuple(self._seats)
        if leads:
            answers: Sequence[Any] = [RuntimeError("The thread that computed for all was interrupted.")]
            try:
                answers = self._compute(seats)
            except Exception as error:  # noqa: BLE001 - it is the others' as well
                answers = [error]
            finally:
                with self._change:
                    for each, answer in zip(seats, cycle(answers), strict=False):
                        each.call, each.answer = None, answer
                    self._computing = False
                    self._change.notify_all()
        return seat.taken()

    def _is_due(self) -> bool:
        if self._computing or any(seat.call is None for seat in self._seats):
            return False
        if time.monotonic() - self._came > GATHERING:
            return True
        return all(self._width(len(part), *_sizes(part)) is not None for part in self._divided(self._seats))

    def _divided(self, seats: Sequence[Seat]) -> list[tuple[Seat, ...]]:
        """Return seats in parts that fit into memory."""
        if not self._most:
            self._most = _most(self._twin, max(_sizes(seats)[1], 1))
        return [tuple(seats[first : first + self._most]) for first in range(0, len(seats), self._most)]

    def _width(self, count: int, *sizes: int) -> int | None:
        """Return the width of a program that is there for so many seats, if there is one."""
        widths = [w for w, *others in self._programs if others == [*sizes] and count <= w <= SPARE * count]
        return min(widths, default=None)

    def _compute(self, seats: tuple[Seat, ...]) -> list[tuple[float, float]]:
        """Compute an epoch of all, in as many parts as memory asks for."""
        while True:
            divided = self._divided(seats)
            if [part.seats for part in self._parts] != divided:
                for seat in seats:
                    seat.state = self.state_of(seat)
                self._parts = []
                self._parts = [self._stacked(part) for part in divided]
            try:
                done = [self._of_part(part) for part in self._parts]
            except jax.errors.JaxRuntimeError as error:
                if "RESOURCE_EXHAUSTED" not in str(error) or self._most == 1:
                    raise
                self._most = max(len(part) for part in divided) // 2 or 1
                continue
            self._parts = [
                part._replace(state=state) for part, (state, _, _) in zip(self._parts, done, strict=True)
            ]
            return [
                (float(losses[row]), float(right[row]))
                for part, (_, losses, right) in zip(self._parts, done, strict=True)
                for row in range(len(part.seats))
            ]

    def _stacked(self, seats: tuple[Seat, ...]) -> Part:
        """Return the arrays of seats, stacked, and rows of none beside them as a program asks for."""
        n_series, batch = _sizes(seats)
        width = self._width(len(seats), n_series, batch) or min(
            _power(len(seats)), max(self._most, len(seats))
        )
        self._programs.add((width, n_series, batch))
        spare = width - len(seats)
        states = [seat.state for seat in seats] + [seats[0].state] * spare
        datas = [_filled(seat.data, n_series) for seat in seats if seat.data is not None]
        datas += [datas[0]._replace(n_series=np.int32(0))] * spare
        state, data = (
            jax.tree.map(lambda *arrays: jnp.stack([jnp.asarray(a) for a in arrays]), *each)
            for each in (states, datas)
        )
        return Part(seats, state, data)

    def _of_part(self, part: Part) -> tuple[State, NDArray[np.float32], NDArray[np.float32]]:
        n_series, batch = part.data.X.shape[1], _sizes(part.seats)[1]
        calls = [seat.call for seat in part.seats if seat.call is not None]
        steps = max(-(-len(call.order) // call.batch_size) for call in calls)
        filled = [
            call._replace(order=np.pad(call.order, (0, n_series + batch - len(call.order)))) for call in calls
        ]
        filled += [filled[0]] * (part.data.X.shape[0] - len(filled))
        kinds = Call(np.int32, np.int32, np.float32, np.uint32)
        columns = zip(zip(*filled, strict=True), kinds, strict=True)
        stacked = Call(*(np.array(column, kind) for column, kind in columns))
        with self._twin.lock:
            state, losses, right = self._run(
                part.state, part.data, stacked, np.arange(batch, dtype=np.int32), np.int32(steps)
            )
        return state, np.asarray(losses), np.asarray(right)

    def _epoch(self, state: State, data: Data, call: Call, rows: Any, steps: Any) -> Any:
        """Take the steps of an epoch of all trainings; return the states, and the sums of losses and hits."""
        none = jnp.zeros(call.rate.shape[0], jnp.float32)
        batched = jax.vmap(self._step, (None, 0, 0, 0, 0, 0, None))

        def step(number: Any, carried: Any) -> Any:
            state, loss_sum, n_right = carried
            return batched(number, state, loss_sum, n_right, data, call, rows)

        with jax.default_matmul_precision("highest"):
            return jax.lax.fori_loop(0, steps, step, (state, none, none))

    def _step(
        self, number: Any, state: State, loss_sum: Any, n_right: Any, data: Data, call: Call, rows: Any
    ) -> Any:
        """Take one step of one training, if it still has a batch."""
        begun = number * call.batch_size
        counted = (rows < call.batch_size) & (begun + rows < data.n_series)
        picked = jax.lax.dynamic_slice(call.order, (begun,), rows.shape)
        X, labels, series_weights = data.X[picked], data.y[picked], data.weights[picked]

        def loss_of(weights: Any) -> Any:
            one = Pass(counted, True, call.seed, state.place)
            logits, statistics = self._twin.logits(Network(weights, state.network.statistics), X, one)
            chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)[:, 0]
            losses = jnp.where(counted, -chosen * series_weights, 0)
            return losses.sum() / jnp.maximum(counted.sum(), 1), (statistics, losses, logits)

        (loss, (statistics, losses, logits)), gradients = jax.value_and_grad(loss_of, has_aux=True)(
            state.network.weights
        )
        is_one = counted.any()
        # Weights that gave a number are not lost to one that is none.
        weights, first, second, powers = _where(
            is_one & jnp.isfinite(loss),
            _adam(state, gradients, call.rate),
            (state.network.weights, state.first, state.second, state.powers),
        )
        network = Network(weights, _where(is_one, statistics, state.network.statistics))
        right = (counted & (logits.argmax(axis=1) == labels)).sum().astype(jnp.float32)
        after = State(network, first, second, powers, state.place + is_one.astype(jnp.uint32))
        return after, loss_sum + losses.sum(), n_right + right


def _adam(state: State, gradients: list[Any], rate: Any) -> tuple[list[Any], list[Any], list[Any], Any]:
    """Return weights, moments and powers after one step of Adam."""
    beta_1, beta_2 = state.powers
    step = rate * jnp.sqrt(1 - beta_2) / (1 - beta_1)
    first = [m + (g - m) * (1 - BETA_1) for m, g in zip(state.first, gradients, strict=True)]
    second = [v + (g * g - v) * (1 - BETA_2) for v, g in zip(state.second, gradients, strict=True)]
    moved = [
        w - m * step / (jnp.sqrt(v) + EPSILON)
        for w, m, v in zip(state.network.weights, first, second, strict=True)
    ]
    return moved, first, second, state.powers * jnp.array([BETA_1, BETA_2], jnp.float32)


def _where(condition: Any, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)


def _row(state: State, row: int) -> State:
    found: State = jax.tree.map(lambda array: array[row], state)
    return found


def _filled(data: Data, n_series: int) -> Data:
    """Return the same data with rows up to a number of series."""
    missing = n_series - len(data.y)
    X, y, weights = (
        np.pad(x, [(0, missing), *[(0, 0)] * (x.ndim - 1)]) for x in (data.X, data.y, data.weights)
    )
    return Data(X, y, weights, np.int32(len(data.y)))


def _sizes(seats: Sequence[Seat]) -> tuple[int, int]:
    """Return how many series and how many rows of a batch the programs for some seats have."""
    n_series = max(len(seat.data.y) for seat in seats if seat.data is not None)
    batch = max(seat.call.batch_size for seat in seats if seat.call is not None)
    return _power(n_series), -(-batch // ROUNDED) * ROUNDED


def _power(number: int) -> int:
    """Return the smallest power of two that is not below a number."""
    return 1 << (number - 1).bit_length()


def _most(twin: Twin, batch: int) -> int:
    """Return how many trainings with batches of a size fit into the memory of the device."""
    stats = jax.devices()[0].memory_stats() or {}
    if not (limit := stats.get("bytes_limit")):
        return MOST_ON_A_PROCESSOR
    free = limit - stats.get("bytes_in_use", 0)
    return max(1, int(SHARE * free / (BYTES_A_STEP * batch * int(np.prod(twin.shape)))))


_stacks: dict[int, Stack] = {}
_lock = threading.Lock()


def stack_of(twin: Twin) -> Stack:
    """Return the stack of a shape's trainings in this process."""
    with _lock:
        return _stacks.setdefault(id(twin), Stack(twin))
