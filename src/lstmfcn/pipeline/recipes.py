"""The recipes that `params.yaml` describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lstmfcn.config import Params
from lstmfcn.errors import DataError
from lstmfcn.files import read_json
from lstmfcn.networks.architecture import Architecture
from lstmfcn.workspace import Workspace

if TYPE_CHECKING:  # the engine costs a TensorFlow import, which a stage with nothing to do can spare
    from lstmfcn.training.loop import TrainingRecipe


NETWORK = {"dropout", "dimension_shuffle", "segments"}
"""What of the section `train` is about the network, not about its training."""


def architecture(params: Params, model: str, cells: int | None) -> Architecture:
    """Return the network of that name and width."""
    return Architecture.of(model, {"cells": cells, **params.train.model_dump(include=NETWORK)})


def phase1_recipe(params: Params) -> TrainingRecipe:
    """Return how `train` trains."""
    from lstmfcn.training.loop import TrainingRecipe

    return TrainingRecipe(**params.train.model_dump(exclude={"folds", *NETWORK}))


def search_recipe(params: Params) -> TrainingRecipe:
    """Return how each trial of `search` trains: as phase 1, but for what its own section says."""
    own = params.search.model_dump(include={"epochs", "batch_size"}, exclude_none=True)
    return replace(phase1_recipe(params), **own)


def search_folds(params: Params) -> int:
    """Return the number of folds of each trial of `search`."""
    return params.search.folds or params.train.folds


def searches_as_phase1(params: Params) -> bool:
    """Return whether the trainings of `search` are, to the bit, those of phase 1's folds."""
    own = params.search.model_dump(exclude={"cells"}, exclude_none=True)
    return params.protocol == "honest" and own.items() <= params.train.model_dump().items()


def best_cells(workspace: Workspace, dataset: str, model: str) -> int | None:
    """Return the width the search chose; None for `fcn`, which has none.

    Raises
    ------
    DataError
        If the search of this dataset and model is missing.
    """
    if model == "fcn":
        return None
    path = workspace.search / dataset / f"{model}.json"
    try:
        return int(read_json(path)["best"])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} is missing or damaged. Run `dvc repro search`.") from error


def finetune_recipe(params: Params) -> TrainingRecipe:
    """Return how the first iteration of `finetune` trains.

    Its rates fall to phase 1's lowest, and do not rise to it where they begin below.
    """
    recipe = replace(phase1_recipe(params), **params.finetune.model_dump(exclude={"iterations"}))
    return replace(recipe, final_rate=min(recipe.final_rate, recipe.initial_rate))


def flat(
    recipe: TrainingRecipe, network: Architecture, **more: Any
) -> Mapping[str, str | int | float | bool | None]:
    """Return a recipe and a network as the parameters of a run."""
    return vars(recipe) | network.params() | more
