"""The host of warm stages: `python -m lstmfcn.cli.host PROCESS BEGAN` names the `dvc` that it ends with.

It loads the libraries and computes nothing, has no thread of its own, and forks for each command that asks;
see `lstmfcn.cli.warm`.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from lstmfcn import environment
from lstmfcn.cli.warm import OF_A_STAGE, SIZE, STATUS, WARM, YES, Request, is_same_user, place_of
from lstmfcn.pipeline.table import STAGES

Stamp = tuple[int, int]
"""Time and size of a file."""

LARGEST = 1 << 22
"""Bytes of a request."""

SECONDS = 5.0
"""For which a command is waited for that has connected and says nothing."""

DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


@dataclass
class Fork:
    """A command's fork: its process, the connection to the command, what can be read when it has ended."""

    process: int
    connection: socket.socket
    end: int


def serve(process: int, began: float) -> Request | None:
    """Serve until a `dvc` has ended: a process, and when it began.

    Returns
    -------
    Request or None
        In a fork, which is to run its command, what it has taken over; else None.
    """
    import psutil

    own, place = os.getpid(), place_of(process, began)
    try:
        dvc = os.pidfd_open(process)
        if psutil.Process(process).create_time() != began:
            return None
        listener = _listen(place)
    except (OSError, psutil.Error):  # it has ended, or this system has no such thing
        return None
    try:
        given = dict(os.environ)
        for load in LOADS:
            load()
            if select.select([dvc], [], [], 0)[0]:
                return None
        gc.freeze()
        return _serve(listener, dvc, given, _files())
    finally:
        if os.getpid() == own:
            place.unlink(missing_ok=True)


def _listen(place: Path) -> socket.socket:
    """Return a socket in a folder that is this user's alone."""
    folder = place.parent
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} is not this user's alone")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place))
    listener.listen()
    return listener


LOADS: tuple[Callable[[], object], ...] = (
    environment.load_backend,
    lambda: environment.load_mlflow("mlflow.tensorflow", "mlflow.store.tracking.sqlalchemy_store"),
    lambda: [import_module(STAGES[name].module) for name in sorted(WARM)],
    lambda: [import_module(module) for name in sorted(WARM) for module in STAGES[name].jobs],
)
"""What is loaded, in pieces between which the host sees whether it is still wanted."""


def _files() -> dict[str, Stamp | None]:
    """Return the files of all that is loaded, with time and size."""
    files = {file for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))}
    return {file: _stamp(file) for file in files}


def _stamp(file: str) -> Stamp | None:
    try:
        found = Path(file).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _serve(
    listener: socket.socket, dvc: int, given: Mapping[str, str], files: Mapping[str, Stamp | None]
) -> Request | None:
    """Answer commands until the `dvc` has ended; what this process has forked ends with it."""
    forks: list[Fork] = []
    while True:
        waited = [listener.fileno(), dvc]
        for fork in forks:
            waited += [fork.connection.fileno(), fork.end]
        ready, _, _ = select.select(waited, [], [])
        for fork in list(forks):
            if fork.end in ready:
                _report(fork)
                forks.remove(fork)
            elif fork.connection.fileno() in ready:
                _pass_on(fork)
        if dvc in ready:
            return None
        if listener.fileno() not in ready:
            continue
        connection, _ = listener.accept()
        received = _receive(connection)
        if received is None:
            connection.close()
            continue
        request, streams = received
        if _plain(request.environment) == _plain(given) and all(_stamp(f) == s for f, s in files.items()):
            made = _fork(connection)
            if made is None:
                for number in waited:
                    os.close(number)
                _take_over(request, streams)
                return request
            forks.append(made)
        else:
            connection.close()
        for stream in streams:
            os.close(stream)


def _plain(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that decide what a library is after its import."""
    return {name: value for name, value in variables.items() if name not in OF_A_STAGE}


def _receive(connection: socket.socket) -> tuple[Request, list[int]] | None:
    """Return what a command of this user asks for, and its three streams."""
    if not is_same_user(connection):
        return None
    connection.settimeout(SECONDS)
    streams: list[int] = []
    try:
        head, streams, _, _ = socket.recv_fds(connection, SIZE.size, 3)
        (size,) = SIZE.unpack(head)
        text = connection.recv(min(size, LARGEST), socket.MSG_WAITALL)
        if len(streams) == 3 and len(text) == size:
            return Request(**json.loads(text)), streams
    except (OSError, ValueError, TypeError, struct.error):
        pass
    for stream in streams:
        os.close(stream)
    return None


def _fork(connection: socket.socket) -> Fork | None:
    """Fork; return the fork, and None in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: those of BLAS survive a fork
        process = os.fork()
    if process == 0:
        connection.close()
        return None
    with suppress(OSError):  # the fork was quicker, or has ended
        os.setpgid(process, process)
    connection.settimeout(None)
    connection.sendall(YES)
    return Fork(process, connection, os.pidfd_open(process))


def _take_over(request: Request, streams: Sequence[int]) -> None:
    """Make this process the command's."""
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    for name, number in (("stdout", 1), ("stderr", 2)):
        own = getattr(sys, name)
        buffering = 1 if number == 2 else -1
        text = open(number, "w", buffering, own.encoding, own.errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, text)
    os.chdir(request.folder)
    os.umask(request.mask)
    os.environ.clear()
    os.environ.update(request.environment)
    sys.argv[:] = request.arguments
    sys.modules["__main__"].__package__ = request.package
    environment.set_out_warm()


def _pass_on(fork: Fork) -> None:
    """Pass signals on to a fork and what it has started; end it where the command has ended."""
    told = fork.connection.recv(64)
    for number in told or [signal.SIGKILL]:
        number = signal.SIGSTOP if number == signal.SIGTSTP else number
        with suppress(ProcessLookupError):
            if number in (signal.SIGSTOP, signal.SIGCONT, signal.SIGKILL):
                os.killpg(fork.process, number)
            else:
                os.kill(fork.process, number)


def _report(fork: Fork) -> None:
    """Tell a command how its fork has ended."""
    _, status = os.waitpid(fork.process, 0)
    with suppress(OSError):
        fork.connection.sendall(STATUS.pack(os.waitstatus_to_exitcode(status)))
    fork.connection.close()
    os.close(fork.end)


if __name__ == "__main__":
    taken = serve(int(sys.argv[1]), float(sys.argv[2]))
    if taken is not None:
        import_module("lstmfcn.cli").main()
