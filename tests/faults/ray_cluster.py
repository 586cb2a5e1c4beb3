"""A cluster of Ray's on this machine: a head without processors, and nodes that come and go."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

HERE = Path(__file__).parent
ALIVE = 0


def reachable(address):
    """Return whether something listens at an address."""
    host, _, port = address.rpartition(":")
    with socket.socket() as tried:
        return tried.connect_ex((host, int(port))) == 0


class RayCluster:
    """Runs from `start` to `stop`."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.folder = Path(tempfile.mkdtemp(prefix="ray-"))  # its sockets need a short path
        self.processes = []
        self._gcs = None

    def start(self):
        self.begin()
        self._until(lambda: self.n_nodes() == 1)

    def begin(self, **variables):
        """Start the head with variables of its own, and return when it listens: it may not serve us."""
        port = self.address.partition(":")[2]
        own = ("--port", port, "--num-cpus", "0", "--temp-dir", str(self.folder))
        self._ray("--head", *own, "--include-dashboard", "false", **variables)
        self._until(lambda: reachable(self.address))

    def add_node(self, *, hidden=None, cpus=1):
        """Add a node and return its process; a folder that is `hidden` is empty for it.

        One after the other: of two that begin at once on a machine, Ray loses one now and then.
        """
        before = self.n_nodes()
        words = ("--address", self.address, "--num-cpus", str(cpus))
        process = self._ray(*words, hidden=hidden)
        self._until(lambda: self.n_nodes() == before + 1)
        return process

    def kill(self, process):
        """End a node as a power cut does."""
        with suppress(psutil.NoSuchProcess):  # it never began, or has ended by itself
            for each in [*psutil.Process(process.pid).children(recursive=True), process]:
                each.send_signal(signal.SIGKILL)
        process.wait()
        self.processes.remove(process)

    def stop(self):
        for process in reversed(self.processes[:]):
            self.kill(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def n_nodes(self):
        """Return how many nodes there are, the head among them."""
        from ray._raylet import GcsClient  # here, since most tests do without Ray

        if self._gcs is None and not reachable(self.address):
            return 0
        self._gcs = self._gcs or GcsClient(address=self.address)
        return sum(node.state == ALIVE for node in self._gcs.get_all_node_info().values())

    def _ray(self, *words, hidden=None, **variables):
        command = [
            *(sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start", *words),
            *("--node-ip-address", "127.0.0.1", "--disable-usage-stats", "--block"),
            *("--include-log-monitor", "false"),
        ]
        if hidden is not None:
            hide = f"mount -t tmpfs none '{hidden}' && exec \"$@\""
            command = ["unshare", "-m", "sh", "-c", hide, "sh", *command]
        paths = (str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", ""))
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))} | variables
        log = (self.folder / f"{len(self.processes)}.log").open("w")
        self.processes.append(
            subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        )
        return self.processes[-1]

    def _until(self, found):
        end = time.monotonic() + 60
        while not found():
            assert self.processes[-1].poll() is None, "a node of the cluster did not start"
            assert time.monotonic() < end, "a node of the cluster did not join"
            time.sleep(0.2)
