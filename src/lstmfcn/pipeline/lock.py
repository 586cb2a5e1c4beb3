"""One stage at a time in a study: a lock, and the cleaning up that only its holder may do.

The experiments of a study share its lock: their stages take turns, and each has all of the machine.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lstmfcn.files import write_text
from lstmfcn.workspace import Workspace

ABANDONED = 7 * 24 * 3600
"""After so many seconds without a change, a job's checkpoints are taken for abandoned."""


@contextmanager
def lock(workspace: Workspace, command: str, tell: Callable[[str], None]) -> Iterator[None]:
    """Keep other stages of this study waiting while the block runs.

    The operating system frees the lock of a process that has died, however it died.

    Parameters
    ----------
    workspace
        The study.
    command
        What those who wait are told.
    tell
        Called with a sentence if it is this one that has to wait.
    """
    file, holder = FileLock(workspace.lock), workspace.lock.with_name("holder")
    workspace.lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        file.acquire(timeout=0)
    except Timeout:
        tell(f"Waiting for {_read(holder)}, at work in {workspace.home.resolve()} ...")
        file.acquire()
    try:
        what = f"{command} of the experiment {workspace.experiment}" if workspace.experiment else command
        write_text(holder, f"{what} (process {os.getpid()}, since {time.strftime('%H:%M:%S')})\n")
        remove_leftovers(workspace)
        yield
    finally:
        file.release()


def remove_leftovers(workspace: Workspace) -> None:
    """Remove what killed stages had begun to write, and checkpoints that no job has come back for."""
    unfinished = [
        *workspace.cache.glob(".new-*"),
        *workspace.root.glob(".*.tmp"),
        *(path for folder in workspace.outputs for path in folder.rglob(".*.tmp")),
        *workspace.scratch.rglob(".*.tmp"),
    ]
    before = time.time() - ABANDONED
    abandoned = [path for path in workspace.scratch.glob("*") if _latest(path) < before]
    for path in unfinished + abandoned:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _latest(folder: Path) -> float:
    return max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))


def _read(holder: Path) -> str:
    try:
        return holder.read_text(encoding="utf-8").strip()
    except OSError:
        return "another command"
