"""`train`: phase 1 of each dataset, classifier and seed, with its out-of-fold predictions; then the votes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from lstmfcn.classifiers.base import Classifier, NetworkClassifier
from lstmfcn.classifiers.jobs.common import TrainJob, VoteJob
from lstmfcn.config import Params
from lstmfcn.errors import DataError
from lstmfcn.files import read_json
from lstmfcn.pipeline.dependencies import job_code
from lstmfcn.pipeline.jobs import Job, in_worker, run_queue
from lstmfcn.pipeline.recipes import grid_of, keeps_folds, training_job
from lstmfcn.pipeline.splits import Given, given_splits, with_splits
from lstmfcn.runs.cache import job_key
from lstmfcn.runs.facts import write_facts
from lstmfcn.runs.grid import Grid
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.left_out import is_left_out
from lstmfcn.runs.outputs import load_run, read_output
from lstmfcn.runs.run import Run
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params) -> None:
    """Train each dataset, classifier and seed; then let the networks of each dataset vote."""
    splits = given_splits(workspace, params)
    grid = grid_of(params, splits)
    jobs = []
    for classifier, one in grid.trainings():
        if classifier.voted:
            continue
        given = splits[one.dataset, one.resample]
        cells = best_cells(workspace, one) if classifier.searched else None
        key = train_key(params, classifier, one, cells, given.hash)
        every = training_job(workspace, params, classifier, one, key=key, cells=cells)
        jobs.append(
            Job(
                name=f"{one.subject} seed {one.seed}",
                key=key,
                arguments=partial(with_splits, TrainJob, given.splits, **every),
                folder=one.folder(workspace),
                size=given.train.size,
            )
        )
    workspace.phase1.mkdir(parents=True, exist_ok=True)
    run_queue("train", in_worker("lstmfcn.classifiers.jobs.train:train"), jobs, workspace)
    votes = [
        _vote(workspace, params, classifier, one, splits[one.dataset, one.resample], grid)
        for classifier, one in grid.trainings()
        if classifier.voted
    ]
    if votes:
        run_queue("ensemble", in_worker("lstmfcn.classifiers.jobs.ensemble:vote"), votes, workspace)
    write_facts(workspace, "train", (job.key for job in (*jobs, *votes)))


def _vote(
    workspace: Workspace,
    params: Params,
    classifier: Classifier,
    one: Identity,
    given: Given,
    grid: Grid[Classifier],
) -> Job:
    """Return the job of an ensemble, whose members are trained."""
    asked = grid.members(one, params.members)
    members = [load_run(workspace, each) for each in asked if not is_left_out(each.folder(workspace))]
    key = job_key(
        stage="train",
        data=given.hash,
        recipe=[one.as_json(), params.protocol, params.ensemble.folds],
        upstream=" ".join(run.key for run in members),
        code=job_code("train", classifier),
    )
    values = {"key": key, "identity": one, "protocol": params.protocol, "folds": params.ensemble.folds}
    make = partial(_with_files, workspace, members)
    return Job(
        name=one.subject,
        key=key,
        arguments=partial(with_splits, make, {"train": given.train}, **values),
        folder=one.folder(workspace),
        size=given.train.size,
    )


def _with_files(workspace: Workspace, members: Sequence[Run], **values: Any) -> VoteJob:
    """Return a job with the files of the members, read shortly before it is sent to a worker."""
    files = [
        {name: read_output(workspace, run, name) for name in run.files if name.endswith((".npz", "oof.csv"))}
        for run in members
    ]
    return VoteJob(members=tuple(zip(members, files, strict=True)), **values)


def train_key(params: Params, classifier: Classifier, one: Identity, cells: int | None, data: str) -> str:
    """Return the key of one training of phase 1; `data` is the hash of the splits it reads."""
    own = classifier.settings() | {"folds": params.train.folds}  # a reference looks at no more of `train`
    trained = params.train.model_dump() if isinstance(classifier, NetworkClassifier) else own
    recipe = [one.as_json(), params.protocol, cells, trained, keeps_folds(params, classifier, one)]
    code = job_code("train", classifier)
    return job_key(stage="train", data=data, recipe=recipe, upstream="", code=code)


def best_cells(workspace: Workspace, one: Identity) -> int:
    """Return the width that the search chose.

    Raises
    ------
    DataError
        If the search of this dataset and classifier is missing or damaged.
    """
    path = one.search_table(workspace)
    try:
        table = read_json(path)
        best, tried = table["best"], {trial["cells"] for trial in table["trials"]}
        if type(best) is not int or best not in tried:
            raise ValueError(f"{best!r:.40} was not tried")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is missing or damaged ({error}). Make it anew: `dvc repro --force --single-item "
            "search`; what was computed is kept."
        ) from error
    return best
