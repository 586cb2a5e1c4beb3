"""The code that stages and their jobs depend on."""

from __future__ import annotations

from lstmfcn.classifiers.base import Classifier
from lstmfcn.classifiers.table import classifier_named
from lstmfcn.config import Params
from lstmfcn.pipeline.table import STAGES, Stage
from lstmfcn.runs.code import code_hash, code_of, source_hash

HANDLING = ("lstmfcn.runs.identity", "lstmfcn.runs.grid", "lstmfcn.runs.run")
"""What decides, for a stage with jobs, which jobs there are and where their files go."""


def code_of_stage(stage: Stage, params: Params) -> dict[str, str]:
    """Return the code that what a stage writes depends on, as `lstmfcn.runs.code.code_of` does.

    Of a stage with jobs the code of the jobs counts, and how the stage itself handles them; not that of the
    queue, the executors or MLflow, which change no result.
    """
    if not stage.jobs:
        return code_of(stage.module)
    classifiers = [classifier_named(name) for name in params.models]
    found = code_of(*stage.jobs, *(module for one in classifiers for module in one.code))
    return found | {name: source_hash(name) for name in (*HANDLING, stage.module)}


def job_code(stage: str, classifier: Classifier) -> str:
    """Return the hash of the code that a classifier's jobs in a stage depend on: part of their keys."""
    return code_hash(*STAGES[stage].jobs, *classifier.code)
