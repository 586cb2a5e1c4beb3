"""Putting a damaged store aside, so that it is made anew from the runs' own files."""

from __future__ import annotations

import os
import time
from pathlib import Path

from lstmfcn.tracking import sqlite
from lstmfcn.tracking.address import URI
from lstmfcn.tracking.store import local_file
from lstmfcn.workspace import Workspace

BESIDE = ("-journal", "-wal", "-shm")
"""What SQLite keeps beside a database: it belongs to this one, and would damage the next."""


def is_damaged(workspace: Workspace) -> bool:
    """Whether SQLite finds damage in the study's own store.

    The store that `MLFLOW_TRACKING_URI` names is another's to mend.
    """
    file = local_file(workspace)
    return not os.environ.get(URI) and os.access(file, os.R_OK) and sqlite.is_damaged(file)


def put_aside(workspace: Workspace) -> Path:
    """Give the study's own store another name, with the time in it; return that."""
    file = local_file(workspace)
    aside = file.with_name(f"{file.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    for suffix in ("", *BESIDE):
        beside = file.with_name(file.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    return aside
