"""Signs of life of the worker processes on this machine: one that uses no processor time is told of."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import psutil

from lstmfcn.pipeline.executors import Watch

LIMIT = 30.0
"""After so many seconds without a sign a worker is told of; then after twice as many, and so on."""


@dataclass
class _Job:
    slot: int
    used: float = -1.0  # processor time, in seconds
    silent: float = 0.0
    told: float = 0.0


class Signs:
    """What is known of the jobs that have begun.

    Parameters
    ----------
    slots
        Shared with the workers: the process of the worker at each slot's job; 0 where it has not begun.
    watch
        See `lstmfcn.pipeline.executors.Watch`.
    """

    def __init__(self, slots: Any, watch: Watch) -> None:
        self._slots, self._watch = slots, watch
        self._free = list(range(len(slots)))
        self._jobs: dict[int, _Job] = {}
        self._looked = time.monotonic()

    @property
    def interval(self) -> float:
        """How often to look, in seconds."""
        return LIMIT / 5

    def begin(self, index: int) -> int:
        """Return the slot of a job that is about to be sent to a worker."""
        slot = self._free.pop()
        self._slots[slot] = 0
        self._jobs[index] = _Job(slot)
        return slot

    def end(self, index: int) -> None:
        """Forget a job that has ended."""
        self._free.append(self._jobs.pop(index).slot)

    def look(self) -> None:
        """Look at each worker that has a job, unless it was looked at just now."""
        passed = time.monotonic() - self._looked
        if passed < self.interval / 2:
            return
        self._looked += passed
        for index, job in self._jobs.items():
            if process := self._slots[job.slot]:
                # This process may have been stopped itself: no more counts than it would have waited.
                self._look_at(index, job, process, min(passed, 2 * self.interval))

    def _look_at(self, index: int, job: _Job, process: int, passed: float) -> None:
        try:
            worker = psutil.Process(process)
            times = worker.cpu_times()
            is_stopped = worker.status() == psutil.STATUS_STOPPED
        except psutil.Error:
            return  # it has ended, which the pool tells
        used = times.user + times.system
        if used > job.used:
            if job.told:
                self._watch(index, 0.0, "")
            job.used, job.silent, job.told = used, 0.0, 0.0
            return
        job.silent += passed
        if job.silent >= max(LIMIT, 2 * job.told):
            job.told = job.silent
            cause = (
                f"its process {process} is stopped; `kill -CONT {process}` lets it go on."
                if is_stopped
                else f"its process {process} uses no processor time. Should it stay so, `kill {process}` "
                "ends it, and the same command goes on from its last checkpoint."
            )
            self._watch(index, job.silent, cause)
