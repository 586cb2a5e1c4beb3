"""A stage under `dvc repro` runs warm: forked from one process that has loaded the libraries once.

A small study is some seconds of training, and ten commands of which most import TensorFlow and MLflow. The
first stage that has work to do starts a host (`lstmfcn.cli.host`), which loads them, and which ends when the
`dvc` above it does. Each later stage asks the host for a fork that takes the command's place: its arguments,
variables, folder, streams and signals. Nothing has been computed in the host, so what a fork finds is what
an import gives. Where there is no host, or not the right one (another environment, changed code, another
system than Linux, `LSTMFCN_COLD` set), the command runs where it was called.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

STARTING = frozenset({"validate", "prepare", "search", "train", "finetune", "evaluate"})
"""The stages that start a host: they run because something has changed, and others follow."""

WARM = frozenset({"search", "train", "finetune", "evaluate", "compare", "promote", "report"})
"""The stages that run warm. The others are done before a host is ready."""

PATIENCE = 60.0
"""After so many seconds a host that is still loading is no longer waited for."""

OF_A_STAGE = frozenset({"DVC_STAGE", "_"})
"""Variables that differ between the stages of one study. If others do, an import may give another thing."""

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""What a command hands on to its fork."""

YES = b"+"
SIZE = struct.Struct("!I")
STATUS = struct.Struct("!i")


@dataclass(frozen=True)
class Request:
    """What a fork takes over from a command, beside its three streams.

    Attributes
    ----------
    arguments, package
        `sys.argv`, and the package that Python was to run: by them a command calls itself.
    folder
        Where it was called.
    environment
        Its variables.
    mask
        Its umask.
    """

    arguments: Sequence[str]
    package: str | None
    folder: str
    environment: dict[str, str]
    mask: int


def run_warm() -> int | None:
    """Run this command in a fork of the host, if it is a stage under `dvc repro`.

    Returns
    -------
    int or None
        Its exit status, negative for the signal that ended it; None where it is to run here.
    """
    stage = sys.argv[1] if len(sys.argv) > 1 else ""
    if stage not in STARTING | WARM:
        return None
    if sys.platform != "linux" or os.environ.get("LSTMFCN_COLD") or "--help" in sys.argv:
        return None
    dvc = _dvc_above()
    if dvc is None:
        return None
    place, host = place_of(*dvc), None
    if stage in STARTING and not place.exists():
        host = _start_host(*dvc)
    if stage not in WARM:
        return None
    connection = _connect(place, host)
    if connection is None:
        return None
    with connection:
        return _hand_over(connection)


def place_of(process: int, began: float) -> Path:
    """Return the socket of the host for a `dvc`, by its process and when it began."""
    which = hashlib.sha256(f"{process} {began} {sys.executable}".encode()).hexdigest()
    return Path(tempfile.gettempdir(), f"lstmfcn-{os.getuid()}", which[:16])


def is_same_user(connection: socket.socket) -> bool:
    """Return whether the other end of a connection is a process of this user."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    _, user, _ = struct.unpack("3i", found)
    return bool(user == os.getuid())


def _dvc_above() -> tuple[int, float] | None:
    """Return the process of the `dvc` that runs this stage, and when it began; None if there is none."""
    try:
        import psutil
    except ModuleNotFoundError:  # the command says what is missing
        return None
    with suppress(psutil.Error):
        for process in psutil.Process().parents()[:3]:  # a shell may stand between
            if any(Path(word).name == "dvc" for word in process.cmdline()[:3]):
                return process.pid, process.create_time()
    return None


def _start_host(process: int, began: float) -> subprocess.Popen[bytes]:
    """Start a host in a process group of its own, so that Ctrl-C does not reach it."""
    command = [sys.executable, "-P", "-m", "lstmfcn.cli.host", str(process), repr(began)]
    null = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=null, stdout=null, stderr=null, process_group=0)


def _connect(place: Path, host: subprocess.Popen[bytes] | None) -> socket.socket | None:
    """Return a connection to the host, which may be loading; None where there is none."""
    end = time.monotonic() + PATIENCE
    while host is not None and not place.exists() and host.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(place))
        if is_same_user(connection):
            return connection
    except ConnectionRefusedError:  # it was killed
        place.unlink(missing_ok=True)
    except OSError:  # there was none
        pass
    connection.close()
    return None


def _hand_over(connection: socket.socket) -> int | None:
    """Let a fork do this command's work; return its exit status, or None if the host does not want to."""
    mask = os.umask(0)
    os.umask(mask)
    package = getattr(sys.modules["__main__"], "__package__", None)
    request = Request(sys.argv, package, str(Path.cwd()), dict(os.environ), mask)
    text = json.dumps(asdict(request)).encode()
    connection.settimeout(PATIENCE)
    try:
        socket.send_fds(connection, [SIZE.pack(len(text))], [0, 1, 2])
        connection.sendall(text)
        if connection.recv(1) != YES:
            return None
    except OSError:
        return None
    connection.settimeout(None)
    with _forwarded_signals(connection):
        status = connection.recv(STATUS.size, socket.MSG_WAITALL)
    if len(status) < STATUS.size:
        return -signal.SIGKILL  # the host was killed, and its forks with it
    found: int = STATUS.unpack(status)[0]
    return found


@contextmanager
def _forwarded_signals(connection: socket.socket) -> Iterator[None]:
    """Hand on to the fork what this process is told, while the block runs."""

    def forward(number: int, _frame: FrameType | None) -> None:
        with suppress(OSError):  # it has ended
            connection.send(bytes([number]))

    def stop(number: int, frame: FrameType | None) -> None:
        forward(number, frame)
        os.kill(os.getpid(), signal.SIGSTOP)
        forward(signal.SIGCONT, frame)

    before = {number: signal.signal(number, forward) for number in FORWARDED}
    before[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
