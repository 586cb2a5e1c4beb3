"""Packages of networks with random weights: enough wherever it does not matter how good a model is."""

import functools
import shutil
import tempfile
from pathlib import Path

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
    made = _made(classes, shape, normalise, architecture, tuple((policies or {}).items()))
    shutil.copytree(made, folder)
    if series is not None:
        from lstmfcn.tracking.package.contents import REFERENCE

        preprocessing = Preprocessing(normalise, *shape, **(policies or {}))
        Reference.fit(preprocessing.equalise(series), preprocessing).save(folder / REFERENCE)
    return folder


@functools.cache
def _root():
    return tempfile.TemporaryDirectory()


def lasting_folder():
    """Return a new folder, which is there until the process ends."""
    return Path(tempfile.mkdtemp(dir=_root().name))


@functools.cache
def _made(classes, shape, normalise, architecture, policies):
    """Return the folder of a package that is made once: exporting one takes seconds."""
    model, preprocessing = serving_model(
        shape=shape,
        normalise=normalise,
        n_classes=len(classes),
        architecture=architecture,
        policies=dict(policies),
    )
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
    folder = lasting_folder() / "package"
    export(folder, model, classes=classes, example=np.zeros((2, *shape), np.float32), metadata=metadata)
    return folder
