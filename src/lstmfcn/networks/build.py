"""Building a network: what all of them share.

Every network takes series of shape (n_channels, length) and returns class probabilities. It is a module that
holds

- `features(series, architecture, seeds, within=None)`: from the series, shape (batch, n_channels, length), to
  what the last layer sees, shape (batch, n_features). What its convolutions found is averaged over time by a
  layer called "pooled" (or several: "pooled0", ...), and comes last among the features: then class activation
  maps can be drawn. Where series may end before the others, `within` says which steps are within them, bool
  (batch, length), and after their ends are zeros (`lstmfcn.networks.padding`); a network without the argument
  takes none of these;
- `RECURRENT`: whether it has cells, whose number is searched for;
- `LOW_PRECISION`: the names of the layers that may compute in bfloat16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from inspect import signature
from typing import Any

import keras
import numpy as np

from lstmfcn.environment import keras_defaults
from lstmfcn.errors import DataError
from lstmfcn.networks.architecture import Architecture, Vote, prefix
from lstmfcn.networks.initial import GlorotUniform
from lstmfcn.networks.padding import without_padding


@keras_defaults()
def build(
    architecture: Architecture | Vote,
    *,
    n_channels: int,
    length: int,
    n_classes: int,
    padded: bool = False,
    seed: int = 0,
) -> keras.Model:
    """Build one network, or several that vote, with freshly initialised weights.

    Parameters
    ----------
    architecture
        Which network, or which ones.
    n_channels, length
        The shape of one series.
    n_classes
        The number of classes.
    padded
        Whether series may end before the others, with NaN after their ends.
    seed
        Decides every initial weight and every dropout mask.

    Returns
    -------
    keras.Model
        Maps float32 (batch, n_channels, length) to probabilities, float32 (batch, n_classes). Its
        layer "logits" holds the scores before the softmax. Of several networks each is a layer, and the
        names of its weights begin with `lstmfcn.networks.architecture.prefix`.

    Raises
    ------
    DataError
        If there are more segments than values in a series, or the network takes no padded ones.
    ValueError
        If the network has no cells and is given some, or the other way round.
    """
    if isinstance(architecture, Vote):
        shape = {"n_channels": n_channels, "length": length, "n_classes": n_classes, "padded": padded}
        return _mean([_member(i, member, shape, seed) for i, member in enumerate(architecture.members)])
    network = import_module(architecture.module)
    if (architecture.cells is not None) != network.RECURRENT:
        needs = "needs their number" if network.RECURRENT else "has none"
        raise ValueError(f"cells={architecture.cells} does not fit {architecture.name}: it {needs}.")
    if architecture.segments > length:
        raise DataError(
            f"A series of {length} values cannot be cut into {architecture.segments} segments. Take fewer."
        )
    seeds = iter(np.random.SeedSequence(seed).generate_state(64).tolist())
    series = keras.Input((n_channels, length), name="series")
    if not padded:
        features = network.features(series, architecture, seeds)
    elif "within" in signature(network.features).parameters:
        whole, within = without_padding(series)
        features = network.features(whole, architecture, seeds, within)
    else:
        raise DataError(
            f"{architecture.name} takes no series that are padded at their ends. Set prepare.lengths to "
            "resample in params.yaml, or take it out of `models`."
        )
    logits = keras.layers.Dense(n_classes, kernel_initializer=GlorotUniform(next(seeds)), name="logits")(
        features
    )
    return keras.Model(series, keras.layers.Softmax(name="probabilities")(logits), name=architecture.name)


def members(model: keras.Model) -> list[keras.Model]:
    """Return the networks of a model that vote; itself, if it is one network."""
    return [layer for layer in model.layers if isinstance(layer, keras.Model)] or [model]


def _member(number: int, architecture: Architecture, shape: Mapping[str, Any], seed: int) -> keras.Model:
    name = prefix(number).rstrip("/")
    with keras.name_scope(name):
        model = build(architecture, **shape, seed=seed + number)
    model.name = name
    return model


def _mean(models: Sequence[keras.Model]) -> keras.Model:
    """Return a model whose probabilities are the means of several."""
    series = keras.Input(models[0].input_shape[1:], name="series")
    answers = [model(series) for model in models]
    mean = keras.layers.Average(name="probabilities")(answers) if len(answers) > 1 else answers[0]
    return keras.Model(series, mean, name=Vote.name)
