"""What `params.yaml` asks for: which runs, and by which recipes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

from lstmfcn.classifiers.base import Classifier, NetworkClassifier
from lstmfcn.classifiers.table import classifier_named
from lstmfcn.config import Params
from lstmfcn.networks.architecture import Architecture
from lstmfcn.pipeline.progress import progress_of
from lstmfcn.runs.grid import Grid, Place
from lstmfcn.runs.identity import Identity
from lstmfcn.training.recipe import TrainingRecipe, fine_tuning_recipe
from lstmfcn.workspace import Workspace

NETWORK = {"dropout", "dimension_shuffle", "segments"}
"""What of the section `train` is about the network, not about its training."""


def grid_of(params: Params, places: Iterable[Place] | None = None) -> Grid[Classifier]:
    """Return the grid of all runs, over `places` where some of the datasets or resamples were left out."""
    every = product(params.datasets, range(params.resamples)) if places is None else places
    classifiers = tuple(classifier_named(name) for name in params.classifiers)
    return Grid(tuple(every), classifiers, params.seeds, params.finetune.iterations)


def network_of(params: Params, classifier: Classifier, cells: int | None) -> Architecture:
    """Return the network of a classifier and width; a classifier that is none does not look at it."""
    options = params.train.model_dump(include=NETWORK)
    if isinstance(classifier, NetworkClassifier):
        return classifier.architecture(cells, **options)
    return Architecture(name=classifier.name, **options)


def training_job(
    workspace: Workspace,
    params: Params,
    classifier: Classifier,
    identity: Identity,
    *,
    key: str,
    cells: int | None,
) -> dict[str, Any]:
    """Return what every job that trains is given but for its splits, by the names of `TrainJob`.

    The recipe is phase 1's.
    """
    return {
        "key": key,
        "identity": identity,
        "classifier": classifier,
        "network": network_of(params, classifier, cells),
        "recipe": phase1_recipe(params),
        "protocol": params.protocol,
        "n_folds": params.train.folds,
        "progress": progress_of(identity.name),
        "scratch": workspace.scratch / key,
        "keeps_folds": keeps_folds(params, classifier, identity),
    }


def keeps_folds(params: Params, classifier: Classifier, one: Identity) -> bool:
    """Return whether something uses the weights that the folds of a training leave.

    The next iteration of fine-tuning starts from them; those of phase 1 may vote in an ensemble.
    """
    votes = params.ensemble.folds and any(classifier_named(name).voted for name in params.models)
    return one.number + 1 in grid_of(params).iterations_of(classifier) or (one.number == 0 and votes)


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
    own = params.search.model_dump(exclude={"cells", "metric"}, exclude_none=True)
    return params.protocol == "honest" and own.items() <= params.train.model_dump().items()


def finetune_recipe(params: Params) -> TrainingRecipe:
    """Return how the first iteration of `finetune` trains."""
    return fine_tuning_recipe(phase1_recipe(params), params.finetune)
