"""What happens on a node of a cluster: a job is done in its own process, its checkpoints are sent home."""

from __future__ import annotations

import functools
import multiprocessing
import os
import pickle
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from lstmfcn.errors import LstmfcnError
from lstmfcn.files import member, write_bytes
from lstmfcn.pipeline.executors.worker import begin_worker, guarded
from lstmfcn.runs.code import vouchers

LOOK = float(os.environ.get("LSTMFCN_CHECKPOINT_SECONDS", "5"))
"""So many seconds lie between two looks at checkpoints, here and at home: as between two of them."""


class OtherCodeError(LstmfcnError):
    """A node would compute with other code than the machine that asks it to."""


class ProcessLostError(Exception):
    """The process that a job was done in ended without an answer."""


class Desk:
    """An actor to which nodes bring what they have begun, and the checkpoints of it."""

    def __init__(self) -> None:
        self._begun: set[str] = set()
        self._files: dict[str, dict[str, bytes]] = {}

    def begin(self, job: str) -> None:
        """Note that a job has found a place."""
        self._begun.add(job)

    def put(self, job: str, files: Mapping[str, bytes]) -> None:
        """Keep the latest checkpoints of a job."""
        self._files.setdefault(job, {}).update(files)

    def take(self) -> tuple[set[str], dict[str, dict[str, bytes]]]:
        """Return which jobs have begun since the last time, and the checkpoints that came."""
        taken = self._begun, self._files
        self._begun, self._files = set(), {}
        return taken


def work(
    content: bytes, files: Mapping[str, bytes], name: str, desk: Any, expected: Mapping[str, str]
) -> tuple[Any, dict[str, bytes]]:
    """Do a job on this node.

    It waits for no answer of Ray's, which would give its processor to another job meanwhile. So what it tells
    the desk may be lost with that, until the checkpoints change again.

    Parameters
    ----------
    content
        The function and the job, pickled.
    files
        The checkpoints it goes on from, by the number of the job's folder and their name in it.
    name
        What the desk calls it.
    desk
        See `Desk`.
    expected
        See `lstmfcn.runs.code.vouchers`.

    Returns
    -------
    object, dict of str to bytes
        The result, or the `LstmfcnError` that it raised; and the checkpoints that the desk does not have.

    Raises
    ------
    ProcessLostError
        If its process died.
    """
    import ray

    node = ray.util.get_node_ip_address()
    if differing := _differing(expected):
        return OtherCodeError(
            f"The node {node} would compute with other code ({differing}). Install the same there."
        ), {}
    desk.begin.remote(name)
    root = Path(tempfile.mkdtemp(prefix="lstmfcn-"))
    try:
        for path, kept in files.items():
            write_bytes(member(root, path), kept, synced=False)
        future, sent = _child().submit(_do, content, root), dict[str, int]()
        while True:
            done, _ = wait([future], timeout=LOOK)
            new = checkpoints_in(root, sent)
            contents = {path: content for path, (_, content) in new.items()}
            if done:
                return future.result(), contents
            if new:
                desk.put.remote(name, contents)
                sent |= {path: written for path, (written, _) in new.items()}
    except BrokenProcessPool:
        _child.cache_clear()
        raise ProcessLostError(
            f"its process on the node {node} was killed, perhaps for want of memory"
        ) from None
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _differing(expected: Mapping[str, str]) -> str:
    """Say what is another here than there."""
    here = vouchers()
    found = [name for name in sorted(expected.keys() | here.keys()) if expected.get(name) != here.get(name)]
    return ", ".join(f"{n}: {here.get(n, 'none')[:16]}, not {expected.get(n, 'none')[:16]}" for n in found)


@functools.cache
def _child() -> ProcessPoolExecutor:
    """Return the process that does the jobs of this worker of Ray's: what breaks it does not break Ray's."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context, initializer=begin_worker)


def _do(content: bytes, root: Path) -> Any:
    """Do a job whose checkpoints lie under a folder of this node."""
    function, job = pickle.loads(content)  # noqa: S301 - of the machine whose work this node does
    if hasattr(job, "moved"):
        job = job.moved({place: root / str(number) for number, place in enumerate(job.places())})
    return guarded(function, job)


def checkpoints_in(folder: Path, known: Mapping[str, int]) -> dict[str, tuple[int, bytes]]:
    """Return when the checkpoints under a folder were written, and their contents, by their names in it.

    Those that are half-written are left out, and those that were written when they are `known` to have been.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        try:
            written = path.stat().st_mtime_ns
            if path.is_file() and "/." not in f"/{name}" and known.get(name) != written:
                found[name] = written, path.read_bytes()
        except FileNotFoundError:  # it has just been replaced, or removed
            continue
    return found
