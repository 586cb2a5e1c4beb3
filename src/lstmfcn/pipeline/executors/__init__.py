"""Running jobs: in worker processes on this machine, or on a Ray cluster when an address is given.

A job is a pure function of its arguments, so how many workers run, and where, changes no result.
Each worker computes with one thread: then a result does not depend on how many workers share the
machine either, and many small jobs fill it better than one job with many threads.
"""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import psutil

from lstmfcn.environment import WORKER, prepare_worker, worker_environment
from lstmfcn.errors import LstmfcnError


class WorkerLostError(LstmfcnError):
    """A worker process ended without an answer (killed, or out of memory)."""


def run_jobs(function: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    """Run `function` on each job and yield (index of the job, result) as they finish.

    Parameters
    ----------
    function
        A module-level function; it and its jobs and results are sent between processes.
    jobs
        The jobs, the longest first for the best use of the workers. Each is asked for shortly before its
        turn: of an iterator's, only a few are held at once.

    Yields
    ------
    int, object
        The index of a finished job, and its result or the `LstmfcnError` it raised.

    Raises
    ------
    WorkerLostError
        If a worker dies. What was yielded before is whole.
    """
    address = os.environ.get("LSTMFCN_RAY_ADDRESS")
    if address:
        yield from _run_on_ray(function, jobs, address)
    else:
        yield from _run_here(function, jobs)


def n_workers() -> int:
    """Return how many workers this machine runs at once: one a core it may use."""
    cores = (
        len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else os.cpu_count()
    )
    return cores or 1


def _start_worker() -> None:
    """Prepare a worker process on this machine, which is not to outlive the stage that started it."""
    prepare_worker()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the stage too, which ends its workers
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        if parent is not None:
            parent.join()  # a killed stage tells nobody: left alone, its workers would finish their jobs
            os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def _guarded(function: Callable[[Any], Any], job: Any) -> Any:
    """Return the result, or the error a user can mend: one job's failure must not end the others."""
    prepare_worker()
    try:
        return function(job)
    except LstmfcnError as error:
        return error


def _run_here(function: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    with worker_environment():  # a worker inherits it before its first import
        workers = n_workers()
        pool = _pool(workers)
        futures: dict[Future[Any], int] = {}
        turns = ((pool.submit(_guarded, function, job), i) for i, job in enumerate(jobs))
        try:
            futures.update(itertools.islice(turns, workers + 1))  # one waits, so that no worker ever does
            while futures:
                done, _ = wait(futures, return_when=FIRST_COMPLETED)
                while done:
                    futures.update(itertools.islice(turns, 1))
                    yield _taken(futures, done.pop())  # from here on nothing holds it but the caller
        except BrokenProcessPool:
            _pool.cache_clear()
            raise WorkerLostError(
                "A worker process was killed, perhaps for want of memory. Finished jobs are kept: "
                "run the same command again."
            ) from None
        except BaseException:  # interrupted, or the caller has enough: what has not begun, never begins
            _pool.cache_clear()
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.kill()  # what it was at has a checkpoint
            raise


def _taken(futures: dict[Future[Any], int], future: Future[Any]) -> tuple[int, Any]:
    return futures.pop(future), future.result()


@functools.cache
def _pool(size: int) -> ProcessPoolExecutor:
    """Return the workers of this process: starting one costs an import of TensorFlow, so they are kept.

    Each starts when a job finds no idle one, so a single job starts a single worker.
    Spawned, not forked: TensorFlow does not survive a fork, and macOS has no other choice.
    """
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(size, mp_context=context, initializer=_start_worker)


def _run_on_ray(
    function: Callable[[Any], Any], jobs: Iterable[Any], address: str
) -> Iterator[tuple[int, Any]]:
    try:
        import ray
    except ImportError:
        raise LstmfcnError(
            "LSTMFCN_RAY_ADDRESS is set but Ray is not installed: in the clone, "
            "`.venv/bin/uv pip install -c constraints.txt -e '.[cluster]'`."
        ) from None
    ray.init(address=address, ignore_reinit_error=True, log_to_driver=True, runtime_env={"env_vars": WORKER})
    remote = ray.remote(num_cpus=1, max_retries=3)(_guarded)
    turns = ((remote.remote(function, job), i) for i, job in enumerate(jobs))
    waiting = dict(itertools.islice(turns, 2 * int(ray.cluster_resources().get("CPU", 1))))
    try:
        while waiting:
            (done,), _ = ray.wait(list(waiting), num_returns=1)
            waiting.update(itertools.islice(turns, 1))
            yield waiting.pop(done), ray.get(done)
    finally:
        ray.shutdown()
