"""Training many networks of one shape at once with JAX, for a GPU, which a single small network leaves idle.

Seeds, folds and numbers of cells become one leading axis of all arrays. A network with fewer cells is one of
the widest whose spare cells have no weights: they stay at zero, since they receive no gradient either.
Needs JAX; TensorFlow is not imported. `python benchmarks/stacked.py` checks that a stack trains as its
networks would one by one.
"""

import os
from dataclasses import dataclass, replace
from typing import NamedTuple

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras import ops

from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.build import build
from lstmfcn.training.schedule import PLATEAU_FACTOR
from lstmfcn.training.weights import class_weights

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # Adam's, as in Keras
FLOPS_A_VALUE = 3 * 2 * (8 * 1 * 128 + 5 * 128 * 256 + 3 * 256 * 128)  # of the convolutions, both ways

CELL_AXES = {
    "kernel": (None, "gates"),
    "recurrent_kernel": ("cells", "gates"),
    "bias": ("gates",),
    "context_kernel": (None, "gates"),
    "alignment_kernel": (None, "cells"),
    "alignment_recurrent": ("cells", "cells"),
    "alignment_bias": ("cells",),
    "alignment_vector": ("cells", None),
}


class PreciseConv1D(keras.layers.Conv1D):
    """Keras's convolution, computed at a precision of its own: "highest" (float32) or "tensorfloat32"."""

    precision = "highest"

    def call(self, inputs):
        """Return the convolution of `inputs`, shape (batch, steps, channels)."""
        with jax.default_matmul_precision(self.precision):
            return self.convolve(inputs)

    def convolve(self, inputs):
        """Return what Keras computes."""
        return super().call(inputs)


class ProductConv1D(PreciseConv1D):
    """The same with equal padding, as one matrix product.

    Stacked, it is a batch of matrix products; XLA makes a grouped convolution of a stacked convolution.
    """

    def convolve(self, inputs):
        """Return the convolution of `inputs`, shape (batch, steps, channels)."""
        size, steps = self.kernel_size[0], inputs.shape[1]
        before = (size - 1) // 2
        padded = ops.pad(inputs, [[0, 0], [before, size - 1 - before], [0, 0]])
        windows = ops.concatenate([padded[:, k : k + steps] for k in range(size)], axis=-1)
        return ops.matmul(windows, ops.reshape(self.kernel, (-1, self.filters))) + self.bias


CONVOLUTIONS = {"products": ProductConv1D, "convolutions": PreciseConv1D}


@dataclass(frozen=True)
class Job:
    """One training: its seed, its number of cells, and the series it trains on."""

    seed: int
    cells: int | None  # None: the FCN
    series: tuple[int, ...]


@dataclass(frozen=True)
class Recipe:
    """How all jobs are trained: the plateau schedule. The names are those of `TrainingRecipe`."""

    epochs: int
    batch_size: int
    initial_rate: float = 1e-3
    final_rate: float = 1e-4
    patience: int = 100
    look_every: int = 0  # epochs between two looks at the test split; 0: none


class Network(NamedTuple):
    """Arrays with a leading axis of jobs: weights, and what training updates beside them."""

    weights: list
    frozen: list  # batch norm's running statistics, the dropout masks' place


class State(NamedTuple):
    """What an epoch leaves to the next; each array with a leading axis of jobs."""

    network: Network
    first: list
    second: list
    steps: object
    rate: object
    lowest: object  # the training loss
    waited: object
    kept: Network  # after the epoch of the lowest training loss, as Keras's checkpoints keep them
    kept_epoch: object


