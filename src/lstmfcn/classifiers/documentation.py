"""The docstrings of the estimators, made from the descriptions of their parameters."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

from lstmfcn.classifiers.parameters import Parameters

WIDTH = 106

ATTRIBUTES = """Attributes
----------
classes_ : ndarray of shape (n_classes,)
    The labels, sorted.
n_features_in_ : int
    Values a series, of all channels; of the longest, where they differ in length.
feature_names_in_ : ndarray of shape (n_features_in_,)
    The names of the columns, where `fit` was given a frame whose columns have names.
n_channels_, length_ : int
    The shape of a series; where they differ in length, that to which they are made equal.
seed_ : int
    What every random choice followed from; as `random_state` it gives the same model again.
architecture_ : Architecture
    The network.
preprocessing_ : Preprocessing
    What is done to series, as fitted on the training series.
weights_ : dict of str to ndarray
    The weights by name.
histories_ : list of History
    Of the first training and of each iteration of fine-tuning.
n_iter_ : int
    How many epochs there were, in all of them.
loss_curve_ : list of float
    The training loss of each epoch, in nats.
validation_loss_curve_ : list of float or None
    The loss on the held-out series after each epoch, in nats; None where none were held out."""


def documented(estimator: Any) -> Any:
    """Put what its parameters and attributes are into the docstring of an estimator, before its examples."""
    text = inspect.cleandoc(estimator.__doc__)
    before, heading, after = text.partition("Examples\n--------")
    parameters = described(estimator._parameters, list(inspect.signature(estimator).parameters))
    estimator.__doc__ = f"{before}{parameters}\n\n{ATTRIBUTES}\n\n{heading}{after}\n"
    return estimator


def described(parameters: type[Parameters], names: Sequence[str]) -> str:
    """Return the section "Parameters" of a numpydoc docstring."""
    lines = ["Parameters", "----------"]
    for name in names:
        field = parameters.model_fields[name]
        lines.append(f"{name} : {field.title or _type(field.annotation)}, default={field.default!r}")
        text = inspect.cleandoc(field.description or "").replace("\n", " ")
        lines += textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines)


def _type(annotation: Any) -> str:
    """Return what numpydoc calls a type."""
    if get_origin(annotation) is Literal:
        return "{" + ", ".join(f'"{value}"' for value in get_args(annotation)) + "}"
    if isinstance(annotation, type):
        return annotation.__name__
    return " or ".join(_type(one) for one in get_args(annotation) if one not in (None, Ellipsis))
