"""What is done on the cluster of `test_cluster.py`: nodes import it."""

import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

from lstmfcn.errors import DataError
from lstmfcn.files import write_text


def square(x):
    if x == 3:
        raise DataError("three")
    return x * x, os.environ["TF_NUM_INTRAOP_THREADS"]


def add_one(values):
    """What a job is given it may write to, as on one machine."""
    values += 1
    return float(values.sum())


@dataclass(frozen=True)
class Counting:
    """Counts to a number, a step every 0.1 s, and notes each in a checkpoint."""

    folder: Path
    told: Path
    end: int
    dies: str = ""

    def places(self):
        return [self.folder]

    def moved(self, places):
        return replace(self, folder=places[self.folder])


def count(job):
    """Return where it began and ended, and in which folder; be it dead once on the way."""
    path = job.folder / "inner/count"
    begun = int(path.read_text()) if path.exists() else 0
    if job.dies and not begun:
        job = replace(job, end=10)
    for n in range(begun, job.end):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(n + 1))
        if job.told.parent.is_dir():  # where this node sees it
            write_text(job.told, f"{os.getpid()} {n}")
        time.sleep(0.1)
    if job.dies and not begun:
        time.sleep(1.5)  # until the checkpoint is sent home
        if job.dies == "raises":
            raise RuntimeError("broken\nat length")
        os.kill(os.getpid(), signal.SIGKILL)
    return begun, job.end, str(job.folder)


def times(job):
    """Return when it began and ended, by the clock of this machine; wait until another has begun too."""
    begun = time.monotonic()
    job.touch()
    while len(list(job.parent.iterdir())) < 2:
        assert time.monotonic() < begun + 60
        time.sleep(0.05)
    time.sleep(1.2)
    return begun, time.monotonic()


def span(seconds):
    """Return when it began and ended, by the clock of this machine."""
    begun = time.monotonic()
    time.sleep(seconds)
    return begun, time.monotonic()


def threads(_job):
    """Return how many operations begin at once, and over how many threads one is split."""
    return [os.environ[f"TF_NUM_{kind}_THREADS"] for kind in ("INTEROP", "INTRAOP")]


def never(job):
    """Break each time."""
    if job == "raises":
        raise RuntimeError("broken\nat length")
    os.kill(os.getpid(), signal.SIGKILL)


def wait_here(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(600)
