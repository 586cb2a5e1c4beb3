"""The tracking store: where it is, and how it is reached."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lstmfcn.environment import load_mlflow
from lstmfcn.errors import TrackingError
from lstmfcn.files import hash_of
from lstmfcn.tracking.address import URI, shown, sqlite_address, sqlite_file
from lstmfcn.tracking.causes import cause_of, traceable
from lstmfcn.workspace import Workspace

EXPERIMENT = "lstmfcn"

WAIT = 20
"""So many seconds another program may hold a SQLite store before that is an error."""


def tracking_uri(workspace: Workspace) -> str:
    """Return `MLFLOW_TRACKING_URI`, or that of the SQLite store under `mlruns/`."""
    return os.environ.get(URI) or sqlite_address(local_file(workspace))


def local_file(workspace: Workspace) -> Path:
    """Return the file of the study's own store."""
    return workspace.mlruns.resolve() / "mlflow.db"


def is_missing(workspace: Workspace) -> bool:
    """Return whether the store is a file that nobody has written yet.

    Raises
    ------
    MissingLibraryError
        If MLflow is not installed.
    """
    load_mlflow()
    file = sqlite_file(tracking_uri(workspace))
    return file is not None and not file.exists()


def how_to_look(workspace: Workspace) -> str:
    """Return the command that shows the runs, as it works in the folder of a study."""
    if (workspace.root / "Makefile").exists():
        return "make ui"  # a clone of the project
    given = os.environ.get(URI)
    return f"mlflow ui --backend-store-uri {shown(given) if given else 'sqlite:///mlruns/mlflow.db'}"


def clone_id(workspace: Workspace) -> str:
    """Return what tells the runs of this clone on this machine from those of others, naming neither."""
    return hash_of(platform.node(), str(workspace.root.resolve()))[:16]


def connect(workspace: Workspace, *, to_read: bool = False) -> Any:
    """Return an MLflow client for the workspace's store, and make it MLflow's default.

    Parameters
    ----------
    workspace
        The study.
    to_read
        Whether nothing is to be written: then a store that is write-protected does too.

    Raises
    ------
    TrackingError
        If the store does not answer.
    """
    uri = tracking_uri(workspace)
    file = sqlite_file(uri)
    load_mlflow(*(["mlflow.store.tracking.sqlalchemy_store"] if file else []))
    import mlflow

    given = os.environ.get(URI)
    mlflow.set_tracking_uri(uri)
    if given is None:  # MLflow sets it: the next workspace of this process would be taken for this one
        os.environ.pop(URI, None)
    with explained(workspace), _one_at_a_time(file, to_read=to_read):
        if file:
            _look_at(file)
        client = mlflow.MlflowClient()
        if client.get_experiment_by_name(EXPERIMENT) is None and not to_read:
            folder = (workspace.mlruns / "artifacts").resolve().as_uri() if file else None
            # the view of training runs in the UI
            kind = {"mlflow.experimentKind": "custom_model_development"}
            client.create_experiment(EXPERIMENT, artifact_location=folder, tags=kind)
    return client


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
    except TrackingError:
        raise
    except Exception as error:  # noqa: BLE001 - each of its libraries has errors of its own
        cause = cause_of(error, tracking_uri(workspace))
        raise TrackingError(f"{what}: {cause}" if what else cause) from traceable(error)


@contextmanager
def _one_at_a_time(file: Path | None, *, to_read: bool) -> Iterator[None]:
    """Keep others from a SQLite store while the block runs: MLflow does not make its tables twice at once."""
    if file is None:
        yield
        return
    from filelock import FileLock, Timeout

    lock = FileLock(f"{file}.lock", timeout=3 * WAIT)
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
        yield
    finally:
        lock.release()


def _look_at(file: Path) -> None:
    """Raise an error where a SQLite store is locked or no database: MLflow would try for minutes."""
    address = f"file:{quote(os.fsencode(file))}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, timeout=WAIT)) as database:
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
