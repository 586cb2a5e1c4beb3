"""Packages of networks with random weights: enough wherever it does not matter how good a model is."""

import numpy as np

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.reference import Reference
from lstmfcn.environment import load_backend
from lstmfcn.networks.architecture import Architecture

ALSTM = Architecture(name="alstm_fcn", cells=3)


def serving_model(*, shape=(1, 20), normalise="per_series", n_classes=3, architecture=ALSTM, policies=None):
    """Return what is served: raw series in, probabilities out."""
    load_backend()
    from lstmfcn.networks.build import build
    from lstmfcn.tracking.package.export import ServingModel
    from lstmfcn.training.weights import get_weights

    n_channels, length = shape
    preprocessing = Preprocessing(normalise, n_channels, length, **(policies or {}))
    n_channels, length = preprocessing.shape
    shape = {"n_channels": n_channels, "length": length, "padded": preprocessing.padded}
    network = build(architecture, **shape, n_classes=n_classes, seed=1)
    return ServingModel(
        architecture, get_weights(network), preprocessing=preprocessing, n_classes=n_classes
    ), preprocessing


def package(
    folder,
    *,
    classes=("a", "b", "c"),
    shape=(1, 20),
    normalise="per_series",
    architecture=ALSTM,
    policies=None,
    series=None,
):
    """Write a package, as `lstmfcn pull` does; return its folder. It has seen the raw series, if any."""
    model, preprocessing = serving_model(
        shape=shape,
        normalise=normalise,
        n_classes=len(classes),
        architecture=architecture,
        policies=policies,
    )
    from lstmfcn.tracking.package.contents import REFERENCE
    from lstmfcn.tracking.package.export import export

    metadata = {
        "dataset": "Bumps",
        "key": "0" * 64,
        "preprocessing": preprocessing.describe(),
        "architecture": {
            "classifier": architecture.name,
            "cells": architecture.cells,
            "dimension_shuffle": architecture.dimension_shuffle,
            "segments": architecture.segments,
        },
    }
    example = np.zeros((2, *shape), np.float32)
    export(folder, model, classes=classes, example=example, metadata=metadata)
    if series is not None:
        Reference.fit(preprocessing.equalise(series), preprocessing).save(folder / REFERENCE)
    return folder
