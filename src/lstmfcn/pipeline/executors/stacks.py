"""Jobs in the threads of one process for each card, where networks are trained on JAX.

Threads, since the trainings of one shape that are under way in a process are computed as one stack: see
`lstmfcn.training.jax`. Without a card there is one process all the same.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from lstmfcn.environment import backend, number_in, worker_environment
from lstmfcn.errors import LstmfcnError
from lstmfcn.pipeline.executors import Watch
from lstmfcn.pipeline.executors.processes import MOST_WORKERS, WORKERS, WorkerLostError
from lstmfcn.pipeline.executors.worker import begin_worker, guarded

CARDS = "CUDA_VISIBLE_DEVICES"

QUICK = "--xla_gpu_enable_triton_gemm=false"
"""Makes programs for a card in seconds where it took minutes; they run as fast."""

ON_A_CARD = 64
"""So many jobs are at work on a card at once, unless `LSTMFCN_WORKERS` says otherwise."""

ON_A_PROCESSOR = 8
"""And so many where there is no card."""


@dataclass
class _Worker:
    """A process, how to talk to it, and the jobs that it has."""

    process: Any
    connection: Connection
    jobs: set[int] = field(default_factory=set)


def is_wanted() -> bool:
    """Return whether networks are trained on JAX."""
    return backend() == "jax"


def check() -> str:
    """Return what will do the work, in words."""
    found = cards()
    return f"JAX on {len(found)} card(s)" if found else "JAX on this machine's processor"


def at_once() -> int:
    """Return how many jobs are done at once.

    Raises
    ------
    LstmfcnError
        If the environment says so in a way that is not understood.
    """
    return _on_each() * max(1, len(cards()))


def _on_each() -> int:
    return number_in(WORKERS, MOST_WORKERS) or (ON_A_CARD if cards() else ON_A_PROCESSOR)


def cards() -> list[str]:
    """Return the names of the cards that this process may use: `CUDA_VISIBLE_DEVICES`, or all there are."""
    if (given := os.environ.get(CARDS)) is not None:
        return [name.strip() for name in given.split(",") if name.strip() not in ("", "-1")]
    return sorted(path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*"))


def run(function: Callable[[Any], Any], jobs: Iterable[Any], watch: Watch) -> Iterator[tuple[int, Any]]:
    """Run jobs; see `lstmfcn.pipeline.executors.run_jobs`. A busy card shows no sign, so none is missed."""
    del watch
    most = _on_each()
    workers = [_start(card, most) for card in cards() or (None,)]
    turns = enumerate(jobs)
    try:
        while True:
            while len((worker := min(workers, key=lambda one: len(one.jobs))).jobs) <= most:
                if (turn := next(turns, None)) is None:
                    break
                worker.connection.send((turn[0], function, turn[1]))
                worker.jobs.add(turn[0])
            busy = {worker.connection: worker for worker in workers if worker.jobs}
            if not busy:
                return
            for ready in wait(list(busy)):
                worker = busy[ready]  # type: ignore[index]
                index, result = worker.connection.recv()
                worker.jobs.remove(index)
                if isinstance(result, Exception) and not isinstance(result, LstmfcnError):
                    raise result
                yield index, result
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise WorkerLostError(
            "A worker process was killed, perhaps for want of memory. Finished jobs are kept: run the same "
            f"command again, with a lower {WORKERS} (now {most}) if it happens anew."
        ) from None
    finally:
        for worker in workers:
            worker.process.kill()  # what it was at has a checkpoint
            worker.connection.close()


def _start(card: str | None, most: int) -> _Worker:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    with worker_environment():
        process = context.Process(target=_serve, args=(there, card, most), daemon=True)
        process.start()
    there.close()
    return _Worker(process, here)


def _serve(connection: Connection, card: str | None, most: int) -> None:
    """Do the jobs that come, so many at once, until nobody asks for more."""
    if card is not None:
        os.environ[CARDS] = card
        os.environ.setdefault("XLA_FLAGS", QUICK)
    begin_worker()
    sending = threading.Lock()

    def do(index: int, function: Callable[[Any], Any], job: Any) -> None:
        try:
            result = guarded(function, job)
        except Exception as error:  # noqa: BLE001 - the command ends with it, as it does of another executor's
            result = error
        with sending:
            connection.send((index, result))

    with ThreadPoolExecutor(most) as pool, suppress(EOFError):
        while True:
            pool.submit(do, *connection.recv())
