"""`train`: phase 1 of each dataset, model and seed, with its out-of-fold predictions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lstmfcn.config import Params
from lstmfcn.data.series import Split
from lstmfcn.pipeline.jobs import Job, progress_of, run_queue
from lstmfcn.pipeline.recipes import architecture, best_cells, flat, phase1_recipe
from lstmfcn.pipeline.stages.prepare import hash_of_splits, selection_split, train_splits
from lstmfcn.runs.cache import Bundle, job_key
from lstmfcn.runs.code import code_hash
from lstmfcn.runs.run import RUN_FILE, Run
from lstmfcn.workspace import Workspace

CODE = ("lstmfcn.classifiers.phase1",)


@dataclass(frozen=True)
class TrainJob:
    """What one training of phase 1 needs."""

    key: str
    dataset: str
    model: str
    seed: int
    cells: int | None
    train: Split
    selection: Split | None
    params: Params
    scratch: Path


def run(workspace: Workspace, params: Params) -> None:
    """Train each dataset, model and seed."""
    jobs = []
    for dataset, train in train_splits(workspace, params).items():
        selection = selection_split(workspace, params, dataset)
        for model in params.models:
            cells = best_cells(workspace, dataset, model)
            for seed in params.seeds:
                data = hash_of_splits(train, selection)
                key = phase1_key(params, dataset, model, seed, cells, data)
                scratch = workspace.scratch / key
                jobs.append(
                    Job(
                        name=f"{dataset} {model} seed {seed}",
                        key=key,
                        arguments=partial(
                            TrainJob, key, dataset, model, seed, cells, train, selection, params, scratch
                        ),
                        folder=workspace.phase1 / dataset / model / f"seed-{seed}",
                        size=train.X.size,
                    )
                )
    workspace.phase1.mkdir(parents=True, exist_ok=True)
    run_queue("train", train_job, jobs, workspace)


def phase1_key(params: Params, dataset: str, model: str, seed: int, cells: int | None, data: str) -> str:
    """Return the key of one training of phase 1; `data` is the hash of the splits it reads."""
    recipe = [dataset, params.protocol, model, seed, cells, params.train.model_dump()]
    return job_key(stage="train", data=data, recipe=recipe, upstream="", code=code_hash(*CODE))


def train_job(job: TrainJob) -> Bundle:
    """Run one training; the bundle holds its outcome's files and its run."""
    from lstmfcn.classifiers.phase1 import reused_engine, train_phase1

    settings, recipe = job.params.train, phase1_recipe(job.params)
    name = f"{job.dataset} {job.model} phase 1, seed {job.seed}"
    network = architecture(job.params, job.model, job.cells)
    engine = reused_engine(job.train, network, seed=job.seed)
    outcome = train_phase1(
        engine,
        job.train,
        recipe,
        n_folds=settings.folds,
        seed=job.seed,
        selection=job.selection,
        progress=progress_of(name),
        scratch=job.scratch,
    )
    made = Run(
        job=job.key,
        name=name,
        dataset=job.dataset,
        model=job.model,
        phase="phase1",
        protocol=job.params.protocol,
        seed=job.seed,
        split="train",
        data=job.train.hash,
        params=flat(recipe, network, folds=settings.folds),
        metrics=outcome.metrics,
        history="history.csv",
        artifacts=("weights.npz", "history.csv", "oof.csv"),
        selected_on="train" if job.selection is None else "test",
    )
    return outcome.files(job.train.classes) | {RUN_FILE: made.file()}
