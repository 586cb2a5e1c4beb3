"""`finetune`: Algorithm 1 on what `train` left, an iteration at a time."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from lstmfcn.classifiers.jobs.common import FinetuneJob
from lstmfcn.config import Params
from lstmfcn.errors import DataError
from lstmfcn.pipeline.dependencies import job_code
from lstmfcn.pipeline.jobs import Job, in_worker, run_queue
from lstmfcn.pipeline.progress import progress_of
from lstmfcn.pipeline.recipes import finetune_recipe, grid_of, network_of
from lstmfcn.pipeline.splits import hash_of_splits, selection_split, train_splits
from lstmfcn.runs.cache import job_key
from lstmfcn.runs.run import RUN_FILE, Run
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params) -> None:
    """Fine-tune each run of phase 1, all of them by one iteration, then by the next.

    An iteration is a job of its own, so an interruption costs one iteration at most.
    """
    workspace.finetuned.mkdir(parents=True, exist_ok=True)
    trains = train_splits(workspace, params)
    selections = {dataset: selection_split(workspace, params, dataset) for dataset in trains}
    grid = grid_of(params, trains)
    for index in range(1, grid.iterations + 1):
        jobs = [
            _job(workspace, params, classifier, one.iteration(index), trains, selections)
            for classifier, one in grid.trainings()
            if index in grid.iterations_of(classifier)
        ]
        worker = in_worker("lstmfcn.classifiers.jobs.finetune:finetune")
        run_queue(f"finetune {index}/{grid.iterations}", worker, jobs, workspace)


def _job(
    workspace: Workspace, params: Params, classifier: Any, one: Any, trains: Any, selections: Any
) -> Job:
    """Return the job of one iteration, which starts where the one before ended."""
    train, selection = trains[one.dataset], selections[one.dataset]
    start = one.iteration(one.number - 1).folder(workspace)
    before = Run.load(start / RUN_FILE)
    own = params.finetune.model_dump(exclude={"iterations"})
    shared = params.train.model_dump(exclude={"epochs", "batch_size", "initial_rate"})
    key = job_key(
        stage="finetune",
        data=hash_of_splits(train, selection),
        recipe=[one.number, own, shared],
        upstream=before.key,
        code=job_code("finetune", classifier),
    )
    arguments = partial(
        _with_weights,
        start,
        key=key,
        identity=one,
        classifier=classifier,
        network=network_of(params, classifier, before.cells),
        recipe=finetune_recipe(params),
        protocol=params.protocol,
        train=train,
        selection=selection,
        n_folds=params.train.folds,
        progress=progress_of(one.name),
        scratch=workspace.scratch / key,
        upstream=before.key,
    )
    name = f"{one.subject} seed {one.seed} iteration {one.number}"
    return Job(name=name, key=key, arguments=arguments, folder=one.folder(workspace), size=train.X.size)


def _with_weights(folder: Path, **values: Any) -> FinetuneJob:
    """Return a job that starts from the weights in `folder`, read shortly before it is sent to a worker."""
    try:
        weights = {path.name: path.read_bytes() for path in sorted(folder.glob("*.npz"))}
    except OSError as error:
        raise DataError(f"The weights in {folder} cannot be read: {error}. Run `dvc repro train`.") from error
    return FinetuneJob(weights=weights, **values)
