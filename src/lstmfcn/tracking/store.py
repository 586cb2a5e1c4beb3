"""The tracking store: where it is, and how it is reached."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lstmfcn.environment import load_mlflow
from lstmfcn.errors import LstmfcnError, TrackingError
from lstmfcn.files import hash_of
from lstmfcn.tracking import sqlite
from lstmfcn.tracking.address import URI, sqlite_address, sqlite_file
from lstmfcn.tracking.causes import cause_of, traceable, unreachable
from lstmfcn.tracking.relocation import artifacts_beside, mend
from lstmfcn.workspace import Workspace

EXPERIMENT = "lstmfcn"

HALF_MADE = "UniqueViolation|Duplicate(Table|Object|Column)|relation .* does not exist|[Tt]able .* exist"
"""What a database says to those who make its tables while another does."""

DATABASES = ("postgresql", "mysql", "mssql")
"""The stores that are a database without a server of MLflow's before it."""


def tracking_uri(workspace: Workspace) -> str:
    """Return `MLFLOW_TRACKING_URI`, or that of the SQLite store under `mlruns/`."""
    return os.environ.get(URI) or sqlite_address(local_file(workspace))


def local_file(workspace: Workspace) -> Path:
    """Return the file of the study's own store."""
    return workspace.mlruns.resolve() / "mlflow.db"


def store_file(workspace: Workspace) -> Path | None:
    """Return the file of the workspace's store; None where it is a server, or another kind of database."""
    given = os.environ.get(URI)
    return sqlite_file(given) if given else local_file(workspace)


def is_missing(workspace: Workspace) -> bool:
    """Return whether the store is a file that nobody has written yet."""
    file = store_file(workspace)
    return file is not None and not file.exists()


def how_to_look(workspace: Workspace) -> str:
    """Return the command that shows the runs, as it works in the folder of a study."""
    return "make ui" if (workspace.root / "Makefile").exists() else "lstmfcn ui"  # a clone of the project


def clone_id(workspace: Workspace) -> str:
    """Return what tells the runs of this clone on this machine from those of others, naming neither."""
    return hash_of(platform.node(), str(workspace.home.resolve()))[:16]


def connect(workspace: Workspace, *, to_read: bool = False) -> Any:
    """Return an MLflow client for the workspace's store, and make it MLflow's default.

    The addresses in a store that was moved or copied are mended, with a word on stderr.

    Parameters
    ----------
    workspace
        The study.
    to_read
        Whether nothing is to be logged: then a store that is write-protected does too.

    Raises
    ------
    TrackingError
        If the store does not answer, or something is to be logged and its experiment was deleted or its
        artifacts cannot be reached.
    """
    uri, file = tracking_uri(workspace), store_file(workspace)
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # and a request less for each run
    load_mlflow(*(["mlflow.store.tracking.sqlalchemy_store"] if file else []))
    import mlflow

    given = os.environ.get(URI)
    mlflow.set_tracking_uri(uri)
    if given is None:  # MLflow sets it: the next workspace of this process would be taken for this one
        os.environ.pop(URI, None)
    with explained(workspace), _one_at_a_time(file, to_read=to_read) as alone:
        if file:
            sqlite.look_at(file)
            if alone:
                _mend(workspace, file, to_read=to_read)
        client, experiment = _client()
        if not to_read:
            _check(experiment or _new_experiment(client, workspace, file), uri)
    return client


def _client() -> tuple[Any, Any]:
    """Return MLflow's client and the experiment, which may be None.

    Where another clone is making the tables of an empty database, that is waited for.
    """
    import mlflow

    end = time.monotonic() + sqlite.WAIT
    while True:
        try:
            client = mlflow.MlflowClient()
            return client, client.get_experiment_by_name(EXPERIMENT)
        except Exception as error:  # each database has errors of its own
            if time.monotonic() > end or not re.search(HALF_MADE, f"{type(error).__name__}: {error}"):
                raise
            time.sleep(1)


