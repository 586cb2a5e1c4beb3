"""Jobs run whatever the number of workers, and one job's failure does not end the others."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import psutil
import pytest

from lstmfcn.errors import DataError, LstmfcnError
from lstmfcn.pipeline.executors import processes as work
from lstmfcn.pipeline.executors import run_jobs, signs


def square(x):
    if x == 3:
        raise DataError("three")
    return x * x, os.environ["TF_NUM_INTRAOP_THREADS"]


def die(x):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_gives_its_result_or_its_error(workers, monkeypatch):
    monkeypatch.setattr(work, "at_once", lambda: workers)
    results = dict(run_jobs(square, [1, 2, 3, 4]))
    assert isinstance(results.pop(2), DataError)
    assert results == {0: (1, "1"), 1: (4, "1"), 3: (16, "1")}


def test_the_environment_says_how_many_workers_there_are(monkeypatch):
    own = work.at_once()
    assert own == len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else own >= 1
    monkeypatch.setenv("LSTMFCN_WORKERS", "3")
    assert work.at_once() == 3
    for wrong in ("0", "-1", "two", "1.5", "99999"):
        monkeypatch.setenv("LSTMFCN_WORKERS", wrong)
        with pytest.raises(LstmfcnError, match=f"LSTMFCN_WORKERS is '{wrong}'"):
            work.at_once()


def threads(x):
    return [os.environ[f"TF_NUM_{kind}_THREADS"] for kind in ("INTRAOP", "INTEROP")]


def test_a_job_with_threads_begins_as_many_operations_at_once_and_leaves_each_to_one(monkeypatch):
    """And there are fewer workers, so that the machine has no more to do than cores."""
    cores = work.at_once()
    monkeypatch.setenv("LSTMFCN_THREADS", "2")
    assert work.at_once() == max(1, cores // 2)
    monkeypatch.setattr(work, "at_once", lambda: 6)  # a pool that no other test has used
    assert dict(run_jobs(threads, [1])) == {0: ["1", "2"]}
    monkeypatch.setenv("LSTMFCN_THREADS", "many")
    with pytest.raises(LstmfcnError, match="LSTMFCN_THREADS is 'many'"):
        dict(run_jobs(threads, [1]))


class Result:
    """Something that can be seen to be gone."""


def give(x):
    return Result()


def test_results_are_not_held_once_they_are_given():
    given = []
    for _, result in run_jobs(give, range(6)):
        given.append(weakref.ref(result))
        assert [r for r in given[:-1] if r() is not None] == []


def test_a_killed_worker_is_told_as_such():
    with pytest.raises(work.WorkerLostError, match="run the same command again"):
        list(run_jobs(die, [1]))


def pid(x):
    return os.getpid()


def test_no_more_workers_than_jobs(monkeypatch):
    monkeypatch.setattr(work, "at_once", lambda: 7)  # a pool that no other test has used
    (_, worker), *others = run_jobs(pid, [1])
    assert others == []
    assert len(work._pool(7)[0]._processes) == 1
    assert worker in work._pool(7)[0]._processes


def test_jobs_are_asked_for_when_their_turn_comes(monkeypatch):
    """A job may hold the weights it starts from: of thousands, not all fit in memory."""
    monkeypatch.setattr(work, "at_once", lambda: 2)
    asked = []

    def jobs():
        for i in range(9):
            asked.append(i)
            yield i

    ahead = [len(asked) - done for done, _ in enumerate(run_jobs(give, jobs()), start=1)]
    assert len(asked) == 9
    assert max(ahead) <= 2 + 1


def sleep(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(600)


def test_workers_end_with_a_killed_stage(tmp_path):
    """kill -9 gives the stage no chance to tell its workers, which are in the middle of a job."""
    told = tmp_path / "pid"
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from lstmfcn.pipeline.executors import run_jobs\nfrom test_executors import sleep\n"
        f"if __name__ == '__main__': list(run_jobs(sleep, [{str(told)!r}]))\n"
    )
    script = tmp_path / "stage.py"
    script.write_text(code)
    stage = subprocess.Popen([sys.executable, str(script)])
    try:
        pid = _within(60, lambda: told.exists() and told.read_text())
        worker = psutil.Process(int(pid))
    finally:
        stage.kill()
        stage.wait()
    assert _within(20, lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def count(path):
    """Work for a second of processor time once the file is gone."""
    Path(path).write_text(str(os.getpid()))
    while Path(path).exists():
        pass
    return "done"


@pytest.mark.parametrize("n_others", [0, 1])
def test_a_stopped_worker_is_told_of_at_growing_intervals_and_when_it_goes_on(
    tmp_path, monkeypatch, n_others
):
    """Whether it is the only one or another works beside it."""
    monkeypatch.setattr(signs, "LIMIT", 0.3)
    monkeypatch.setattr(work, "at_once", lambda: 1 + n_others)
    paths = [tmp_path / str(i) for i in range(1 + n_others)]
    told = []

    def watch(index, seconds, cause):
        told.append((index, seconds, cause))
        if len(told) == 3:
            os.kill(stopped, signal.SIGCONT)
        if not seconds:
            for path in paths:
                path.unlink()

    def stop():
        nonlocal stopped
        stopped = int(_within(60, lambda: paths[0].exists() and paths[0].read_text()))
        os.kill(stopped, signal.SIGSTOP)

    stopped = 0
    thread = threading.Thread(target=stop)
    thread.start()
    results = dict(run_jobs(count, [str(path) for path in paths], watch))
    thread.join()
    assert set(results.values()) == {"done"}
    assert {index for index, _, _ in told} == {0}
    *silent, (_, last, _) = told
    assert last == 0
    assert len(silent) == 3
    for (_, earlier, cause), (_, later, _) in itertools.pairwise(silent):
        assert later >= 2 * earlier >= 0.6
        assert cause == f"its process {stopped} is stopped; `kill -CONT {stopped}` lets it go on."


def test_a_worker_that_waits_for_nothing_is_told_of_and_one_at_work_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(signs, "LIMIT", 0.2)
    told = []
    list(run_jobs(time.sleep, [1.5], lambda *what: told.append(what)))
    assert told
    assert all(index == 0 and "uses no processor time" in cause for index, seconds, cause in told if seconds)


def _within(seconds, look):
    """Return what `look` finds, as soon as it finds something; None after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.1)
    return None
