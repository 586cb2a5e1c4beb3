"""`finetune`: Algorithm 1 on what `train` left, an iteration at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lstmfcn.config import Params
from lstmfcn.data.series import Split
from lstmfcn.errors import DataError
from lstmfcn.networks.architecture import Architecture
from lstmfcn.pipeline.jobs import Job, progress_of, run_queue
from lstmfcn.pipeline.recipes import finetune_recipe, flat
from lstmfcn.pipeline.stages.prepare import hash_of_splits, selection_split, train_splits
from lstmfcn.runs.cache import Bundle, job_key
from lstmfcn.runs.code import code_hash
from lstmfcn.runs.run import RUN_FILE, Run
from lstmfcn.workspace import Workspace

CODE = ("lstmfcn.classifiers.finetuning",)


@dataclass(frozen=True)
class FinetuneJob:
    """What one iteration needs.

    Attributes
    ----------
    weights
        The files of weights to start from, by name.
    before
        The run that made them: of phase 1, or of the iteration before.
    """

    weights: Mapping[str, bytes]
    key: str
    index: int
    before: Run
    train: Split
    selection: Split | None
    params: Params
    scratch: Path


def run(workspace: Workspace, params: Params) -> None:
    """Fine-tune each run of phase 1, all of them by one iteration, then by the next.

    An iteration is a job of its own, so an interruption costs one iteration at most.
    """
    code = code_hash(*CODE)
    workspace.finetuned.mkdir(parents=True, exist_ok=True)
    starts = []
    for dataset, train in train_splits(workspace, params).items():
        selection = selection_split(workspace, params, dataset)
        for model in params.models:
            for seed in params.seeds:
                place = Path(dataset, model, f"seed-{seed}")
                starts.append((place, train, selection, Run.load(workspace.phase1 / place / RUN_FILE)))
    latest = {place: workspace.phase1 / place for place, *_ in starts}
    for index in range(1, params.finetune.iterations + 1):
        jobs = []
        for place, train, selection, _ in starts:
            before = Run.load(latest[place] / RUN_FILE)
            own = params.finetune.model_dump(exclude={"iterations"})
            shared = params.train.model_dump(exclude={"epochs", "batch_size", "initial_rate"})
            recipe = [index, own, shared]
            data = hash_of_splits(train, selection)
            key = job_key(stage="finetune", data=data, recipe=recipe, upstream=before.key, code=code)
            arguments = partial(
                _job, latest[place], key, index, before, train, selection, params, workspace.scratch / key
            )
            latest[place] = workspace.finetuned / place / f"iteration-{index}"
            jobs.append(
                Job(
                    name=f"{before.dataset} {before.model} seed {before.seed} iteration {index}",
                    key=key,
                    arguments=arguments,
                    folder=latest[place],
                    size=train.X.size,
                )
            )
        run_queue(f"finetune {index}/{params.finetune.iterations}", finetune_job, jobs, workspace)


def finetune_job(job: FinetuneJob) -> Bundle:
    """Run one iteration; the bundle holds its outcome's files and its run."""
    from lstmfcn.classifiers.finetuning import iterate
    from lstmfcn.classifiers.outcome import fold_weights, unpack_weights
    from lstmfcn.classifiers.phase1 import reused_engine

    before, settings, recipe = job.before, job.params.train, finetune_recipe(job.params)
    network = Architecture.of(before.model, before.params)
    name = f"{before.dataset} {before.model} fine-tuning {job.index}, seed {before.seed}"
    engine = reused_engine(job.train, network, seed=before.seed)
    outcome = iterate(
        engine,
        job.train,
        recipe,
        index=job.index,
        start=unpack_weights(job.weights["weights.npz"]),
        fold_starts=fold_weights(job.weights),
        n_folds=settings.folds,
        seed=before.seed,
        selection=job.selection,
        progress=progress_of(name),
        scratch=job.scratch,
    )
    made = Run(
        job=job.key,
        name=name,
        dataset=before.dataset,
        model=before.model,
        phase="finetuned",
        protocol=job.params.protocol,
        seed=before.seed,
        split="train",
        data=job.train.hash,
        params=flat(recipe.iteration(job.index), network, folds=settings.folds, iteration=job.index),
        metrics=outcome.metrics,
        history="history.csv",
        artifacts=("weights.npz", "history.csv", "oof.csv"),
        upstream=before.key,
        selected_on="train" if job.selection is None else "test",
    )
    return outcome.files(job.train.classes) | {RUN_FILE: made.file()}


def _job(folder: Path, *arguments: Any) -> FinetuneJob:
    """Return a job that starts from the weights in `folder`."""
    try:
        weights = {path.name: path.read_bytes() for path in sorted(folder.glob("*.npz"))}
        return FinetuneJob(weights, *arguments)
    except OSError as error:
        raise DataError(f"The weights in {folder} cannot be read: {error}. Run `dvc repro train`.") from error
