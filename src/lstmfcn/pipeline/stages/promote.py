"""`promote`: rank the trained runs of each dataset on out-of-fold evidence, and register the best.

What is evident stands in `promotions.json`, the same in every clone; what became of it is the registry's.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from lstmfcn.classifiers.table import classifier_named
from lstmfcn.config import Params
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.reference import Reference
from lstmfcn.errors import TrackingError
from lstmfcn.evaluation.calibration import TEMPERATURE
from lstmfcn.evaluation.evidence import OOF_FILE, with_evidence
from lstmfcn.evaluation.measures import majority_rate
from lstmfcn.evaluation.metrics import DEFAULT, Metric, metric_named
from lstmfcn.evaluation.paired import beyond_chance, compare_predictions
from lstmfcn.files import write_json
from lstmfcn.pipeline.progress import say
from lstmfcn.pipeline.recipes import grid_of
from lstmfcn.pipeline.splits import train_splits
from lstmfcn.runs.left_out import is_left_out
from lstmfcn.runs.outputs import check_split, load_run, read_output
from lstmfcn.runs.predictions import Predictions
from lstmfcn.runs.ranking import rank
from lstmfcn.runs.run import WEIGHTS_FILE, Run
from lstmfcn.tracking.cockpit.furnishing import furnish
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.registry.decision import Rule
from lstmfcn.tracking.registry.promotion import Promotion, promote
from lstmfcn.tracking.registry.registration import Contents, DeletedError
from lstmfcn.tracking.registry.versions import model_name
from lstmfcn.wording import counted
from lstmfcn.workspace import Workspace

EXAMPLES = 2
"""How many training series a registered model carries to show what it takes."""


def run(workspace: Workspace, params: Params) -> None:
    """Bring the registry in line with the evidence, and write `promotions.json`.

    The file says what is evident: the best run of this study and those behind it. What serves is the
    registry's, where an earlier run, or a person, may stand against it; see `lstmfcn champions`. An
    unreachable registry is filled later by `lstmfcn sync`.
    """
    try:
        register(workspace, params)
        furnish(workspace)
    except TrackingError as error:
        say(f"promote: {error} The promotions are written; `lstmfcn sync` registers the models later.")
    promotions: dict[str, Any] = {}
    metric = metric_named(params.promote.metric)
    for dataset, train in train_splits(workspace, params).items():
        ranked = rank((run for run, _ in candidates(workspace, params, dataset)), metric)
        best, reason = standing(workspace, ranked, metric, params.promote.level)
        promotions[dataset] = {
            "best": _record(best, metric) if best else None,
            "candidates": [_record(run, metric) for run in ranked],
            "metric": metric.name,
            "majority_rate": majority_rate(train.y),
            "reason": reason,
        }
    write_json(workspace.promotions, promotions)


def candidates(workspace: Workspace, params: Params, dataset: str) -> list[tuple[Run, Path]]:
    """Return every trained run of a dataset with its evidence by every metric, and the folder of its weights.

    A run on another resample is none: what serves was trained on the dataset's own split. Nor is one that was
    selected on the test split, whose evidence is not honest, one of a classifier that cannot be served, or
    that is left out.
    """
    grid = grid_of(params, [(dataset, 0)])
    trained = [
        one
        for classifier, phase1 in grid.trainings()
        if classifier.may_serve or (classifier.has_weights and params.promote.references)
        for one in grid.trained(classifier, phase1)
    ]
    found = [
        (with_evidence(workspace, load_run(workspace, one)), one.folder(workspace))
        for one in trained
        if not is_left_out(one.folder(workspace))
    ]
    return [(run, folder) for run, folder in found if run.selected_on == "train"]


def register(workspace: Workspace, params: Params, *, restore: bool = False) -> dict[str, Promotion]:
    """Register the best run of each dataset; return what became of each.

    Parameters
    ----------
    workspace, params
        The study.
    restore
        Whether to register again what a person deleted in MLflow.

    Raises
    ------
    TrackingError
        If the registry does not answer.
    DataError
        If what a run left, or the split that it was trained on, was changed.
    """
    tracker, promotions = Tracker(workspace, say), {}
    metric = metric_named(params.promote.metric)
    rule = Rule(metric, params.promote.level, params.promote.tolerance, stands_back(workspace))
    for dataset, train in train_splits(workspace, params).items():
        runs = candidates(workspace, params, dataset)
        if not runs:
            continue
        ranked = rank((run for run, _ in runs), metric)
        best, _ = standing(workspace, ranked, metric, params.promote.level)
        assert best is not None
        folder = next(folder for run, folder in runs if run.key == best.key)
        check_split(workspace, best, train.hash)
        read_output(workspace, best, WEIGHTS_FILE)
        preprocessing = Preprocessing.load(workspace.preprocessing(dataset))
        Reference.load(workspace.reference(dataset), preprocessing)
        contents = Contents(
            classes=train.classes,
            counts=np.bincount(train.y, minlength=len(train.classes)).tolist(),
            example=preprocessing.example(train.X[:EXAMPLES]),
            preprocessing=preprocessing,
            reference=workspace.reference(dataset),
            temperature=best.metrics.get(TEMPERATURE) if params.promote.calibrate else None,
        )
        try:
            done = promote(
                best,
                folder,
                contents,
                rule=rule,
                tracker=tracker,
                workspace=workspace,
                restore=restore,
            )
        except DeletedError as error:  # what a person decided
            say(f"promote: {error}")
            continue
        say(f"promote: {model_name(dataset)}: {done}")
        if tracker.was_deleted(best.key):
            say(f"promote: {best.name} was deleted in MLflow: `mlflow gc` will take the model's files, too.")
        # By name: what this stage writes does not depend on how figures are drawn.
        import_module("lstmfcn.pipeline.figures").keep_figures(tracker, workspace, best, train)
        promotions[dataset] = done
    return promotions


def stands_back(workspace: Workspace) -> str:
    """Return why the best run is registered as a challenger at most: in an experiment of DVC's; else nothing.

    What was tried is not decided. `lstmfcn promote`, after `dvc exp apply`, decides.
    """
    return "an experiment moves no champion" if workspace.experiment else ""


def _record(run: Run, metric: Metric) -> dict[str, Any]:
    return {
        "model": run.identity.classifier,
        "cells": run.cells,
        "seed": run.identity.seed,
        "iteration": run.identity.number,
        TEMPERATURE: run.metrics.get(TEMPERATURE),
        **{f"oof_{name}": run.metrics.get(f"oof_{name}") for name in (DEFAULT, metric.name, "log_loss")},
        "key": run.key,
        "data": run.data,
    }


def standing(
    workspace: Workspace, ranked: Sequence[Run], metric: Metric, level: float
) -> tuple[Run | None, str]:
    """Return which of the candidates stands for a dataset, and why.

    It is the ensemble, where there is one, unless a single network is better beyond chance: that averaging
    helps is known before, and on a few series the highest evidence is often luck.

    Parameters
    ----------
    workspace
        Where the runs lie.
    ranked
        The candidates, the best evidence first.
    metric, level
        By what they are compared, and the level of the test; see `lstmfcn.evaluation.paired`.
    """
    if not ranked:
        return None, "no run was selected without the test split"
    if ranked[0].metrics.get(f"oof_{metric.name}") is None:
        return ranked[0], "no out-of-fold evidence: each class has a single series; the simplest run serves"
    how = "highest" if metric.higher_is_better else "lowest"
    what = f"the {how} out-of-fold {metric.title} of {counted(len(ranked), 'run')}"
    vote = next((run for run in ranked if classifier_named(run.identity.classifier).voted), None)
    if vote is None or vote is ranked[0]:
        return ranked[0], f"{what}; where it ties, the lower out-of-fold loss"
    first, second = (Predictions.from_csv(read_output(workspace, run, OOF_FILE)) for run in (ranked[0], vote))
    paired = compare_predictions(first, second, metric)
    if paired is not None and beyond_chance(paired, level):
        return ranked[0], f"{what}, beyond chance better than the ensemble's"
    return vote, (
        f"an ensemble stands unless a single network is better beyond chance; the {how} out-of-fold "
        f"{metric.title}, that of {ranked[0].identity.name}, is not"
    )
