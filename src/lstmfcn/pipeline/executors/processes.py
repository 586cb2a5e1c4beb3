"""Jobs in worker processes on this machine."""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import psutil
from threadpoolctl import threadpool_limits

from lstmfcn.environment import is_warm, n_threads, number_in, set_out_warm, worker_environment
from lstmfcn.errors import LstmfcnError
from lstmfcn.pipeline.executors import Watch
from lstmfcn.pipeline.executors.signs import Signs
from lstmfcn.pipeline.executors.worker import begin_worker, guarded

WORKERS, MOST_WORKERS = "LSTMFCN_WORKERS", 1024

_slots: Any = None
"""In a worker: where its jobs tell that they have begun."""


class WorkerLostError(LstmfcnError):
    """A worker process ended without an answer (killed, or out of memory)."""


def at_once() -> int:
    """Return how many workers this machine runs at once: `LSTMFCN_WORKERS`, or one for so many of its cores.

    So many are the threads of a job. Cores that this process may not use do not count.

    Raises
    ------
    LstmfcnError
        If a variable is no number of workers, or of threads.
    """
    if (given := number_in(WORKERS, MOST_WORKERS)) is not None:
        return given
    cores = (
        len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else os.cpu_count()
    )
    return max(1, (cores or 1) // n_threads())


def start_workers() -> None:
    """Fork the workers of a warm process, which has what they need loaded; those of another start in time."""
    if is_warm():
        with worker_environment():
            pool, _ = _pool(at_once())
            pool.submit(_nothing).result()


def _nothing() -> None:
    """Do nothing."""


def run(function: Callable[[Any], Any], jobs: Iterable[Any], watch: Watch) -> Iterator[tuple[int, Any]]:
    """Run jobs in workers; see `lstmfcn.pipeline.executors.run_jobs`."""
    with worker_environment():  # a worker inherits it before its first import
        workers = at_once()
        pool, slots = _pool(workers)
        signs = Signs(slots, watch)
        futures: dict[Future[Any], int] = {}
        turns = ((pool.submit(_begun, signs.begin(i), function, job), i) for i, job in enumerate(jobs))
        try:
            futures.update(itertools.islice(turns, workers + 1))  # one waits, so that no worker ever does
            while futures:
                done, _ = wait(futures, timeout=signs.interval, return_when=FIRST_COMPLETED)
                signs.look()
                while done:
                    signs.end(futures[next(iter(done))])
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
def _pool(size: int) -> tuple[ProcessPoolExecutor, Any]:
    """Return the workers of this process, and where each job that has begun tells its worker's process.

    Starting one costs an import of TensorFlow, so they are kept.

    Each starts when a job finds no idle one, so a single job starts a single worker.
    Spawned, not forked: TensorFlow does not survive a fork, and macOS has no other choice. In a warm process
    TensorFlow is loaded and nothing more, which a fork does survive.
    """
    context = multiprocessing.get_context("fork" if is_warm() else "spawn")
    slots = context.RawArray("q", size + 1)  # no lock, which a worker might be stopped with
    pool = ProcessPoolExecutor(size, mp_context=context, initializer=_start_worker, initargs=(slots,))
    return pool, slots


def _begun(slot: int, function: Callable[[Any], Any], job: Any) -> Any:
    """Tell which process this is, and run a job."""
    _slots[slot] = os.getpid()
    return guarded(function, job)


def _start_worker(slots: Any) -> None:
    """Prepare a worker process on this machine."""
    global _slots
    _slots = slots
    if is_warm():
        set_out_warm()  # a fork as well
        threadpool_limits(1, "blas")  # which was loaded before
    begin_worker()
