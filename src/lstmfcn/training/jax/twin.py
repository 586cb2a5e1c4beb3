"""A network as pure functions of its weights, shared by all networks of its shape."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Mapping
from itertools import compress
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np
from numpy.typing import NDArray

from lstmfcn.environment import keras_defaults
from lstmfcn.training.jax.layers import TWINS, Pass, traced
from lstmfcn.training.recipe import Compute


class Network(NamedTuple):
    """The arrays of a network: what is trained, and what training updates beside it, in Keras's order."""

    weights: list[Any]
    statistics: list[Any]


class Twin:
    """The layers of a network, some of them as `TWINS` says; it keeps no weights.

    Parameters
    ----------
    model
        A network of `lstmfcn.networks.build`.
    compute, low_precision
        See `lstmfcn.training.tensorflow.CompiledEpoch`.
    """

    @keras_defaults()
    def __init__(self, model: keras.Model, compute: Compute, low_precision: Collection[str]) -> None:
        if compute == "bfloat16" and not low_precision:
            raise ValueError(f"{model.name} has no layers that compute in bfloat16.")

        def twin_of(layer: keras.layers.Layer) -> keras.layers.Layer:
            config = layer.get_config()
            if compute == "bfloat16" and layer.name in low_precision:
                config["dtype"] = "mixed_bfloat16"
            return TWINS.get(type(layer), type(layer)).from_config(config)

        with traced(Pass(rows=jnp.ones(1, bool))):  # in which Keras looks at the shapes
            whole = keras.models.clone_model(model, clone_function=twin_of)
        self._model = keras.Model(whole.inputs[0], whole.get_layer("logits").output)
        self.shape = model.input_shape[1:]
        self.n_classes = model.output_shape[-1]
        self.trained = [v.path for v in self._model.trainable_variables]
        self._kept = [any(v is w for w in self._model.weights) for v in self._model.non_trainable_variables]
        self.updated = [v.path for v in compress(self._model.non_trainable_variables, self._kept)]
        self.lock = threading.RLock()
        """Held while something is traced: Keras's layers are one for all threads."""
        self.norms = [x for x in self._model.layers if isinstance(x, keras.layers.BatchNormalization)]
        self.infer = jax.jit(self._infer)

    def network(self, weights: Mapping[str, NDArray[Any]]) -> Network:
        """Return named weights, as `lstmfcn.training.weights.get_weights` gives them, as arrays."""
        return Network([weights[path] for path in self.trained], [weights[path] for path in self.updated])

    def named(self, network: Network) -> dict[str, NDArray[Any]]:
        """Return the arrays of a network by their names."""
        arrays = zip(self.trained + self.updated, [*network.weights, *network.statistics], strict=True)
        return {path: np.asarray(value) for path, value in arrays}

    def logits(self, network: Network, X: Any, one: Pass) -> tuple[Any, list[Any]]:
        """Return the scores of a batch and the statistics after it; to be traced."""
        statistics = iter(network.statistics)
        others = zip(self._kept, self._model.non_trainable_variables, strict=True)
        given = [next(statistics) if kept else variable.value for kept, variable in others]
        with traced(one):
            scores, updated = self._model.stateless_call(network.weights, given, X, training=one.training)
        return jnp.asarray(scores, jnp.float32), list(compress(updated, self._kept))

    def _infer(self, network: Network, X: Any, rows: Any) -> tuple[Any, list[tuple[Any, Any, Any]]]:
        with jax.default_matmul_precision("highest"):
            one = Pass(rows)
            scores, _ = self.logits(network, X, one)
            return jax.nn.softmax(scores), one.moments


_twins: dict[tuple[str, Compute], Twin] = {}
_lock = threading.Lock()


def twin_of(model: keras.Model, compute: Compute = "float32", low_precision: Collection[str] = ()) -> Twin:
    """Return the twin of all networks that differ from one by their weights alone; see `Twin`."""
    key = json.dumps([_layer(layer) for layer in model.layers], default=str), compute
    with _lock:
        if key not in _twins:
            _twins[key] = Twin(model, compute, low_precision)
        return _twins[key]


def _layer(layer: keras.layers.Layer) -> list[Any]:
    """Return what a layer of a network is, and which ones come before it."""
    before = [node.operation.name for own in layer._inbound_nodes for node in own.parent_nodes]
    return [type(layer).__name__, layer.output.shape, before, _without_seeds(layer.get_config())]


def _without_seeds(config: Any) -> Any:
    """Return a configuration without what decides initial weights alone."""
    if isinstance(config, Mapping):
        return {
            name: _without_seeds(value) for name, value in config.items() if not str(name).endswith("seed")
        }
    return [_without_seeds(value) for value in config] if isinstance(config, list | tuple) else config
