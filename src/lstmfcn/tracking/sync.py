"""`lstmfcn sync`: MLflow brought up to date with all runs of a study, any number of times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from lstmfcn.errors import DataError
from lstmfcn.runs.outputs import runs_in
from lstmfcn.runs.run import Run, find_runs
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.store import restore_experiment
from lstmfcn.wording import counted
from lstmfcn.workspace import Workspace


def sync(workspace: Workspace, say: Callable[[str], None], *, restore: bool = False) -> int:
    """Log every run of the workspace that the store lacks; return how many there were.

    Parameters
    ----------
    workspace
        The study.
    say
        Where to say what is logged.
    restore
        Whether to bring back the experiment and the study's runs that a person deleted in MLflow.

    Raises
    ------
    TrackingError
        If the store does not answer.
    DataError
        After the last run, if files of some were changed or are gone: names each.
    """
    if restore:
        restore_experiment(workspace)
    tracker = Tracker(workspace, say)
    damaged, deleted, logged = [], 0, 0
    for folder, run in runs_of(workspace):
        try:
            if tracker.log_now(folder, run, restore=restore):
                logged += 1
                say(f"logged {run.name}")
            else:
                deleted += tracker.was_deleted(run.key)
                tracker.meet(run)
        except DataError as error:
            damaged.append(str(error))
    try:
        tracker.show()
    except DataError as error:
        damaged.append(str(error))
    if deleted:
        say(were_deleted(deleted))
    if damaged:
        raise DataError(
            "Some runs were not logged:\n" + "\n".join(f"  - {error}" for error in dict.fromkeys(damaged))
        )
    return logged


def runs_of(workspace: Workspace) -> Iterator[tuple[Path, Run]]:
    """Yield each run of a study that is to be logged, the tracked fits too, and the folder of its files."""
    folders = (workspace.search, workspace.phase1, workspace.finetuned, workspace.predictions)
    yield from ((run.identity.folder(workspace), run) for run in runs_in(workspace, *folders))
    yield from find_runs(workspace.fits)


def were_deleted(count: int) -> str:
    """Say that runs were deleted in MLflow by a person."""
    return (
        f"Deleted in MLflow, and left so: {counted(count, 'run')} of this study. `lstmfcn sync --restore` "
        "brings back what was deleted."
    )
