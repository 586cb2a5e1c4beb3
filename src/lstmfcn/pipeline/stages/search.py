"""`search`: find the number of LSTM cells of each dataset and classifier by cross-validation."""

from __future__ import annotations

from functools import partial

from lstmfcn.classifiers.jobs.common import SearchJob
from lstmfcn.config import Params
from lstmfcn.evaluation.metrics import metric_named
from lstmfcn.pipeline.dependencies import job_code
from lstmfcn.pipeline.jobs import Job, in_worker, run_queue
from lstmfcn.pipeline.progress import progress_of
from lstmfcn.pipeline.recipes import grid_of, search_folds, search_recipe, searches_as_phase1, training_job
from lstmfcn.pipeline.splits import given_splits, with_splits
from lstmfcn.pipeline.stages.train import train_key
from lstmfcn.runs.cache import job_key
from lstmfcn.runs.facts import write_facts
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params) -> None:
    """Search for each dataset and classifier with cells, with the first seed; the seeds share the width."""
    splits = given_splits(workspace, params)
    jobs = []
    for classifier, one in grid_of(params, splits).searches():
        given = splits[one.dataset, one.resample]
        trial = params.train.model_dump() | params.search.model_dump(exclude_none=True)
        key = job_key(
            stage="search",
            data=given.hash,
            recipe=[one.as_json(), params.protocol, trial],
            upstream="",
            code=job_code("search", classifier, params),
        )
        phase1 = {
            cells: workspace.scratch / train_key(params, classifier, one, cells, given.hash)
            for cells in (params.search.cells if searches_as_phase1(params) else ())
        }
        every = training_job(workspace, params, classifier, one, key=key, cells=params.search.cells[0])
        own = {
            "recipe": search_recipe(params),
            "n_folds": search_folds(params),
            "progress": progress_of(one.subject),
            "cells": params.search.cells,
            "metric": metric_named(params.search.metric),
            "phase1": phase1,
        }
        jobs.append(
            Job(
                name=one.subject,
                key=key,
                arguments=partial(with_splits, SearchJob, given.splits, **every | own),
                folder=one.search_table(workspace).parent,
                size=given.train.size * len(params.search.cells),
            )
        )
    workspace.search.mkdir(parents=True, exist_ok=True)
    run_queue("search", in_worker("lstmfcn.classifiers.jobs.search:search"), jobs, workspace)
    write_facts(workspace, "search", (job.key for job in jobs))
