"""What a stage is at, for people in a terminal: its queue, its rate, and how long it will take.

The stage writes down how far its queue is; the epochs of what is under way stand in the checkpoints.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from lstmfcn.files import read_json, write_json
from lstmfcn.pipeline.executors import at_once
from lstmfcn.pipeline.progress import duration
from lstmfcn.tracking.live import epochs_in
from lstmfcn.workspace import Workspace

INTERVAL = 1.0
"""So many seconds lie between two notes: there may be thousands of jobs that take less."""

NAMED = 1000
"""So many of the jobs that are left are named: all those under way are among them."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """How far the queue of a stage is.

    Attributes
    ----------
    stage
        Its name.
    process
        Whose it is.
    begun
        When, in seconds since the epoch.
    kept
        How many jobs were finished before.
    done, n_jobs
        How many of the others are done, and how many there are.
    done_size, size
        How much work that is, in any unit.
    at_once
        How many of them are done at once, as things were; None where nobody knew.
    left
        Name and key of the next jobs that are not done, in the order in which they begin.
    """

    stage: str
    process: int
    begun: float
    kept: int
    done: int
    n_jobs: int
    done_size: float
    size: float
    at_once: int | None
    left: tuple[tuple[str, str], ...]

    def seconds_left(self, now: float) -> float | None:
        """Return how long the rest will take if it goes on so; None before the first job is done."""
        return _seconds_left(now - self.begun, self.done_size, self.size)


def _file(workspace: Workspace) -> Path:
    return workspace.lock.with_name("queue.json")


def read(workspace: Workspace) -> Queue | None:
    """Return the queue of the stage that is at work; None where none is."""
    try:
        values = read_json(_file(workspace))
        queue = Queue(**values | {"left": tuple(map(tuple, values["left"]))})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return queue if queue.left and psutil.pid_exists(queue.process) else None


class Tally:
    """Keeps count of the queue of this process, and writes it down for `lstmfcn status` now and then.

    Parameters
    ----------
    workspace, stage
        Whose queue it is.
    kept
        How many jobs were finished before.
    """

    def __init__(self, workspace: Workspace, stage: str, kept: int) -> None:
        self._workspace, self._stage, self._kept = workspace, stage, kept
        self._left: dict[int, tuple[str, str, float]] = {}
        self._n_jobs, self._size, self._done_size = 0, 0.0, 0.0
        self._begun, self._written = time.time(), -math.inf

    def add(self, name: str, key: str, size: float) -> None:
        """Count a job that is to be done, the next by its index."""
        self._left[self._n_jobs] = name, key, size
        self._n_jobs += 1
        self._size += size

    def end(self, index: int) -> None:
        """Count a job as done, given by its index."""
        self._done_size += self._left.pop(index)[-1]
        self.note()

    def note(self) -> None:
        """Write down how far the queue is, unless that was done just now."""
        if time.monotonic() - self._written < INTERVAL and self._left:
            return
        self._written = time.monotonic()
        write_json(_file(self._workspace), asdict(self.queue()), synced=False)

    def queue(self) -> Queue:
        """Return how far the queue is."""
        return Queue(
            stage=self._stage,
            process=os.getpid(),
            begun=self._begun,
            kept=self._kept,
            done=self._n_jobs - len(self._left),
            n_jobs=self._n_jobs,
            done_size=self._done_size,
            size=self._size,
            at_once=at_once(),
            left=tuple((name, key) for name, key, _ in itertools.islice(self._left.values(), NAMED)),
        )

    def seconds_left(self) -> float:
        """Return how long the rest will take if it goes on so; 0 where nobody knows."""
        return _seconds_left(time.time() - self._begun, self._done_size, self._size) or 0.0


def _seconds_left(seconds: float, done: float, size: float) -> float | None:
    return seconds * (size - done) / done if done else None


def status(workspace: Workspace) -> Iterator[str]:
    """Yield lines that say what the stage at work is at."""
    queue, now = read(workspace), time.time()
    if queue is None:
        yield "No stage is at work here."
        return
    seconds = queue.seconds_left(now)
    rate = f"{60 * queue.done / (now - queue.begun):.1f} a minute" if queue.done else "none done yet"
    rest = f", about {duration(seconds)} left" if seconds is not None else ""
    before = f" ({queue.kept} more were finished before)" if queue.kept else ""
    yield f"{queue.stage}: {queue.done} of {queue.n_jobs} jobs done{before}; {rate}{rest}"
    waiting = queue.n_jobs - queue.done
    for name, key in queue.left:
        if told := _epochs(workspace.scratch / key):
            yield f"  {name}: {told}"
            waiting -= 1
    if waiting:
        most = f" ({queue.at_once} are done at once)" if queue.at_once is not None else ""
        yield f"  {waiting} more wait, or have just begun{most}"


def _epochs(folder: Path) -> str:
    """Say how far the trainings of a job are, by their checkpoints."""
    files = sorted(folder.rglob("*.npz"), key=lambda path: path.stat().st_mtime)
    if not files:
        return ""
    last = files[-1]
    where = f"{last.parent.name}, " if last.parent != folder else ""
    training = "whole training split" if last.stem == "whole" else last.stem.replace("-", " ")
    return f"{where}{training}, epoch {epochs_in(last)}; {len(files)} trainings begun"
