"""MLflow's own server, by which people look at a store."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from urllib.parse import urlsplit

from lstmfcn.errors import TrackingError
from lstmfcn.tracking.store import tracking_uri
from lstmfcn.workspace import Workspace

HOST = "127.0.0.1"

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # of generative AI: processes that nobody here needs
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "PYTHONWARNINGS": "ignore",  # of MLflow's own use of its libraries: a person reads the links here
}


def is_ours(workspace: Workspace) -> bool:
    """Return whether the store has no server of its own, so that one is to be started."""
    return not tracking_uri(workspace).startswith(("http://", "https://"))


def address(workspace: Workspace, port: int) -> str:
    """Return where the store's user interface is, or will be; without a login."""
    if is_ours(workspace):
        return f"http://{HOST}:{port}"
    parts = urlsplit(tracking_uri(workspace))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def check_port(port: int) -> None:
    """Refuse a port that another program listens on.

    Raises
    ------
    TrackingError
        If it does.
    """
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        raise TrackingError(
            f"MLflow cannot listen on port {port} ({os.strerror(error.errno or 0)}): it may run already. "
            "Open the links above, or name another port with --port."
        ) from None


def run(workspace: Workspace, port: int) -> int:
    """Run the server until Ctrl-C; return its exit status."""
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        HOST,
        "--port",
        str(port),
        "--workers",
        "1",
        "--uvicorn-opts",
        "--log-level warning",
    ]
    uri = tracking_uri(workspace)
    command += ["--backend-store-uri", uri, "--registry-store-uri", uri]
    try:
        return subprocess.run(command, env=os.environ | QUIET, check=False).returncode
    except KeyboardInterrupt:
        return 0
