"""A tracking server that is slow, answers 500, drops connections and dies, behind a proxy that does it."""

import importlib
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from mlflow_server import MlflowServer

from conftest import make_clone, make_workspace
from lstmfcn import config
from lstmfcn.errors import TrackingError
from lstmfcn.runs.cache import Cache
from lstmfcn.runs.run import find_runs
from lstmfcn.tracking import mlflow as tracking
from lstmfcn.tracking import store
from lstmfcn.tracking.mlflow import KEY_TAG, Tracker, sync
from lstmfcn.tracking.store import connect

PARAMS = """
datasets: [Bumps]
models: [lstm_fcn]
seeds: [0, 1, 2]
search: {cells: [2], folds: 2, epochs: 1, batch_size: 8}
train: {epochs: 3, batch_size: 8, folds: 2}
"""


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a server, as long as it is `well`."""

    daemon_threads = True

    def __init__(self, target):
        self.target = target
        self.well = True
        self.answer = lambda handler: handler.send_error(500)
        self.requests = 0
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def log_message(self, *_arguments):
        """Say nothing."""

    def _pass_on(self):
        self.server.requests += 1
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.server.well and self.server.answer(self) != "pass on":
            return
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        request = urllib.request.Request(
            self.server.target + self.path, body or None, headers, method=self.command
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                code, kind, content = answer.status, answer.headers.get("Content-Type"), answer.read()
        except urllib.error.HTTPError as error:
            code, kind, content = error.code, error.headers.get("Content-Type"), error.read()
        self.send_response(code)
        self.send_header("Content-Type", kind or "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - http.server's names


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Return the address of a real MLflow server."""
    server = MlflowServer(tmp_path_factory.mktemp("server"))
    server.start()
    yield server.address
    server.kill()


@pytest.fixture
def proxy(server, monkeypatch):
    """Return a proxy that is well, in front of it, as the tracking server of the test."""
    proxy = Proxy(server)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for module in (store, tracking):
        monkeypatch.setattr(module, "EXPERIMENT", f"at port {proxy.server_port}")  # no other test's runs
    yield proxy
    proxy.shutdown()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A clone that is ready to train."""
    return make_clone(
        tmp_path_factory.mktemp("clone"), PARAMS, "fetch", "validate", "prepare", "search", "train"
    )


def statuses(workspace):
    """Return the statuses of the runs with a job, by their key."""
    client = connect(workspace)
    experiment = client.get_experiment_by_name(tracking.EXPERIMENT).experiment_id
    found = {}
    for run in client.search_runs([experiment], max_results=1000):
        if "lstmfcn.job" in run.data.tags:
            found.setdefault(run.data.tags[KEY_TAG], []).append(run.info.status)
    return found


def test_training_goes_on_while_the_server_hangs(proxy, prepared, tmp_path, monkeypatch):
    """Nothing is answered until the last job is done; then everything arrives."""
    made = make_workspace(tmp_path / "clone", PARAMS.replace("epochs: 3", "epochs: 4"))
    for name in ("search", "data/prepared"):
        (made.root / name).symlink_to(prepared.root / name)
    finished = threading.Event()

    def hang(_handler):
        finished.wait(60)
        return "pass on"

    proxy.well, proxy.answer = False, hang
    monkeypatch.setattr(tracking, "PATIENCE", 120)
    put = Cache.put

    def counted(self, *arguments):
        put(self, *arguments)
        if len(list(made.cache.iterdir())) == 3:
            finished.set()

    monkeypatch.setattr(Cache, "put", counted)
    importlib.import_module("lstmfcn.pipeline.stages.train").run(made, config.load(made.params))
    assert finished.is_set()
    assert list(statuses(made).values()) == [["FINISHED"]] * 3


def refuse(handler):
    """Answer as a server at fault does."""
    handler.send_error(500)


def drop(handler):
    """Close the connection without an answer."""
    handler.close_connection = True


@pytest.mark.parametrize("answer", [refuse, drop])
@pytest.mark.parametrize("n_requests", [0, 4, 9, 17])
def test_what_a_failing_server_missed_is_delivered_later_and_once(
    proxy, prepared, monkeypatch, answer, n_requests
):
    """The server fails after so many requests: before, within and between runs."""
    passed = 0

    def fail_after(handler):
        nonlocal passed
        passed += 1
        return "pass on" if passed <= n_requests else answer(handler)

    proxy.well, proxy.answer = False, fail_after
    runs, said = list(find_runs(prepared.search, prepared.phase1)), []
    assert len(runs) == 4
    tracker = Tracker(prepared, said.append)
    for folder, run in runs:
        tracker.log(folder, run)
    assert len(said) == 1
    assert "lstmfcn sync" in said[0]
    with pytest.raises(TrackingError):
        sync(prepared, lambda line: None)
    proxy.well = True
    before = statuses(prepared) if n_requests else {}
    done = sum("FINISHED" in found for found in before.values())
    assert sync(prepared, lambda line: None) == 4 - done
    assert sync(prepared, lambda line: None) == 0
    after = statuses(prepared)
    assert set(after) == {run.key for _, run in runs}
    assert all(sorted(found)[0] == "FINISHED" for found in after.values())
    assert all(set(found[1:]) <= {"KILLED"} for found in map(sorted, after.values()))
