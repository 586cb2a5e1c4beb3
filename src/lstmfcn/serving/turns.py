"""Who computes when: one thread, a batch of each request in turn, and no more work than fits."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from lstmfcn.serving.limits import MEGA, Limits
from lstmfcn.serving.refusal import RefusedError

T = TypeVar("T")

RETRY = {"Retry-After": "2"}

LARGE = MEGA
"""Bytes of a body after which memory is given back."""


class Turns:
    """The work of all requests.

    Bodies are counted by the bytes that have come, not by those announced: slow clients hold little.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._thread = ThreadPoolExecutor(1, "predict")
        self._n_requests = self._n_bytes = 0

    @contextmanager
    def body(self) -> Iterator[Callable[[int], None]]:
        """Account for a body: call what is yielded with the bytes of each piece.

        Raises
        ------
        RefusedError
            With 503, if all bodies together become too large.
        """
        held = 0

        def more(n: int) -> None:
            nonlocal held
            if self._n_bytes + n > self._limits.bodies * self._limits.body:
                raise RefusedError(503, "The server has as much to do as it can hold. Try again soon.", RETRY)
            held += n
            self._n_bytes += n

        try:
            yield more
        finally:
            self._n_bytes -= held
            if held > LARGE:
                self._thread.submit(_give_back)

    @contextmanager
    def request(self) -> Iterator[None]:
        """Account for a request that is to be computed.

        Raises
        ------
        RefusedError
            With 503, if too many wait.
        """
        if self._n_requests >= self._limits.requests:
            raise RefusedError(503, "Too many requests wait for the model. Try again soon.", RETRY)
        self._n_requests += 1
        try:
            yield
        finally:
            self._n_requests -= 1

    async def take(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function in the thread, after what others have asked for before."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    def end(self) -> None:
        """Begin nothing more. What is being computed is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _give_back() -> None:
    """Give freed memory back to the system: glibc keeps it otherwise. Other C libraries lack the call."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