def _mend(workspace: Workspace, file: Path, *, to_read: bool) -> None:
    """Bring the addresses of a store that is a file to where it is now."""
    try:
        former = mend(file, EXPERIMENT, is_own=is_own(workspace, file))
    except sqlite3.OperationalError:
        if not to_read:
            raise
        return  # a file that may not be written, in a folder that may
    for place in former:
        sys.stderr.write(f"The tracking store was at {place.parent}: its addresses were mended.\n")


def is_own(workspace: Workspace, file: Path) -> bool:
    """Return whether a file is that of the study's own store."""
    return file.resolve() == local_file(workspace)


def _new_experiment(client: Any, workspace: Workspace, file: Path | None) -> Any:
    """Make the experiment of the runs, and return it."""
    from mlflow.exceptions import MlflowException

    folder = artifacts_beside(file).as_uri() if file else None
    if tracking_uri(workspace).partition("+")[0].partition(":")[0] in DATABASES:  # it takes no files itself
        workspace.mlruns.mkdir(parents=True, exist_ok=True)
        folder = artifacts_beside(local_file(workspace)).as_uri()
    kind = {"mlflow.experimentKind": "custom_model_development"}  # the view of training runs in the UI
    try:
        client.create_experiment(EXPERIMENT, artifact_location=folder, tags=kind)
    except MlflowException:
        if client.get_experiment_by_name(EXPERIMENT) is None:  # else another clone has just made it
            raise
    return client.get_experiment_by_name(EXPERIMENT)


def _check(experiment: Any, uri: str) -> None:
    """Refuse to log to an experiment that takes nothing, or whose artifacts nobody would find."""
    if experiment.lifecycle_stage == "deleted":
        raise TrackingError(deleted_experiment())
    if elsewhere := unreachable(uri, experiment.artifact_location):
        raise TrackingError(elsewhere)


def restore_experiment(workspace: Workspace) -> None:
    """Bring the experiment back if somebody deleted it in MLflow, with its runs.

    Raises
    ------
    TrackingError
        If the store does not answer.
    """
    client = connect(workspace, to_read=True)
    with explained(workspace, f"The experiment {EXPERIMENT} could not be restored"):
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is not None and found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)


def deleted_experiment() -> str:
    """Say that somebody deleted the experiment in MLflow, and what to do."""
    return (
        f"The experiment {EXPERIMENT} was deleted in MLflow, so nothing is logged there. `lstmfcn sync "
        "--restore` brings it and its runs back."
    )


@contextmanager
def alone_in(workspace: Workspace) -> Iterator[bool]:
    """Keep other commands of this project from a store that is a file, while the block runs.

    Yields
    ------
    bool
        Whether they are kept from it: those of other clones cannot be kept from a server.
    """
    with _one_at_a_time(store_file(workspace), to_read=False) as alone:
        yield alone


@contextmanager
def explained(workspace: Workspace, what: str = "") -> Iterator[None]:
    """Turn whatever MLflow raises in the block into an error that says what failed, why, and what to do.

    Raises
    ------
    TrackingError
        In place of it; nothing secret is in its text, nor in its traceback.
    """
    try:
        yield
    except LstmfcnError:
        raise
    except Exception as error:  # noqa: BLE001 - each of its libraries has errors of its own
        cause = cause_of(error, tracking_uri(workspace))
        raise TrackingError(f"{what}: {cause}" if what else cause) from traceable(error)


@contextmanager
def _one_at_a_time(file: Path | None, *, to_read: bool) -> Iterator[bool]:
    """Keep others from a SQLite store while the block runs: MLflow does not make its tables twice at once.

    Yields whether it does.
    """
    if file is None:
        yield False
        return
    from filelock import FileLock, Timeout

    lock = FileLock(f"{file}.lock", timeout=3 * sqlite.WAIT)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        if not file.exists():
            file.touch()  # SQLite itself would close it to the group, whatever the umask
    except Timeout:
        raise
    except OSError:  # write-protected
        if not to_read or not file.exists():
            raise
    try:
        yield lock.is_locked
    finally:
        lock.release()
