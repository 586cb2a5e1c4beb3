"""Checking a study and its surroundings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from lstmfcn import config
from lstmfcn.classifiers.table import classifiers
from lstmfcn.errors import LstmfcnError
from lstmfcn.workspace import Workspace

LEAST_FREE = 2.0  # GB, for the artifacts of a small study


def examine(workspace: Workspace) -> Iterator[tuple[bool, str]]:
    """Yield (whether it is fine, a sentence) for each check; an emptied dvc.lock is mended."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield (3, 11) <= sys.version_info[:2] <= (3, 13), f"Python {version} (3.11 to 3.13 do)"
    try:
        found = config.load(workspace.params)
        yield True, f"{workspace.params} is understood: {', '.join(found.datasets)}"
    except LstmfcnError as error:
        yield False, str(error)
    yield True, f"classifiers at hand: {', '.join(classifiers())}"
    yield _mend_lock(workspace.root)
    free = shutil.disk_usage(workspace.root).free / 1e9
    yield free > LEAST_FREE, f"{free:.0f} GB of disk are free ({LEAST_FREE:.0f} are needed)"
    given = os.environ.get("LSTMFCN_UCR_DIR")
    if given:
        there = Path(given).is_dir()
        yield there, f"LSTMFCN_UCR_DIR is {given}" + ("" if there else ", which is not a folder")
    try:
        from lstmfcn.tracking.store import connect, shown, tracking_uri

        connect(workspace)
        yield True, f"the tracking store {shown(tracking_uri(workspace))} answers"
    except LstmfcnError as error:
        yield False, str(error)


def _mend_lock(root: Path) -> tuple[bool, str]:
    """Restore a dvc.lock that a kill left empty: DVC writes it in place."""
    lock = root / "dvc.lock"
    if not lock.exists():
        return True, "no dvc.lock yet: `dvc repro` writes it"
    if lock.stat().st_size:
        return True, "dvc.lock is there"
    done = subprocess.run(["git", "-C", str(root), "checkout", "--", "dvc.lock"], capture_output=True)
    if done.returncode == 0 and lock.stat().st_size:
        return True, "dvc.lock was empty (DVC was killed as it wrote): restored from git"
    lock.unlink()
    return True, "dvc.lock was empty and git has none: removed; finished jobs are in the cache"
