"""The facts of jobs: when, how long, on what and at which commit they ran.

A run's file holds none of them, so that the same work gives the same bytes. The cache of finished jobs keeps
them. For those who pull a study, each stage with jobs writes them into an output of its own as well. No stage
depends on it: other times change nothing downstream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from lstmfcn.errors import DataError
from lstmfcn.files import read_json, write_json
from lstmfcn.runs.cache import Cache, sound_facts
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.run import RUN_FILE, Run, members_of
from lstmfcn.workspace import Workspace


def write_facts(workspace: Workspace, stage: str, jobs: Iterable[str]) -> None:
    """Write the facts of a stage's jobs, given by their keys, from the cache of finished jobs."""
    cache = Cache(workspace.cache)
    write_json(workspace.facts_of(stage), {key: cache.facts(key) for key in sorted(jobs)})


def read_facts(workspace: Workspace) -> dict[str, dict[str, object]]:
    """Return the facts that the stages of a study wrote, here or where it was pulled from, by key of the job.

    Raises
    ------
    DataError
        If a file of them is damaged.
    """
    found: dict[str, dict[str, object]] = {}
    for path in sorted(workspace.facts.glob("*.json")):
        found |= facts_in(path)
    return found


def facts_in(path: Path) -> dict[str, dict[str, object]]:
    """Return the facts of a stage's jobs, from its file; see `read_facts`."""
    try:
        return {key: sound_facts(facts) for key, facts in read_json(path).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(
            f"{path} is damaged ({error}). `dvc checkout --force {path}` brings it back; where DVC has "
            f"it not, `dvc repro --force --single-item {path.stem}` makes it anew."
        ) from error


def seconds_to(
    workspace: Workspace, run: Run, facts_of: Callable[[str], Mapping[str, object]]
) -> float | None:
    """Return how long it took to come to a trained run: its search, phase 1 and iterations.

    All of them train their folds, too; the search trains those of phase 1. An ensemble took what its members
    took. None where some are not known.

    Parameters
    ----------
    workspace, run
        The run, and where it lies.
    facts_of
        Returns the facts of a job by its key; empty where there are none.
    """
    jobs = _jobs_to(workspace, run.identity)
    if jobs is None:
        return None
    total = 0.0
    for job in jobs:
        seconds = facts_of(job).get("seconds")
        if not isinstance(seconds, int | float):
            return None
        total += seconds
    return total


def _jobs_to(workspace: Workspace, one: Identity) -> set[str] | None:
    """Return the keys of the jobs that it takes to come to a trained run; None where one has left no run."""
    path = one.folder(workspace) / RUN_FILE
    if not path.exists():
        return None
    run = Run.load(path)
    before = members_of(run)
    if one.step != "search":
        before += [one.iteration(index) for index in range(one.number)]
        before += [] if run.cells is None else [one.trial(run.cells)]
    found = {run.job}
    for step in before:
        jobs = _jobs_to(workspace, step)
        if jobs is None:
            return None
        found |= jobs
    return found
