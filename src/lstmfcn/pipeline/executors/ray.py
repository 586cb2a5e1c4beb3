"""Jobs on a Ray cluster, where `LSTMFCN_RAY_ADDRESS` names one.

A job goes out as bytes, with the checkpoints that this study has of it; its checkpoints come back while it
is at work, so that it goes on from them wherever it is tried again. What it computes with is what this
machine has, or it is refused. One session serves all queues of a command.
"""

from __future__ import annotations

import functools
import importlib
import os
import pickle
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from lstmfcn.environment import THREADS, n_threads, worker_variables
from lstmfcn.errors import LstmfcnError
from lstmfcn.files import member, write_bytes
from lstmfcn.pipeline.executors import Watch
from lstmfcn.pipeline.executors.node import LOOK, Desk, checkpoints_in, work
from lstmfcn.runs.code import vouchers
from lstmfcn.wording import counted

ADDRESS = "LSTMFCN_RAY_ADDRESS"

SHARED = ("LSTMFCN_CHECKPOINT_SECONDS", THREADS)
"""What of this process's environment the nodes have as well."""

ATTEMPTS = 3
"""So often a job is tried that ends without an answer, before it counts as failed."""

PATIENCE = 5
"""So many seconds a cluster has to answer at all."""

LIMIT = 30.0
"""After so many seconds without a place on the cluster a job is told of; then after twice as many."""

LEAST_MEMORY, MEMORY_A_BYTE = 1 << 30, 50
"""Bytes that a job asks for: of its libraries, and for each thread so many times what is sent of it."""


class ClusterError(LstmfcnError):
    """There is no cluster that would do the work."""


class JobLostError(LstmfcnError):
    """A job ended without an answer each time it was tried."""


@dataclass
class _Sent:
    """A job that is on the cluster."""

    index: int
    job: Any
    attempt: int = 1
    name: str = field(default_factory=lambda: uuid4().hex)
    since: float = field(default_factory=time.monotonic)
    begun: bool = False
    told: float = 0.0


def is_wanted() -> bool:
    """Return whether the environment names a cluster."""
    return bool(os.environ.get(ADDRESS))


def check() -> str:
    """Return what the cluster has, in words.

    Raises
    ------
    ClusterError
        If there is none that would do the work.
    """
    ray = _connected()
    return f"the cluster at {os.environ[ADDRESS]} answers: {counted(sum(_cpus(ray)), 'processor')}"


def at_once() -> int:
    """Return how many jobs the cluster has processors for, as it is now.

    Raises
    ------
    ClusterError
        If there is none that would do the work.
    """
    ray = _connected()
    with _losses_told():
        return _room(ray)


def run(function: Callable[[Any], Any], jobs: Iterable[Any], watch: Watch) -> Iterator[tuple[int, Any]]:
    """Run jobs on the cluster; see `lstmfcn.pipeline.executors.run_jobs`.

    A job that ends without an answer (its process, its node or its code broke) is tried again elsewhere, and
    after some attempts it counts as failed. The others go on.
    """
    ray = _connected()
    desk, expected = _desk(), vouchers()
    turns, again, sent = enumerate(jobs), deque[_Sent](), dict[Any, _Sent]()
    try:
        with _losses_told():
            while True:
                while len(sent) < 2 * max(1, _room(ray)) and (one := _next(again, turns)) is not None:
                    sent[_send(ray, function, one, desk, expected)] = one
                if not sent:
                    return
                done, _ = ray.wait(list(sent), num_returns=1, timeout=LOOK)
                _take(ray, desk, sent.values(), watch)
                for reference in done:
                    one = sent.pop(reference)
                    try:
                        result, files = ray.get(reference)
                    except ray.exceptions.RayError as error:
                        if one.attempt < ATTEMPTS:
                            again.append(_Sent(one.index, one.job, one.attempt + 1))
                        else:
                            yield one.index, JobLostError(f"tried {ATTEMPTS} times; last, {_reason(error)}")
                    else:
                        _keep(one, files)
                        yield one.index, result
    finally:
        for reference in sent:
            ray.cancel(reference, force=True)


@contextmanager
def _losses_told() -> Iterator[None]:
    """Say so in a sentence where the cluster answers no more."""
    try:
        yield
    except ConnectionError as error:
        raise ClusterError(
            f"The cluster at {os.environ[ADDRESS]} answers no more ({_first_line(error)}). Finished jobs are "
            "kept: run the same command again."
        ) from error


def _next(again: deque[_Sent], turns: Iterator[tuple[int, Any]]) -> _Sent | None:
    if again:
        return again.popleft()
    turn = next(turns, None)
    return None if turn is None else _Sent(*turn)


