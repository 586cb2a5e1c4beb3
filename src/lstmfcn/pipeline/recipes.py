"""The recipes that `params.yaml` describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lstmfcn.config import Params
from lstmfcn.errors import DataError
from lstmfcn.files import read_json
from lstmfcn.networks.architecture import Architecture
from lstmfcn.training.recipe import TrainingRecipe, fine_tuning_recipe
from lstmfcn.workspace import Workspace

NETWORK = {"dropout", "dimension_shuffle", "segments"}
"""What of the section `train` is about the network, not about its training."""


def architecture(params: Params, model: str, cells: int | None) -> Architecture:
    """Return the network of that name and width."""
    return Architecture.of(model, {"cells": cells, **params.train.model_dump(include=NETWORK)})


def phase1_recipe(params: Params) -> TrainingRecipe:
    """Return how `train` trains."""
    return TrainingRecipe(**params.train.model_dump(include=set(TrainingRecipe.model_fields)))


def search_recipe(params: Params) -> TrainingRecipe:
    """Return how each trial of `search` trains: as phase 1, but for what its own section says."""
    own = params.search.model_dump(include={"epochs", "batch_size"}, exclude_none=True)
    return phase1_recipe(params).model_copy(update=own)


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
    """Return how the first iteration of `finetune` trains."""
    return fine_tuning_recipe(phase1_recipe(params), params.finetune)


def flat(
    recipe: TrainingRecipe, network: Architecture, **more: Any
) -> Mapping[str, str | int | float | bool | None]:
    """Return a recipe and a network as the parameters of a run."""
    return recipe.model_dump() | network.params() | more
