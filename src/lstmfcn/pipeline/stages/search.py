"""`search`: find the number of LSTM cells of each dataset and model by cross-validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from lstmfcn.config import Params
from lstmfcn.data.series import Split
from lstmfcn.files import to_json
from lstmfcn.pipeline.jobs import Job, progress_of, run_queue
from lstmfcn.pipeline.recipes import architecture, flat, search_folds, search_recipe, searches_as_phase1
from lstmfcn.pipeline.stages.prepare import hash_of_splits, selection_split, train_splits
from lstmfcn.pipeline.stages.train import phase1_key
from lstmfcn.runs.cache import Bundle, job_key
from lstmfcn.runs.code import code_hash
from lstmfcn.runs.run import RUN_FILE, Run
from lstmfcn.workspace import Workspace

CODE = ("lstmfcn.classifiers.search",)


@dataclass(frozen=True)
class SearchJob:
    """What one search needs."""

    key: str
    dataset: str
    model: str
    train: Split
    selection: Split | None
    params: Params
    scratch: Path
    phase1: Mapping[int, Path]
    """Where phase 1 of each width has its checkpoints; empty where it trains otherwise than the trials."""


def run(workspace: Workspace, params: Params) -> None:
    """Search for each dataset and model that has an LSTM, with the first seed; the seeds share the width."""
    recurrent = [model for model in params.models if model != "fcn"]
    code, seed = code_hash(*CODE), params.seeds[0]
    jobs = []
    for dataset, train in train_splits(workspace, params).items():
        selection = selection_split(workspace, params, dataset)
        for model in recurrent:
            data = hash_of_splits(train, selection)
            trial = params.train.model_dump() | params.search.model_dump(exclude_none=True)
            recipe = [dataset, params.protocol, model, seed, trial]
            key = job_key(stage="search", data=data, recipe=recipe, upstream="", code=code)
            phase1 = {
                cells: workspace.scratch / phase1_key(params, dataset, model, seed, cells, data)
                for cells in (params.search.cells if searches_as_phase1(params) else ())
            }
            arguments = partial(
                SearchJob, key, dataset, model, train, selection, params, workspace.scratch / key, phase1
            )
            size = train.X.size * len(params.search.cells)
            folder = workspace.search / dataset
            jobs.append(
                Job(name=f"{dataset} {model}", key=key, arguments=arguments, folder=folder, size=size)
            )
    workspace.search.mkdir(parents=True, exist_ok=True)
    run_queue("search", search, jobs, workspace)


def search(job: SearchJob) -> Bundle:
    """Run one search; the bundle holds the table of trials, and a run for each."""
    from lstmfcn.classifiers.search import search_cells, trial_folder

    cells, folds, seed = job.params.search.cells, search_folds(job.params), job.params.seeds[0]
    recipe, network = search_recipe(job.params), architecture(job.params, job.model, cells[0])
    trials = search_cells(
        job.train,
        network,
        recipe,
        cells=cells,
        n_folds=folds,
        seed=seed,
        directory=job.scratch,
        selection=job.selection,
        progress=progress_of(f"{job.dataset} {job.model}"),
    )
    best = trials[0].cells
    if best in job.phase1:
        hand_over(trial_folder(job.scratch, best), job.phase1[best])
    selected_on: Literal["train", "test"] = "train" if job.selection is None else "test"
    evidence = "oof" if job.selection is None else "selection"
    table = {
        "dataset": job.dataset,
        "model": job.model,
        "seed": seed,
        "folds": folds,
        "selected_on": selected_on,
        "best": best,
        "trials": [vars(trial) for trial in trials],
    }
    bundle = {f"{job.model}.json": to_json(table).encode()}
    for trial in trials:
        made = Run(
            job=job.key,
            name=f"{job.dataset} {job.model} search, {trial.cells} cells",
            dataset=job.dataset,
            model=job.model,
            phase="search",
            protocol=job.params.protocol,
            seed=seed,
            split="train",
            data=job.train.hash,
            params=flat(recipe, replace(network, cells=trial.cells), folds=folds),
            metrics={f"{evidence}_accuracy": trial.accuracy, f"{evidence}_loss": trial.loss},
            selected_on=selected_on,
        )
        bundle[f"{job.model}/cells-{trial.cells}/{RUN_FILE}"] = made.file()
    return bundle


def hand_over(trial: Path, phase1: Path) -> None:
    """Give a trial's checkpoints to phase 1, which finds its folds trained.

    No result depends on it: trained anew, the folds end with the same bytes.
    """
    phase1.mkdir(parents=True, exist_ok=True)
    for checkpoint in trial.glob("*.npz"):
        checkpoint.replace(phase1 / checkpoint.name)
