"""The recipe by which a study trains a classifier: values of `params.yaml`, with a name and a hash."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lstmfcn.classifiers.base import NetworkClassifier
from lstmfcn.classifiers.table import classifier_named
from lstmfcn.config import DATASETS, MODELS, Params, parse
from lstmfcn.files import hash_of

NAMED = 2
"""So many values that differ from the defaults are in a recipe's name; a hash stands for more."""


@dataclass(frozen=True)
class Recipe:
    """A recipe.

    Attributes
    ----------
    sha256
        Of all its values: tells it from all others.
    changes
        The values that differ from the defaults of this version, as `dvc exp run -S` takes them.
    """

    sha256: str
    changes: tuple[str, ...]

    @property
    def name(self) -> str:
        """What a person calls it; empty where it is the default."""
        if len(self.changes) <= NAMED:
            return ", ".join(self.changes)
        left = len(self.changes) - NAMED
        return f"{', '.join(self.changes[:NAMED])} and {left} more ({self.sha256[:6]})"

    def named(self, what: str) -> str:
        """Return what a run is called that was made by this recipe."""
        return f"{what} · {self.name}" if self.name else what


BY_HAND = Recipe(hash_of("by hand"), ("by hand",))
"""That of all fits by one's own hand: see `lstmfcn.tracking.fits`."""


def recipe_of(params: Params, dataset: str, classifier: str) -> Recipe:
    """Return the recipe by which a study trains a classifier on a dataset."""
    values = dict(_flat(_values(params, dataset, classifier)))
    defaults = dict(_flat(_values(_defaults(), dataset, classifier)))
    changes = tuple(f"{name}={_text(value)}" for name, value in values.items() if value != defaults.get(name))
    return Recipe(hash_of(values), changes)


@functools.cache
def _defaults() -> Params:
    return parse({"datasets": DATASETS, "models": MODELS})


def _values(params: Params, dataset: str, classifier: str) -> dict[str, Any]:
    """Return the sections that decide how a classifier is trained, and which of its runs is chosen."""
    row = classifier_named(classifier)
    shared = params.prepare.model_dump(include={"normalise", "edition"}) | params.prepare.policies(dataset)
    values: dict[str, Any] = {"protocol": params.protocol, "prepare": shared}
    if isinstance(row, NetworkClassifier) or row.voted:
        values["train"] = params.train.model_dump()
    else:
        values["train"] = {"folds": params.train.folds}
    if row.searched:
        values["search"] = params.search.model_dump()
    if row.voted:
        members = [classifier_named(name) for name in params.members]
        values["ensemble"] = params.ensemble.model_dump() | {"members": params.members}
        values |= {"search": params.search.model_dump()} if any(one.searched for one in members) else {}
    if row.fine_tuned:
        values["finetune"] = params.finetune.model_dump()
    return values | {"promote": {"metric": params.promote.metric}, "own": row.settings()}


def _flat(values: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{place}{name}.")
        else:
            yield place + name, value


def _text(value: Any) -> str:
    """Return a value as YAML has it."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_text, value))}]"
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)
