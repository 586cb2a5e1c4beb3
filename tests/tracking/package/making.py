"""Packages made by hand: a small network that nobody trained, and changes to its files."""

import functools
import shutil

import numpy as np
import yaml
from tensorflow.core.protobuf import saved_model_pb2

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.build import build
from lstmfcn.tracking.package.contents import GRAPH
from lstmfcn.tracking.package.export import ServingModel, export
from lstmfcn.training.weights import get_weights
from untrained import lasting_folder

LENGTH = 20
CLASSES = ("a", "b", "c")


def make(
    folder,
    architecture=None,
    *,
    n_channels=1,
    length=LENGTH,
    classes=CLASSES,
    n_classes=None,
    normalise="per_series",
    temperature=None,
    policies=None,
):
    """Export a network with its first weights; return the folder. It may have other than its classes."""
    policies = tuple((policies or {}).items())
    architecture, n_classes = architecture or Architecture(name="fcn"), n_classes or len(classes)
    made = _made(architecture, n_channels, length, classes, n_classes, normalise, temperature, policies)
    return shutil.copytree(made, folder)


@functools.cache
def _made(architecture, n_channels, length, classes, n_classes, normalise, temperature, policies):
    """Return the folder of a package that is made once: exporting one takes seconds."""
    preprocessing = Preprocessing(normalise, n_channels, length, **dict(policies))
    network = build(architecture, n_channels=preprocessing.shape[0], length=length, n_classes=n_classes)
    model = ServingModel(
        architecture,
        get_weights(network),
        preprocessing=preprocessing,
        n_classes=n_classes,
        temperature=temperature,
    )
    folder = lasting_folder() / "package"
    export(
        folder,
        model,
        classes=classes,
        example=np.zeros((2, n_channels, length), np.float32),
        metadata={
            "dataset": "Bumps",
            "key": "ab" * 32,
            "preprocessing": preprocessing.describe(),
            **({} if temperature is None else {"temperature": f"{temperature:.6f}"}),
        },
    )
    return folder


def read_graph(folder):
    """Return the SavedModel of a package as a message."""
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((folder / GRAPH).read_bytes())
    return saved


def write_graph(folder, saved):
    """Write it, with a description that knows its size."""
    (folder / GRAPH).write_bytes(saved.SerializeToString())
    correct_size(folder)


def correct_size(folder):
    """Let the description speak of as many bytes as the files have."""
    examples = [folder / name for name in ("input_example.json", "serving_input_example.json")]
    files = [path for path in (folder / "tf2model").rglob("*") if path.is_file()] + examples
    description = read_yaml(folder)
    description["model_size_bytes"] = sum(path.stat().st_size for path in files)
    write_yaml(folder, description)


def read_yaml(folder):
    """Return a package's description, as MLflow reads it."""
    return yaml.safe_load((folder / "MLmodel").read_text())


def write_yaml(folder, description):
    """Write it, as MLflow does."""
    (folder / "MLmodel").write_text(yaml.safe_dump(description, default_flow_style=False))