class Stack:
    """Networks of one shape, to be trained together.

    Parameters
    ----------
    architecture
        With the most cells of any job.
    X, y
        The training split: float32 (n_series, n_channels, length) and int64 (n_series,).
    recipe
        How to train.
    test
        Series and classes of the test split, if it is to be looked at.
    convolution
        "products" (`ProductConv1D`) or "convolutions" (XLA's own).
    precision
        That of the second and third convolution, 99 % of the arithmetic. All else is in float32: series
        may differ by less than fewer bits can tell, until they are convolved and normalised.
    """

    def __init__(
        self, architecture, X, y, recipe, *, test=None, convolution="products", precision="tensorfloat32"
    ):
        self.architecture, self.recipe = architecture, recipe
        self.X, self.y = jnp.asarray(X), jnp.asarray(y, jnp.int32)
        self.test = test and (jnp.asarray(test[0]), jnp.asarray(test[1], jnp.int32))
        self.n_classes = int(y.max()) + 1

        def twin_of(layer):
            kind = type(layer)
            if kind is not keras.layers.Conv1D:
                return kind.from_config(layer.get_config())
            twin = CONVOLUTIONS[convolution].from_config(layer.get_config())
            if layer.name != "conv1":
                twin.precision = precision
            return twin

        model = keras.models.clone_model(self._build(architecture, 0), clone_function=twin_of)
        self.model = keras.Model(model.inputs[0], model.get_layer("logits").output)
        self.statistics = [
            i
            for i, v in enumerate(self.model.non_trainable_variables)
            if v.path.split("/")[-1].startswith("moving")
        ]

    def _build(self, architecture, seed):
        _, n_channels, length = self.X.shape
        return build(architecture, n_channels=n_channels, length=length, n_classes=self.n_classes, seed=seed)

    def start(self, jobs):
        """Return the initial networks of jobs."""
        found = [self._initial(job) for job in jobs]
        return Network(
            *(list(map(jnp.stack, zip(*arrays, strict=True))) for arrays in zip(*found, strict=True))
        )

    def _initial(self, job):
        model = self._build(replace(self.architecture, cells=job.cells), job.seed)
        weights = [
            widen(v.path, np.asarray(v.value), job.cells, self.architecture.cells)
            for v in model.trainable_variables
        ]
        return weights, [np.asarray(v.value) for v in model.non_trainable_variables]

    def train(self, jobs):
        """Return the final state, the losses (epochs, jobs) and the test accuracies (looks, jobs)."""
        return self.compile(len(jobs), len(jobs[0].series))(*self.arguments(jobs))

    def arguments(self, jobs):
        """Return what the compiled program takes for jobs."""
        y = np.asarray(self.y)
        series = np.array([job.series for job in jobs], np.int32)
        weights = np.array([class_weights(y[rows], self.n_classes)[y[rows]] for rows in series])
        keys = jnp.stack([jax.random.key_data(jax.random.key(job.seed)) for job in jobs])
        return self.start(jobs), jnp.asarray(series), jnp.asarray(weights), keys

    def compile(self, n_jobs, n_series):
        """Return the compiled program for so many jobs of so many series each."""
        key = jax.random.key_data(jax.random.key(0))
        example = self.start([Job(0, self.architecture.cells, ())])
        network = jax.tree.map(lambda a: jax.ShapeDtypeStruct((n_jobs, *a.shape[1:]), a.dtype), example)
        rows = (n_jobs, n_series)
        with jax.default_matmul_precision("highest"):
            lowered = jax.jit(jax.vmap(self._train, out_axes=(0, 1, 1))).lower(
                network,
                jax.ShapeDtypeStruct(rows, jnp.int32),
                jax.ShapeDtypeStruct(rows, jnp.float32),
                jax.ShapeDtypeStruct((n_jobs, *key.shape), key.dtype),
            )
        return lowered.compile()

    def _train(self, network, series, weights, key):
        """Train one network; `vmap` makes many of it."""
        recipe = self.recipe
        zeros = [jnp.zeros_like(w) for w in network.weights]
        state = State(
            network, zeros, zeros, jnp.float32(0), jnp.float32(recipe.initial_rate), jnp.float32(jnp.inf),
            jnp.int32(0), network, jnp.int32(0),
        )  # fmt: skip
        key = jax.random.wrap_key_data(key)

        def epoch(state, number):
            order = jax.random.permutation(jax.random.fold_in(key, number), series.shape[0])
            state, loss = self._epoch(state, series[order], weights[order])
            better = loss < state.lowest
            waited = jnp.where(better, 0, state.waited + 1)
            falls = waited >= recipe.patience
            fallen = jnp.maximum(state.rate * PLATEAU_FACTOR, recipe.final_rate)
            state = state._replace(
                lowest=jnp.minimum(loss, state.lowest),
                waited=jnp.where(falls, 0, waited),
                rate=jnp.where(falls, fallen, state.rate),
                kept=jax.tree.map(lambda new, old: jnp.where(better, new, old), state.network, state.kept),
                kept_epoch=jnp.where(better, number + 1, state.kept_epoch),
            )
            return state, loss

        def block(state, numbers):
            state, losses = jax.lax.scan(epoch, state, numbers)
            return state, (losses, self.accuracy(state.network))

        numbers = jnp.arange(recipe.epochs)
        if not recipe.look_every:
            state, losses = jax.lax.scan(epoch, state, numbers)
            return state, losses, jnp.zeros((0,))
        state, (losses, looks) = jax.lax.scan(block, state, numbers.reshape(-1, recipe.look_every))
        return state, losses.reshape(-1), looks

    def _epoch(self, state, series, weights):
        n_series, size = series.shape[0], min(self.recipe.batch_size, series.shape[0])
        n_batches, rest = divmod(n_series, size)
        whole = n_batches * size
        state, losses = jax.lax.scan(
            self._step, state, (series[:whole].reshape(-1, size), weights[:whole].reshape(-1, size))
        )
        total = losses.sum()
        if rest:
            state, loss = self._step(state, (series[whole:], weights[whole:]))
            total += loss
        return state, total / n_series

    def _step(self, state, batch):
        rows, weights = batch
        labels = self.y[rows]

        def loss_of(parameters):
            logits, frozen = self.model.stateless_call(
                parameters, state.network.frozen, self.X[rows], training=True
            )
            chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)[:, 0]
            losses = -chosen * weights
            return losses.mean(), (frozen, losses.sum())

        gradients, (frozen, loss) = jax.grad(loss_of, has_aux=True)(state.network.weights)
        steps = state.steps + 1
        rate = state.rate * jnp.sqrt(1 - BETA_2**steps) / (1 - BETA_1**steps)
        first = [BETA_1 * m + (1 - BETA_1) * g for m, g in zip(state.first, gradients, strict=True)]
        second = [BETA_2 * v + (1 - BETA_2) * g * g for v, g in zip(state.second, gradients, strict=True)]
        moved = [
            w - rate * m / (jnp.sqrt(v) + EPSILON)
            for w, m, v in zip(state.network.weights, first, second, strict=True)
        ]
        return state._replace(network=Network(moved, frozen), first=first, second=second, steps=steps), loss

    def accuracy(self, network):
        """Return the accuracy of one network on the test split."""
        X, y = self.test
        logits, _ = self.model.stateless_call(network.weights, network.frozen, X, training=False)
        return (logits.argmax(axis=1) == y).mean()

    def recomputed(self, network, series):
        """Return one network with batch norm's statistics over the series given.

        One pass in training mode computes those of each layer behind the exact ones of the layers before;
        the running statistics then hold a hundredth of them.
        """
        frozen = [jnp.zeros_like(a) if i in self.statistics else a for i, a in enumerate(network.frozen)]
        _, updated = self.model.stateless_call(network.weights, frozen, self.X[series], training=True)
        return Network(
            network.weights,
            [a / (1 - 0.99) if i in self.statistics else b
             for i, (a, b) in enumerate(zip(updated, network.frozen, strict=True))],
        )  # fmt: skip


