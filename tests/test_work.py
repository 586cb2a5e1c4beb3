"""Jobs run whatever the number of workers, and one job's failure does not end the others."""

import os
import signal

import pytest

from lstmfcn import work
from lstmfcn.errors import DataError


def square(x):
    if x == 3:
        raise DataError("three")
    return x * x, os.environ["TF_NUM_INTRAOP_THREADS"]


def die(x):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_gives_its_result_or_its_error(workers, monkeypatch):
    monkeypatch.setattr(work, "n_workers", lambda n: workers)
    results = dict(work.run_jobs(square, [1, 2, 3, 4]))
    assert isinstance(results.pop(2), DataError)
    assert results == {0: (1, "1"), 1: (4, "1"), 3: (16, "1")}


def test_a_killed_worker_is_told_as_such():
    with pytest.raises(work.WorkerLostError, match="run the same command again"):
        list(work.run_jobs(die, [1]))


def test_no_more_workers_than_jobs():
    assert work.n_workers(1) == 1
    assert work.n_workers(1000) >= 1
