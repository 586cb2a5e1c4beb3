"""Running jobs, wherever an executor runs them: each is a module of this folder.

A job is a pure function of its arguments, so how many workers run, and where, changes no result.
Each training is computed by one thread: many small jobs fill a machine better than one job with many threads,
and what an operation gives depends on how many it is split over. With `LSTMFCN_THREADS` a job does so many of
its trainings at once.

An executor is a module with `is_wanted()`, whether the environment asks for it, and
`run(function, jobs, watch)`, which does what `run_jobs` says. It may have `start_workers()`, `check()` and
`at_once()`, which do what the functions of these names here say. Where none is asked for, worker processes
on this machine do the work.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any

Watch = Callable[[int, float, str], None]
"""Told of a job whose worker shows no sign of life: its index, for how many seconds, and what may be the
cause; 0 seconds when it is at work again."""


def unwatched(_index: int, _seconds: float, _cause: str) -> None:
    """Tell nobody."""


def run_jobs(
    function: Callable[[Any], Any], jobs: Iterable[Any], watch: Watch = unwatched
) -> Iterator[tuple[int, Any]]:
    """Run `function` on each job and yield (index of the job, result) as they finish.

    Parameters
    ----------
    function
        A module-level function; it and its jobs and results are sent between processes.
    jobs
        The jobs, the longest first for the best use of the workers. Each is asked for shortly before its
        turn: of an iterator's, only a few are held at once.
    watch
        See `Watch`. An executor that cannot see its workers never calls it.

    Yields
    ------
    int, object
        The index of a finished job, and its result or the `LstmfcnError` it raised.

    Raises
    ------
    WorkerLostError
        If a worker dies. What was yielded before is whole.
    """
    yield from executor().run(function, jobs, watch)


def start_workers() -> None:
    """Start the workers, where they are to be started before this process has threads."""
    if hasattr(module := executor(), "start_workers"):
        module.start_workers()


def check() -> str:
    """Return what will do the work, in words, where that is to be looked for.

    Raises
    ------
    LstmfcnError
        If it will not.
    """
    module = executor()
    return module.check() if hasattr(module, "check") else ""


def at_once() -> int | None:
    """Return how many jobs are done at once, as things are now; None where nobody knows.

    Raises
    ------
    LstmfcnError
        If what is to do them does not answer, or the environment asks for it in a way that is not understood.
    """
    module = executor()
    return module.at_once() or None if hasattr(module, "at_once") else None


def executor() -> Any:
    """Return the module that runs the jobs."""
    for module in pkgutil.iter_modules(__path__):
        found = import_module(f"{__name__}.{module.name}")
        if hasattr(found, "is_wanted") and found.is_wanted():
            return found
    return import_module(f"{__name__}.processes")