def widen(path, array, cells, widest):
    """Return a weight of a network with `cells` as that of one with `widest`, the spare ones zero."""
    if cells == widest:
        return array
    layer, name = path.split("/")[-2:] if "lstm_cell" not in path else ("lstm", path.split("/")[-1])
    spare = widest - cells
    if layer == "logits" and name == "kernel":
        return np.insert(array, [cells] * spare, 0, axis=0)
    if "lstm" not in layer:
        return array
    for axis, kind in enumerate(CELL_AXES[name]):
        if kind == "cells":
            array = np.insert(array, [cells] * spare, 0, axis=axis)
        elif kind == "gates":
            places = [gate * cells for gate in (1, 2, 3, 4) for _ in range(spare)]
            array = np.insert(array, places, 0, axis=axis)
    return array


def main():
    """Train jobs of different seeds, folds and cells stacked and one by one; print how far they differ."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 1, 24)).astype(np.float32), np.arange(20) % 3
    everything = tuple(range(20))
    jobs = [Job(0, 8, everything[:16]), Job(1, 16, everything[4:]), Job(2, 8, everything[2:18])]
    recipe = Recipe(epochs=4, batch_size=8, patience=1, look_every=2)
    for name in ("lstm_fcn", "alstm_fcn"):
        # Without dropout: its masks have the shape of the widest network.
        widest = Architecture(name=name, cells=16, dropout=0.0)
        options = {"test": (X, y), "precision": "highest"}
        _, losses, _ = Stack(widest, X, y, recipe, **options).train(jobs)
        for j, job in enumerate(jobs):
            alone = Stack(
                replace(widest, cells=job.cells), X, y, recipe, convolution="convolutions", **options
            )
            _, expected, _ = alone.train([job])
            difference = float(np.abs(np.asarray(expected)[:, 0] - np.asarray(losses)[:, j]).max())
            print(f"{name}, {job.cells} cells: the training loss differs by at most {difference:.1e}")
            if difference > 1e-4:
                raise SystemExit("A stack must train as its networks would alone.")


if __name__ == "__main__":
    main()
