"""Loading a package with TensorFlow alone, once it has been checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.environment import load_tensorflow
from lstmfcn.errors import RegistryError
from lstmfcn.tracking.package.check import SAVED_MODEL, check, read_description


@dataclass(frozen=True)
class Package:
    """A loaded package.

    Attributes
    ----------
    description
        What its file `MLmodel` says.
    classes
        The labels, in the order of the probabilities.
    preprocessing
        What the graph does to raw series.
    graph
        From raw series, float64 (n_series, n_channels, length), to the tensor of their class probabilities,
        float32 (n_series, n_classes).
    """

    description: Mapping[str, Any]
    dataset: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    graph: Callable[[Any], Any]


def load_package(folder: Path) -> Package:
    """Check a package and load it.

    Raises
    ------
    UntrustedModelError
        If it is more than a network. Nothing of it is loaded then.
    RegistryError
        If it is not of this project.
    """
    check(folder)
    description = read_description(folder)
    try:
        metadata = description["metadata"]
        classes = tuple(str(label) for label in metadata["classes"])
        preprocessing = Preprocessing.from_description(metadata["preprocessing"])
    except (KeyError, TypeError, ValueError) as error:
        raise RegistryError(
            f"{folder} was not registered by this version of lstmfcn: its MLmodel does not say what is done "
            "to series, or names no classes. `lstmfcn promote` registers the best run anew."
        ) from error
    load_tensorflow()
    import tensorflow as tf

    graph = tf.saved_model.load(str(folder / SAVED_MODEL))
    return Package(description, metadata["dataset"], classes, preprocessing, graph)
