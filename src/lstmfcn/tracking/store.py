"""The tracking store: where it is, and how it is reached."""

from __future__ import annotations

import os
import platform
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import urlsplit

from lstmfcn.environment import load_mlflow
from lstmfcn.errors import TrackingError
from lstmfcn.files import hash_of
from lstmfcn.workspace import Workspace

EXPERIMENT = "lstmfcn"


def tracking_uri(workspace: Workspace) -> str:
    """Return `MLFLOW_TRACKING_URI`, or that of the SQLite store under `mlruns/`."""
    local = f"sqlite:///{(workspace.mlruns / 'mlflow.db').resolve()}"
    return os.environ.get("MLFLOW_TRACKING_URI") or local


def how_to_look(workspace: Workspace) -> str:
    """Return the command that shows the runs, as it works in the folder of a study."""
    if (workspace.root / "Makefile").exists():
        return "make ui"  # a clone of the project
    given = os.environ.get("MLFLOW_TRACKING_URI")
    return f"mlflow ui --backend-store-uri {shown(given) if given else 'sqlite:///mlruns/mlflow.db'}"


def shown(uri: str, text: str | None = None) -> str:
    """Return the address of a store, or a text about it, without the password that may be in it."""
    password = urlsplit(uri).password
    text = uri if text is None else text
    return text.replace(password, "***") if password else text


def clone_id(workspace: Workspace) -> str:
    """Return what tells the runs of this clone on this machine from those of others, naming neither."""
    return hash_of(platform.node(), str(workspace.root.resolve()))[:16]


def connect(workspace: Workspace) -> Any:
    """Return an MLflow client for the workspace's store, and make it MLflow's default.

    Raises
    ------
    TrackingError
        If the store does not answer.
    """
    uri = tracking_uri(workspace)
    local = uri.startswith("sqlite")
    load_mlflow(*(["mlflow.store.tracking.sqlalchemy_store"] if local else []))
    import mlflow

    if local:
        workspace.mlruns.mkdir(parents=True, exist_ok=True)
    given = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    if given is None:  # MLflow sets it: the next workspace of this process would be taken for this one
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    try:
        with _one_at_a_time(uri):
            client = mlflow.MlflowClient()
            if client.get_experiment_by_name(EXPERIMENT) is None:
                folder = (workspace.mlruns / "artifacts").resolve().as_uri() if local else None
                # the view of training runs in the UI
                kind = {"mlflow.experimentKind": "custom_model_development"}
                client.create_experiment(EXPERIMENT, artifact_location=folder, tags=kind)
        return client
    except Exception as error:
        raise TrackingError(
            f"The tracking store {shown(uri)} does not answer: {shown(uri, first_line(error))} "
            "Start it, or unset MLFLOW_TRACKING_URI for the local one."
        ) from error


def _one_at_a_time(uri: str) -> AbstractContextManager[object]:
    """Keep others from a SQLite store while the block runs: MLflow does not make its tables twice at once."""
    from filelock import FileLock
    from sqlalchemy.engine import make_url

    file = make_url(uri).database if uri.startswith("sqlite") else None
    return FileLock(f"{file}.lock") if file else nullcontext()


def first_line(error: Exception) -> str:
    """Return what an error says, as far as it goes in a sentence."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
