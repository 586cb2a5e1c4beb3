"""What the queue, the cache and the tracking store cost: stand-in jobs that do nothing, at any number.

Each leaves what a training leaves, with weights of any size. Milliseconds a job: of one run of the queue, and
of another when all is finished.
"""

import argparse
import os
import sys
import tempfile
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pandas as pd
from common import keep, made_up

from lstmfcn.files import hash_of
from lstmfcn.pipeline import jobs as queue
from lstmfcn.pipeline.jobs import Job, run_queue
from lstmfcn.runs.identity import Identity
from lstmfcn.workspace import Workspace

SEEDS = 50
"""Of each dataset."""


def work(arguments):
    """Return what a training of so many epochs leaves, with so many bytes of weights."""
    one, key, epochs, size = arguments
    return made_up(one, key, epochs=epochs, size=size)


def jobs_of(study, count, epochs, size):
    """Return so many stand-in jobs of a study."""
    made = []
    for number in range(count):
        one = Identity(dataset=f"Made{number // SEEDS}", classifier="lstm_fcn", seed=number % SEEDS)
        one, key = one.iteration(0), hash_of("scale", number)
        made.append(
            Job(
                name=f"{one.subject} seed {one.seed}",
                key=key,
                arguments=lambda one=one, key=key: (one, key, epochs, size),
                folder=one.folder(study),
                size=1.0,
            )
        )
    return made


class Unlogged:
    """Stands in for the thread that logs."""

    def __init__(self, *_):
        pass

    def __getattr__(self, _):
        return lambda *_: None


@contextmanager
def untracked():
    """Let the queue log nothing."""
    own, queue.Tracking = queue.Tracking, Unlogged
    try:
        yield
    finally:
        queue.Tracking = own


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--size", type=int, default=10_000, help="bytes of weights of each")
    parser.add_argument("--track", action="store_true", help="log to SQLite, too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = Workspace(Path(folder, "study"))
        study.root.mkdir()
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        names = [f"Made{n}" for n in range(-(-arguments.jobs // SEEDS))]
        study.params.write_text(f"datasets: {names}\nmodels: [lstm_fcn]\nreferences: []\n")
        jobs = jobs_of(study, arguments.jobs, arguments.epochs, arguments.size)
        rows = []
        with nullcontext() if arguments.track else untracked():
            run_queue("train", work, jobs[:2], study)  # the workers are started
            for what, given in (("run", jobs[2:]), ("rerun", jobs)):
                begun = time.perf_counter()
                run_queue("train", work, given, study)
                rows.append((what, 1000 * (time.perf_counter() - begun) / len(given)))
        table = pd.DataFrame(rows, columns=["what", "ms_a_job"])
        table = table.assign(jobs=arguments.jobs, tracked=arguments.track)
    keep(table, "scale")
    sys.stdout.write(table.to_string(index=False) + "\n")


if __name__ == "__main__":
    main()
