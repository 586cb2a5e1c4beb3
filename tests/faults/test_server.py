"""A tracking server that is slow, answers 500, drops connections, dies, or is filled by clones at once."""

import importlib
import shutil
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType
from mlflow_server import MlflowServer

from conftest import copy_of, make_clone, make_workspace
from lstmfcn import config
from lstmfcn.errors import TrackingError
from lstmfcn.pipeline.stages.promote import register
from lstmfcn.runs.cache import Cache
from lstmfcn.runs.run import find_runs
from lstmfcn.tracking import mlflow as tracking
from lstmfcn.tracking import store
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.logged import KEY_TAG, PARENT_TAG
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.registry import examination
from lstmfcn.tracking.registry.download import MissingFilesError
from lstmfcn.tracking.registry.examination import examine_store
from lstmfcn.tracking.store import connect
from lstmfcn.tracking.sync import sync

PARAMS = """
datasets: [Bumps]
models: [lstm_fcn]
references: []
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
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

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
def folder_of_server(tmp_path_factory):
    """Return the folder of the server's files."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder_of_server):
    """Return the address of a real MLflow server."""
    server = MlflowServer(folder_of_server)
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

    def counted(self, *arguments, **options):
        put(self, *arguments, **options)
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


@pytest.mark.parametrize(
    ("answer", "n_requests"),
    [
        *((refuse, n) for n in (0, 4, 9, 17)),
        (drop, 9),
        *(pytest.param(drop, n, marks=pytest.mark.exhaustive) for n in (0, 4, 17)),
    ],
)
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


@pytest.fixture(params=["server", "file"])
def shared(request, tmp_path, monkeypatch):
    """Name a store that nobody has written yet to MLflow."""
    address = f"sqlite:///{tmp_path}/store/mlflow.db"
    if request.param == "server":
        address = request.getfixturevalue("server")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    named(monkeypatch, request.node.name)


def named(monkeypatch, experiment):
    """Call the experiment so: no other test's runs are in it."""
    for module in (store, tracking, examination):
        monkeypatch.setattr(module, "EXPERIMENT", experiment)


@pytest.fixture(scope="module")
def half(finished, tmp_path_factory):
    """Return a finished study of one of the two classifiers: half as many runs, and one parent."""
    copy = copy_of(finished[0], tmp_path_factory.mktemp("half") / "study")
    for folder in list(copy.root.rglob("alstm_fcn")):
        shutil.rmtree(folder)
    return copy


@pytest.mark.usefixtures("shared")
def test_clones_that_fill_a_store_at_once_leave_each_run_once(half, tmp_path):
    """As seen: a UniqueViolation ended one, and a parent stayed doubled."""
    clones = [copy_of(half, tmp_path / name) for name in ("a", "b", "c")]
    with ThreadPoolExecutor(len(clones)) as pool:
        logged = list(pool.map(lambda clone: sync(clone, lambda line: None), clones))
    assert sum(logged) >= 8
    assert [sync(clone, lambda line: None) for clone in clones] == [0, 0, 0]
    client = connect(clones[0])
    experiment = client.get_experiment_by_name(tracking.EXPERIMENT).experiment_id
    runs = client.search_runs([experiment])
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len({run.data.tags[KEY_TAG] for run in runs}) == len(runs) == 8 + 1
    parents = {run.info.run_id for run in runs if PARENT_TAG not in run.data.tags}
    assert {run.data.tags[PARENT_TAG] for run in runs if run.info.run_id not in parents} == parents
    assert all("oof_accuracy" in run.data.metrics for run in runs if run.info.run_id in parents)


def test_a_double_that_was_put_aside_stays_so(server, finished, monkeypatch, tmp_path):
    """Its children go to the run that stays, and a restored experiment does not bring it back."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    named(monkeypatch, "doubles")
    workspace = copy_of(finished[0], tmp_path / "study")
    folder, run = next(find_runs(workspace.phase1))
    Tracker(workspace, print).log_now(folder, run)
    client = connect(workspace)
    experiment = client.get_experiment_by_name("doubles").experiment_id
    (parent,) = client.search_runs([experiment], f"tags.`{KEY_TAG}` LIKE 'parent %'")
    twin = client.create_run(experiment, tags={KEY_TAG: parent.data.tags[KEY_TAG]}).info.run_id
    client.log_metric(twin, "oof_of_the_twin", 1.0)
    child = client.create_run(experiment, tags={KEY_TAG: "child", PARENT_TAG: twin}).info.run_id
    for one in (twin, child):
        client.set_terminated(one)
    kept = min(twin, parent.info.run_id)
    for _ in range(2):
        assert Tracker(workspace, print).run_id(parent.data.tags[KEY_TAG]) == kept
        both = client.search_runs([experiment], "", ViewType.ALL)
        stages = {one.info.run_id: one.info.lifecycle_stage for one in both}
        assert {stages.pop(kept), stages.pop(max(twin, parent.info.run_id))} == {"active", "deleted"}
        assert client.get_run(child).data.tags[PARENT_TAG] == kept
        assert client.get_run(kept).data.metrics["oof_of_the_twin"] == 1.0
        client.delete_experiment(experiment)
        client.restore_experiment(experiment)


def test_files_that_a_server_lost_are_missing_and_put_back(
    server, folder_of_server, finished, monkeypatch, tmp_path
):
    """It lists what is gone as an empty folder, whose SHA-256 differs from the registered one."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    named(monkeypatch, "lost")
    workspace = copy_of(finished[0], tmp_path / "study")
    assert register(workspace, config.load(workspace.params))["Bumps"].outcome == "first"
    load_champion("Bumps", workspace=workspace.root)
    version = MlflowClient().get_model_version_by_alias("lstmfcn.Bumps", "champion")
    (kept,) = (folder_of_server / "artifacts").rglob(version.source.rpartition("/")[2])
    shutil.rmtree(kept)
    with pytest.raises(MissingFilesError, match="are missing in the store"):
        load_champion("Bumps", workspace=workspace.root)
    assert register(workspace, config.load(workspace.params))["Bumps"].outcome == "renewed"
    load_champion("Bumps", workspace=workspace.root)


def test_a_server_whose_files_lie_on_its_own_disk_is_told_as_such(server, half, monkeypatch, tmp_path):
    """As `mlflow server --no-serve-artifacts` on another machine: nothing is written at that path here."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    named(monkeypatch, "elsewhere")
    elsewhere = tmp_path / "disk/artifacts/1"
    MlflowClient(server).create_experiment("elsewhere", artifact_location=str(elsewhere))
    workspace = copy_of(half, tmp_path / "study")
    with pytest.raises(TrackingError, match=r"on another disk.*--artifacts-destination") as raised:
        sync(workspace, print)
    assert [fine for fine, text in examine_store(workspace) if text == str(raised.value)] == [False]
    assert not elsewhere.parent.exists()
    elsewhere.mkdir(parents=True)  # mounted
    assert sync(workspace, print) == 8
