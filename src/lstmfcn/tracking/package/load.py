"""Loading a package with TensorFlow alone, once it has been checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.reference import Reference
from lstmfcn.environment import load_tensorflow
from lstmfcn.errors import DataError
from lstmfcn.tracking.package.check import check
from lstmfcn.tracking.package.contents import REFERENCE, SAVED_MODEL, UntrustedModelError
from lstmfcn.tracking.package.description import Description


@dataclass(frozen=True)
class Package:
    """A loaded package.

    Attributes
    ----------
    description
        What its file `MLmodel` says.
    classes
        The labels, in the order of the probabilities.
    counts
        How many training series each class had; None where it was not noted.
    preprocessing
        What the graph does to raw series.
    graph
        From raw series, float64 (n_series, n_channels, length), to the tensor of their class probabilities,
        float32 (n_series, n_classes).
    reference
        What the training split looks like; None where the package does not tell.
    architecture
        See `Description`.
    temperature
        See `Description`.
    weights
        TensorFlow's variables by the paths that Keras gave them.
    """

    description: Mapping[str, Any]
    dataset: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    graph: Callable[[Any], Any]
    counts: tuple[int, ...] | None = None
    reference: Reference | None = None
    architecture: Mapping[str, Any] | None = None
    temperature: float | None = None
    weights: Mapping[str, Any] = field(default_factory=dict, repr=False)


def load_package(folder: Path, *, verify_key: Path | None = None) -> Package:
    """Check a package and load it; see `lstmfcn.tracking.package.check.check`.

    Raises
    ------
    UntrustedModelError
        If it is more than a network, or not what it says of itself. Nothing of it is loaded then.
    """
    description = check(folder, verify_key=verify_key)
    reference = _reference(folder, description.preprocessing)
    load_tensorflow()
    import tensorflow as tf

    try:
        graph = tf.saved_model.load(str(folder / SAVED_MODEL))
    except Exception as error:  # whatever TensorFlow meets in a file that was damaged
        raise UntrustedModelError(
            f"The model in {folder} could not be loaded ({_first_line(error)}). `lstmfcn pull` it again."
        ) from error
    return Package(
        description.content,
        description.dataset,
        description.classes,
        description.preprocessing,
        _held_to(description, graph, folder),
        description.counts,
        reference,
        description.architecture,
        description.temperature,
        {v.name.removesuffix(":0"): v for v in graph.__call__.concrete_functions[0].variables},
    )


def _reference(folder: Path, preprocessing: Preprocessing) -> Reference | None:
    if not (folder / REFERENCE).exists():
        return None
    try:
        return Reference.load(folder / REFERENCE, preprocessing)
    except DataError as error:
        raise UntrustedModelError(f"{error} `lstmfcn pull` the model again.") from error


def _held_to(description: Description, graph: Callable[[Any], Any], folder: Path) -> Callable[[Any], Any]:
    """Return the graph, held to its number of classes: what it says of its outputs need not be so."""
    shape = (description.preprocessing.n_channels, description.preprocessing.length)
    n_classes = len(description.classes)

    def answer(series: Any) -> Any:
        try:
            probabilities = graph(series)
        except ValueError as error:  # TensorFlow's own, where it can tell
            if tuple(series.shape[1:]) != shape:
                raise
            raise _lied(folder, n_classes, _first_line(error)) from error
        if probabilities.shape != (len(series), n_classes):
            raise _lied(folder, n_classes, f"{tuple(probabilities.shape)} for {len(series)} series")
        return probabilities

    return answer


def _lied(folder: Path, n_classes: int, what: str) -> UntrustedModelError:
    return UntrustedModelError(
        f"The model in {folder} does not give the probabilities of its {n_classes} classes ({what}). "
        "`lstmfcn promote` registers the best run anew."
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
