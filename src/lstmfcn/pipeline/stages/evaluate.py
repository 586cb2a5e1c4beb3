"""`evaluate`: the only stage that opens the test split. Nothing that chooses comes after it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from lstmfcn.classifiers.base import Classifier
from lstmfcn.classifiers.jobs.common import EvaluateJob
from lstmfcn.config import Params
from lstmfcn.data.catalogue import lookup
from lstmfcn.evaluation.calibration import TEMPERATURE
from lstmfcn.evaluation.measurement import SENSITIVITY, calibrated_columns, columns
from lstmfcn.evaluation.metrics import Metric, metric_named
from lstmfcn.evaluation.results import write_results
from lstmfcn.pipeline.dependencies import job_code
from lstmfcn.pipeline.jobs import Job, in_worker, run_queue
from lstmfcn.pipeline.recipes import grid_of
from lstmfcn.pipeline.splits import Laid, prepared, with_splits
from lstmfcn.runs.cache import job_key
from lstmfcn.runs.facts import write_facts
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.left_out import is_left_out
from lstmfcn.runs.outputs import check_split, load_run, read_output
from lstmfcn.runs.ranking import rank
from lstmfcn.runs.run import WEIGHTS_FILE, Run
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params) -> None:
    """Evaluate phase 1 and each iteration of each resample, classifier and seed; write the tables."""
    places = prepared(workspace, params)
    splits = {
        place: (Laid.at(workspace.train_split(*place)), Laid.at(workspace.test_split(*place)))
        for place in places
    }
    grid = grid_of(params, places)
    jobs, runs = [], []
    for classifier, one in grid.trainings():
        if is_left_out(one.folder(workspace)):
            continue
        steps = grid.trained(classifier, one)
        trained = [load_run(workspace, step) for step in steps]
        train, test = splits[one.dataset, one.resample]
        for run in trained:
            check_split(workspace, run, train.hash)
        jobs.append(_job(workspace, classifier, one, trained, train, test))
        runs.append(trained)
    run_queue("evaluate", in_worker("lstmfcn.classifiers.jobs.evaluate:evaluate"), jobs, workspace)
    write_facts(workspace, "evaluate", (job.key for job in jobs))
    metric = metric_named(params.promote.metric)
    rows = []
    for job, trained in zip(jobs, runs, strict=True):
        if is_left_out(job.folder):
            continue
        measured = [load_run(workspace, each.identity.test()) for each in trained]
        chosen = _chosen(
            [
                replace(each, metrics={**one.metrics, **each.metrics})
                for each, one in zip(trained, measured, strict=True)
            ],
            metric,
        )
        rows += [_row(one, params, chosen=one.upstream in chosen) for one in measured]
    serving = {classifier.name for classifier in grid.classifiers if classifier.may_serve}
    write_results(workspace.results, rows, metric, serving)


def _job(
    workspace: Workspace,
    classifier: Classifier,
    one: Identity,
    trained: Sequence[Run],
    train: Laid,
    test: Laid,
) -> Job:
    upstream = " ".join(run.key for run in trained)
    code = job_code("evaluate", classifier)
    key = job_key(stage="evaluate", data=test.hash, recipe=[], upstream=upstream, code=code)
    make, splits = partial(_with_files, workspace, trained), {"train": train, "test": test}
    arguments = partial(with_splits, make, splits, key=key, classifier=classifier)
    # One bundle holds all the steps of a training, each in a folder of its own.
    folder = one.test().folder(workspace).parent
    return Job(
        name=f"{one.subject} seed {one.seed}", key=key, arguments=arguments, folder=folder, size=test.size
    )


def _with_files(workspace: Workspace, trained: Sequence[Run], **values: Any) -> EvaluateJob:
    """Return a job with the files of what was trained, read shortly before it is sent to a worker."""
    files = [
        {
            name: read_output(workspace, run, name)
            for name in (WEIGHTS_FILE, "oof.csv")
            if name in run.artifacts
        }
        for run in trained
    ]
    return EvaluateJob(trained=tuple(zip(trained, files, strict=True)), **values)


def _chosen(runs: Sequence[Run], metric: Metric) -> frozenset[str]:
    """Return the keys of what stands for its phase: phase 1, and the iteration with the best evidence."""
    iterations = rank((run for run in runs if run.identity.number), metric)
    return frozenset(run.key for run in (runs[0], *iterations[:1]))


def _sensitivities(run: Run, split: str) -> str:
    """Return the sensitivity of each class as JSON, by its label."""
    start = split + SENSITIVITY
    found = {
        name.removeprefix(start): round(value, 9)
        for name, value in run.metrics.items()
        if name.startswith(start) and value is not None
    }
    return json.dumps(found)


def _row(run: Run, params: Params, *, chosen: bool) -> dict[str, Any]:
    one = run.identity
    scores = {
        name: run.metrics.get(name if name.startswith("oof_") else f"test_{name}") for name in columns()
    }
    return {
        "dataset": one.dataset,
        "resample": one.resample,
        "model": one.classifier,
        "phase": one.step,
        "seed": one.seed,
        "iteration": one.number,
        "chosen": chosen,
        "cells": run.cells,
        "protocol": run.protocol,
        "selected_on": run.selected_on,
        **{name: run.sizes[name] for name in ("n_train", "n_test", "n_classes", "length")},
        "majority_rate": run.metrics["majority_rate"],
        **scores,
        TEMPERATURE: run.metrics.get(TEMPERATURE),
        **{name: run.metrics.get(f"test_{name}") for name in calibrated_columns()},
        **{f"{split}sensitivity": _sensitivities(run, split or "test_") for split in ("oof_", "")},
        "key": run.upstream,
        "edition": params.prepare.edition if lookup(one.dataset) else None,
    }
