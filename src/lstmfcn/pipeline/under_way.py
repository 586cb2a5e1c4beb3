"""Which runs a job is going to make, and where its trainings keep their checkpoints meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from lstmfcn.classifiers.jobs.common import FinetuneJob, SearchJob, TrainJob
from lstmfcn.runs.run import Run


def runs_under_way(job: Any) -> dict[Path, Run]:
    """Return the runs of a job that trains, as far as they are known before, by their folders of checkpoints.

    A job that only measures has none.
    """
    if isinstance(job, SearchJob):
        found = {}
        for cells in job.cells:
            identity = job.identity.trial(cells)
            trial = replace(job, network=replace(job.network, cells=cells))
            found[job.scratch / identity.step_folder] = trial.run(identity, metrics={})
        return found
    if isinstance(job, FinetuneJob):
        return {job.scratch: job.run(metrics={}, upstream=job.upstream)}
    return {job.scratch: job.run(metrics={})} if isinstance(job, TrainJob) else {}
