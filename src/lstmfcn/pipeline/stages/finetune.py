"""`finetune`: Algorithm 1 on what `train` left, an iteration at a time."""

from __future__ import annotations

from functools import partial
from typing import Any

from lstmfcn.classifiers.base import Classifier
from lstmfcn.classifiers.jobs.common import FinetuneJob
from lstmfcn.config import Params
from lstmfcn.pipeline.dependencies import job_code
from lstmfcn.pipeline.jobs import Job, in_worker, run_queue
from lstmfcn.pipeline.recipes import finetune_recipe, grid_of, keeps_folds, training_job
from lstmfcn.pipeline.splits import Given, given_splits, with_splits
from lstmfcn.runs.cache import job_key
from lstmfcn.runs.facts import write_facts
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.outputs import check_split, load_run, read_output
from lstmfcn.runs.run import WEIGHTS_FILE, Run
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params) -> None:
    """Fine-tune each run of phase 1, all of them by one iteration, then by the next.

    An iteration is a job of its own, so an interruption costs one iteration at most.
    """
    workspace.finetuned.mkdir(parents=True, exist_ok=True)
    splits = given_splits(workspace, params)
    grid = grid_of(params, splits)
    done: list[Job] = []
    for index in range(1, grid.iterations + 1):
        jobs = [
            _job(workspace, params, classifier, one.iteration(index), splits[one.dataset, one.resample])
            for classifier, one in grid.trainings()
            if index in grid.iterations_of(classifier)
        ]
        worker = in_worker("lstmfcn.classifiers.jobs.finetune:finetune")
        run_queue(f"finetune {index}/{grid.iterations}", worker, jobs, workspace)
        done += jobs
    write_facts(workspace, "finetune", (job.key for job in done))


def _job(workspace: Workspace, params: Params, classifier: Classifier, one: Identity, given: Given) -> Job:
    """Return the job of one iteration, which starts where the one before ended."""
    before = load_run(workspace, one.iteration(one.number - 1))
    check_split(workspace, before, given.train.hash)
    own = params.finetune.model_dump(exclude={"iterations"})
    shared = params.train.model_dump(exclude={"epochs", "batch_size", "initial_rate"})
    key = job_key(
        stage="finetune",
        data=given.hash,
        recipe=[one.number, own, shared, keeps_folds(params, classifier, one)],
        upstream=before.key,
        code=job_code("finetune", classifier),
    )
    every = training_job(workspace, params, classifier, one, key=key, cells=before.cells)
    every |= {"recipe": finetune_recipe(params), "upstream": before.key}
    make = partial(_with_weights, workspace, before)
    return Job(
        name=f"{one.subject} seed {one.seed} iteration {one.number}",
        key=key,
        arguments=partial(with_splits, make, given.splits, **every),
        folder=one.folder(workspace),
        size=given.train.size,
    )


def _with_weights(workspace: Workspace, before: Run, **values: Any) -> FinetuneJob:
    """Return a job that starts from a run's weights, read shortly before it is sent to a worker."""
    names = [name for name in before.files if name.endswith(".npz")]
    if not names:  # an older schema: nobody knows how many folds there were
        found = before.identity.folder(workspace).glob("fold-*.npz")
        names = [WEIGHTS_FILE, *sorted(path.name for path in found)]
    weights = {name: read_output(workspace, before, name) for name in names}
    return FinetuneJob(weights=weights, **values)
