"""`search`: find the number of LSTM cells of each dataset and model by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lstmfcn.data.series import Split
from lstmfcn.errors import DataError
from lstmfcn.files import read_json, to_json
from lstmfcn.journal import RUN_FILE, Run
from lstmfcn.ledger import Bundle, code_hash, job_key
from lstmfcn.params import Params
from lstmfcn.stages.prepare import hash_of_splits, selection_split, train_splits
from lstmfcn.stages.queue import Job, progress_of, run_queue
from lstmfcn.stages.recipes import architecture, flat, search_recipe
from lstmfcn.workspace import Workspace

CODE = (
    "architecture.py",
    "models",
    "training",
    "data/folds.py",
    "data/series.py",
    "evaluation/metrics.py",
    "search.py",
    "stages/search.py",
)


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


def run(workspace: Workspace, params: Params) -> None:
    """Search for each dataset and model that has an LSTM, with the first seed; the seeds share the width."""
    recurrent = [model for model in params.models if model != "fcn"]
    code = code_hash(*CODE)
    jobs = []
    for dataset, train in train_splits(workspace, params).items():
        selection = selection_split(workspace, params, dataset)
        for model in recurrent:
            # Epochs and batch size are the search's own: train's decide nothing here.
            shared = params.train.model_dump(exclude={"epochs", "batch_size", "folds"})
            recipe = [dataset, params.protocol, model, params.seeds[0], params.search.model_dump(), shared]
            data = hash_of_splits(train, selection)
            key = job_key(stage="search", data=data, recipe=recipe, upstream="", code=code)
            arguments = SearchJob(key, dataset, model, train, selection, params, workspace.scratch / key)
            size = train.X.size * len(params.search.cells)
            folder = workspace.search / dataset
            jobs.append(
                Job(name=f"{dataset} {model}", key=key, arguments=arguments, folder=folder, size=size)
            )
    workspace.search.mkdir(parents=True, exist_ok=True)
    run_queue("search", search, jobs, workspace)


def search(job: SearchJob) -> Bundle:
    """Run one search; the bundle holds the table of trials, and a run for each."""
    from lstmfcn.search import search_cells

    settings, recipe, seed = job.params.search, search_recipe(job.params), job.params.seeds[0]
    network = architecture(job.params, job.model, settings.cells[0])
    trials = search_cells(
        job.train,
        network,
        recipe,
        cells=settings.cells,
        n_folds=settings.folds,
        seed=seed,
        directory=job.scratch,
        selection=job.selection,
        progress=progress_of(f"{job.dataset} {job.model}"),
    )
    selected_on: Literal["train", "test"] = "train" if job.selection is None else "test"
    evidence = "oof" if job.selection is None else "selection"
    table = {
        "dataset": job.dataset,
        "model": job.model,
        "seed": seed,
        "folds": settings.folds,
        "selected_on": selected_on,
        "best": trials[0].cells,
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
            params=flat(recipe, replace(network, cells=trial.cells), folds=settings.folds),
            metrics={f"{evidence}_accuracy": trial.accuracy, f"{evidence}_loss": trial.loss},
            selected_on=selected_on,
        )
        bundle[f"{job.model}/cells-{trial.cells}/{RUN_FILE}"] = made.file()
    return bundle


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
