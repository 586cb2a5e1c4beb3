"""Putting a damaged store aside, so that it is made anew from the runs' own files."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from lstmfcn.tracking.address import URI
from lstmfcn.tracking.store import WAIT, local_file
from lstmfcn.workspace import Workspace

BESIDE = ("-journal", "-wal", "-shm")
"""What SQLite keeps beside a database: it belongs to this one, and would damage the next."""


def is_damaged(workspace: Workspace) -> bool:
    """Whether SQLite finds damage in the study's own store; that it is locked, or may not be read, is none.

    The store that `MLFLOW_TRACKING_URI` names is another's to mend.
    """
    file = local_file(workspace)
    if os.environ.get(URI) or not os.access(file, os.R_OK):
        return False
    address = f"file:{quote(os.fsencode(file))}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=WAIT)) as database:
            return bool(database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError:
        return True


def put_aside(workspace: Workspace) -> Path:
    """Give the study's own store another name, with the time in it; return that."""
    file = local_file(workspace)
    aside = file.with_name(f"{file.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    for suffix in ("", *BESIDE):
        beside = file.with_name(file.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    return aside
