"""Building a network: what all of them share.

Every network takes series of shape (n_channels, length) and returns class probabilities. It is a module that
holds

- `features(series, architecture, seeds, within=None)`: from the series, shape (batch, n_channels, length), to
  what the last layer sees, shape (batch, n_features). What its convolutions found is averaged over time by a
  layer called "pooled", and comes last among the features: then class activation maps can be drawn. Where
  series may end before the others, `within` says which steps are within them, bool (batch, length), and after
  their ends are zeros (`lstmfcn.networks.padding`); a network without the argument takes none of these;
- `RECURRENT`: whether it has cells, whose number is searched for;
- `LOW_PRECISION`: the names of the layers that may compute in bfloat16.
"""

from __future__ import annotations

from importlib import import_module
from inspect import signature

import keras
import numpy as np

from lstmfcn.environment import keras_defaults
from lstmfcn.errors import DataError
from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.padding import without_padding


@keras_defaults()
def build(
    architecture: Architecture,
    *,
    n_channels: int,
    length: int,
    n_classes: int,
    padded: bool = False,
    seed: int = 0,
) -> keras.Model:
    """Build one network with freshly initialised weights.

    Parameters
    ----------
    architecture
        Which network.
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
        layer "logits" holds the scores before the softmax.

    Raises
    ------
    DataError
        If there are more segments than values in a series, or the network takes no padded ones.
    ValueError
        If the network has no cells and is given some, or the other way round.
    """
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
    logits = keras.layers.Dense(
        n_classes, kernel_initializer=keras.initializers.GlorotUniform(next(seeds)), name="logits"
    )(features)
    return keras.Model(series, keras.layers.Softmax(name="probabilities")(logits), name=architecture.name)
