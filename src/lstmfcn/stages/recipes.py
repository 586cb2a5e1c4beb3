"""The recipes that `params.yaml` describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lstmfcn.architecture import Architecture
from lstmfcn.params import Params

if TYPE_CHECKING:  # the engine costs a TensorFlow import, which a stage with nothing to do can spare
    from lstmfcn.training.engine import TrainingRecipe


NETWORK = {"dropout", "dimension_shuffle", "segments"}
"""What of the section `train` is about the network, not about its training."""


def architecture(params: Params, model: str, cells: int | None) -> Architecture:
    """Return the network of that name and width."""
    return Architecture.of(model, {"cells": cells, **params.train.model_dump(include=NETWORK)})


def phase1_recipe(params: Params) -> TrainingRecipe:
    """Return how `train` trains."""
    from lstmfcn.training.engine import TrainingRecipe

    return TrainingRecipe(**params.train.model_dump(exclude={"folds", *NETWORK}))


def search_recipe(params: Params) -> TrainingRecipe:
    """Return how each trial of `search` trains: as phase 1, but for the epochs and the batch size."""
    return replace(phase1_recipe(params), epochs=params.search.epochs, batch_size=params.search.batch_size)


def finetune_recipe(params: Params) -> TrainingRecipe:
    """Return how the first iteration of `finetune` trains."""
    own = params.finetune.model_dump(exclude={"iterations"})
    return replace(phase1_recipe(params), **own)


def flat(
    recipe: TrainingRecipe, network: Architecture, **more: Any
) -> Mapping[str, str | int | float | bool | None]:
    """Return a recipe and a network as the parameters of a run."""
    return vars(recipe) | network.params() | more
