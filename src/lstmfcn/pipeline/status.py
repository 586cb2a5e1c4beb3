"""What a stage is at, for people in a terminal: its queue, its rate, and how long it will take.

The stage writes down how far its queue is; the epochs of what is under way stand in the checkpoints.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from lstmfcn.files import read_json, write_json
from lstmfcn.pipeline.executors.processes import n_workers
from lstmfcn.pipeline.progress import duration
from lstmfcn.tracking.live import epochs_in
from lstmfcn.workspace import Workspace


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
    left
        Name and key of each job that is not done, in the order in which they begin.
    """

    stage: str
    process: int
    begun: float
    kept: int
    done: int
    n_jobs: int
    done_size: float
    size: float
    left: tuple[tuple[str, str], ...]

    def seconds_left(self, now: float) -> float | None:
        """Return how long the rest will take if it goes on so; None before the first job is done."""
        if not self.done_size:
            return None
        return (now - self.begun) * (self.size - self.done_size) / self.done_size


def _file(workspace: Workspace) -> Path:
    return workspace.lock.with_name("queue.json")


def write(workspace: Workspace, queue: Queue) -> None:
    """Write down how far a queue is."""
    write_json(_file(workspace), asdict(queue))


def read(workspace: Workspace) -> Queue | None:
    """Return the queue of the stage that is at work; None where none is."""
    try:
        values = read_json(_file(workspace))
        queue = Queue(**values | {"left": tuple(map(tuple, values["left"]))})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return queue if queue.left and psutil.pid_exists(queue.process) else None


def queue_of(
    stage: str,
    begun: float,
    left: Sequence[tuple[str, str]],
    *,
    kept: int,
    done: int,
    sizes: tuple[float, float],
) -> Queue:
    """Return the queue of this process; `sizes` are those of what is done and of all."""
    return Queue(
        stage=stage,
        process=os.getpid(),
        begun=begun,
        kept=kept,
        done=done,
        n_jobs=done + len(left),
        done_size=sizes[0],
        size=sizes[1],
        left=tuple(left),
    )


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
    waiting = 0
    for name, key in queue.left:
        if told := _epochs(workspace.scratch / key):
            yield f"  {name}: {told}"
        else:
            waiting += 1
    if waiting:
        yield f"  {waiting} more wait, or have just begun ({n_workers()} workers)"


def _epochs(folder: Path) -> str:
    """Say how far the trainings of a job are, by their checkpoints."""
    files = sorted(folder.rglob("*.npz"), key=lambda path: path.stat().st_mtime)
    if not files:
        return ""
    last = files[-1]
    where = f"{last.parent.name}, " if last.parent != folder else ""
    training = "whole training split" if last.stem == "whole" else last.stem.replace("-", " ")
    return f"{where}{training}, epoch {epochs_in(last)}; {len(files)} trainings begun"
