"""The code that stages and their jobs depend on."""

from __future__ import annotations

from lstmfcn.classifiers import table
from lstmfcn.classifiers.base import Classifier
from lstmfcn.config import Params
from lstmfcn.environment import backend
from lstmfcn.evaluation.metrics import DEFAULT, metric_named
from lstmfcn.pipeline.table import STAGES, Stage
from lstmfcn.plugins import points
from lstmfcn.runs.code import code_hash, code_of, source_hash

HANDLING = ("lstmfcn.runs.identity", "lstmfcn.runs.grid", "lstmfcn.runs.run", "lstmfcn.pipeline.recipes")
"""What decides, for a stage with jobs, which jobs there are and where their files go."""


def code_of_stage(stage: Stage, params: Params) -> dict[str, str]:
    """Return the code that what a stage writes depends on, as `lstmfcn.runs.code.code_of` does.

    Of a stage with jobs the code of the jobs counts, and how the stage itself handles them; not that of the
    queue, the executors or MLflow, which change no result.
    """
    others = [*_modules_of_other_packages(stage), *_modules_that_choose(stage.name, params)]
    if not stage.jobs:
        return code_of(stage.module, *others)
    names = params.classifiers if "references" in stage.params else params.models
    classifiers = [table.classifier_named(name) for name in names]
    theirs = (module for one in classifiers for module in table.code_of(one))
    found = code_of(*stage.jobs, *others, *theirs, _backend())
    return found | {name: source_hash(name) for name in (*HANDLING, stage.module)}


def job_code(stage: str, classifier: Classifier, params: Params | None = None) -> str:
    """Return the hash of the code that a classifier's jobs in a stage depend on: part of their keys.

    Parameters
    ----------
    params
        Of the jobs that choose; others do not look at them.
    """
    others = [*_modules_of_other_packages(STAGES[stage]), *_modules_that_choose(stage, params)]
    return code_hash(*STAGES[stage].jobs, *others, *table.code_of(classifier), _backend())


def _backend() -> str:
    """Return the package that trains here, which nothing imports by its name."""
    return f"lstmfcn.training.{backend()}"


def _modules_that_choose(stage: str, params: Params | None) -> list[str]:
    """Return the module of the metric that a search chooses by; accuracy is in the search itself."""
    if stage != "search" or params is None or params.search.metric == DEFAULT:
        return []
    return [metric_named(params.search.metric).function.__module__]


def _modules_of_other_packages(stage: Stage) -> list[str]:
    return [point.module for group in stage.groups for point in points(group)]