def _send(ray: Any, function: Callable[[Any], Any], one: _Sent, desk: Any, expected: Any) -> Any:
    """Send a job to the cluster, with the checkpoints that there are of it."""
    content = pickle.dumps((function, one.job))  # as bytes: an array of Ray's own store cannot be written to
    files = {
        f"{number}/{name}": kept
        for number, place in enumerate(_places(one.job))
        for name, (_, kept) in checkpoints_in(place, {}).items()
    }
    threads = n_threads()
    asked = LEAST_MEMORY + MEMORY_A_BYTE * len(content) * threads
    most = max((node["Resources"].get("memory", 0) for node in ray.nodes() if node["Alive"]), default=0)
    needs = {"num_cpus": threads, "memory": int(min(asked, most))}
    remote = ray.remote(**needs, max_retries=0, scheduling_strategy="SPREAD")
    return remote(work).remote(content, files, one.name, desk, expected)


def _places(job: Any) -> list[Path]:
    """Return the folders of checkpoints that a job has."""
    return job.places() if hasattr(job, "places") else []


def _take(ray: Any, desk: Any, sent: Iterable[_Sent], watch: Watch) -> None:
    """Lay down the checkpoints that have come back, and tell of jobs that find no place."""
    try:
        begun, files = ray.get(desk.take.remote())
    except ray.exceptions.RayActorError:
        return  # its node was lost: it is started anew elsewhere, and the checkpoints come again
    for one in sent:
        _keep(one, files.get(one.name, {}))
        waited, one.begun = time.monotonic() - one.since, one.begun or one.name in begun
        if one.begun and one.told:
            watch(one.index, 0.0, "")
            one.told = 0.0
        elif not one.begun and waited > max(LIMIT, 2 * one.told):
            one.told = waited
            watch(one.index, waited, f"{_why_it_waits(ray)}. `ray status` there says what is at work.")


def _why_it_waits(ray: Any) -> str:
    """Say what keeps a job from being begun."""
    asked = n_threads()
    if not _room(ray):
        return f"no node of the cluster has {counted(asked, 'processor')}, which a job asks for"
    if ray.available_resources().get("CPU", 0) < asked:
        return "the processors of the cluster are all at work"
    return "the cluster has found it no place"


def _keep(one: _Sent, files: Mapping[str, bytes]) -> None:
    """Lay down the checkpoints of a job, given by the numbers of its folders and their names in them."""
    places = _places(one.job)
    for name, content in files.items():
        number, _, rest = name.partition("/")
        write_bytes(member(places[int(number)], rest), content, synced=False)


@functools.cache
def _connected() -> Any:
    """Return Ray, connected to the cluster."""
    try:
        import ray
    except ImportError:
        raise ClusterError(
            f"{ADDRESS} is set but Ray is not installed: pip install 'lstmfcn[cluster]'."
        ) from None
    address = os.environ[ADDRESS]
    _look_for(address)
    shared = worker_variables() | {name: os.environ[name] for name in SHARED if name in os.environ}
    try:
        ray.init(address, logging_level="ERROR", log_to_driver=True, runtime_env={"env_vars": shared})
    except (ConnectionError, RuntimeError, ValueError, OSError, ImportError) as error:
        raise ClusterError(_refused(address, _first_line(error))) from error
    return ray


def _look_for(address: str) -> None:
    """Refuse an address at which nothing answers, or something else than Ray, within seconds."""
    if address == "auto":
        return
    scheme, _, rest = address.rpartition("://")
    host, _, port = rest.rpartition(":")
    if not host or not port.isdecimal():
        raise ClusterError(
            f"{ADDRESS} is {address!r:.100}, which is no address: HOST:6379 of the head node, "
            "ray://HOST:10001 from outside of the cluster, or auto for the one on this machine."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(_refused(address, _first_line(error))) from None
    if not scheme and (why := _refusal(rest)):
        raise ClusterError(_refused(address, why))


def _refusal(address: str) -> str:
    """Return why Ray's own server does not serve us at an address, or nothing. Ray would wait for minutes."""
    import ray

    client, said = importlib.import_module("ray._raylet").GcsClient, ["what answers there is not Ray's"]

    def ask() -> None:
        with suppress(ray.exceptions.RayError):
            try:
                client(address=address)
                said.append("")
            except ray.exceptions.AuthenticationError:
                said.append("it asks for a token: RAY_AUTH_MODE=token and RAY_AUTH_TOKEN, as on its nodes")

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return said[-1]


def _refused(address: str, why: str) -> str:
    return (
        f"No cluster at {address} ({ADDRESS}) does the work: {why.rstrip('.')}. `ray start --head` starts "
        f"one; without {ADDRESS} the work is done on this machine."
    )


@functools.cache
def _desk() -> Any:
    """Return where checkpoints come back to: near this process, as long as the session lasts."""
    ray = _connected()
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    near = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    return ray.remote(num_cpus=0, max_restarts=-1, scheduling_strategy=near)(Desk).remote()


def _cpus(ray: Any) -> list[int]:
    """Return how many processors each node of the cluster has now: nodes come and go."""
    return [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]


def _room(ray: Any) -> int:
    """Return how many jobs the nodes have processors for."""
    return sum(cpus // n_threads() for cpus in _cpus(ray))


def _reason(error: Exception) -> str:
    """Say in a line why a job gave no answer."""
    cause = getattr(error, "cause", None) or error
    return f"{type(cause).__name__}: {_first_line(cause)}"


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
