"""A real MLflow server in processes of its own, for tests that break it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request


class MlflowServer:
    """A server whose files lie in `folder`, and its database there or at the address `store`.

    It keeps its own address when it is started again.
    """

    def __init__(self, folder, store=None):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}"
        self._folder, self._store = folder, store or f"sqlite:///{folder}/mlflow.db"

    def start(self):
        """Start it, and return when it answers."""
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self._port)]
        store = ["--backend-store-uri", self._store, "--workers", "1"]
        places = ["--artifacts-destination", str(self._folder / "artifacts")]
        env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # its job runner is of no use here
        said = self._folder / "server.log"
        with said.open("a") as log:
            self._process = subprocess.Popen(
                [*command, *store, *places], env=env, stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + 120
        while True:
            try:
                return urllib.request.urlopen(f"{self.address}/health", timeout=5).close()
            except OSError:
                assert self._process.poll() is None, said.read_text()
                assert time.monotonic() < end, said.read_text()
                time.sleep(0.2)

    def kill(self):
        """Kill it with all its workers."""
        subprocess.run(["pkill", "-KILL", "--session", str(self._process.pid)], check=False)
        self._process.wait()
