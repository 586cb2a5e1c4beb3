"""Why a store does not do what it should is said with the remedy, and nothing is said that does not apply."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conftest import make_workspace
from lstmfcn.errors import TrackingError
from lstmfcn.tracking.causes import cause_of
from lstmfcn.tracking.registry.versions import registered
from lstmfcn.tracking.store import connect

UNSET = "unset MLFLOW_TRACKING_URI"


@pytest.fixture
def server(monkeypatch):
    """Return what starts a server that answers each request with one status, and names it to MLflow."""
    started = []

    def start(status):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_GET  # noqa: N815 - http.server's names

            def log_message(self, *_arguments):
                """Say nothing."""

        started.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=started[-1].serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{started[-1].server_port}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        return address

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield start
    for one in started:
        one.shutdown()
        one.server_close()


def refusal(tmp_path):
    with pytest.raises(TrackingError) as raised:
        registered(make_workspace(tmp_path / "clone"))
    return str(raised.value)


@pytest.mark.parametrize(
    ("status", "said"), [(401, "refuses the login. Set"), (403, "does not let you do that. Set")]
)
def test_a_refused_login_names_the_variables(server, tmp_path, monkeypatch, status, said):
    address = server(status)
    text = f"{address} {said} MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
    assert text in refusal(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    assert "Check MLFLOW_TRACKING_USERNAME" in refusal(tmp_path / "again")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("status", [None, 403, 503])
def test_a_proxy_before_a_server_of_this_machine_is_named(server, tmp_path, monkeypatch, name, status):
    """Whether the proxy is down or answers itself."""
    proxy = server(status) if status else "http://127.0.0.1:9"
    monkeypatch.setenv(name, proxy)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:5000")
    said = refusal(tmp_path)
    assert f"does not answer: {name} sends what is meant for it to the proxy {proxy}." in said
    assert "Set NO_PROXY=localhost." in said
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert "proxy" not in cause_of(ConnectionError("Max retries"), "http://localhost:5000")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("htp://127.0.0.1:5000", "begin with htp:.*Did you mean 'http'"),
        ("postgres://ann:s3cret@host/runs", r"postgres://ann:\*\*\*@host/runs.*Did you mean 'postgresql'"),
        ("http:/127.0.0.1:5000", "no address of a server"),
        ("http://127.0.0.1:5o00", "no address of a server"),
        ("http://", "no address of a server"),
        ("mlruns", "a folder"),
        ("/data/mlruns", "a folder"),
        ("file:///data/mlruns", "a folder"),
        ("mysql+nosuchdriver://host/runs", "MLFLOW_TRACKING_URI"),
        ("mysql://host/runs", "needs the library MySQLdb: `pip install mysqlclient`"),
    ],
)
def test_an_address_that_is_none_is_told_as_such(tmp_path, monkeypatch, address, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(TrackingError, match=said):
        registered(make_workspace(tmp_path / "clone"))


def test_to_unset_the_address_is_advised_only_where_it_is_set(tmp_path, monkeypatch):
    error = RuntimeError("gone")
    assert UNSET not in cause_of(error, f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert UNSET in cause_of(error, "http://127.0.0.1:9")


@pytest.mark.parametrize("mine", [True, False])
@pytest.mark.parametrize("text", ["database disk image is malformed", "file is not a database"])
def test_doctor_is_named_where_it_can_mend(tmp_path, monkeypatch, mine, text):
    address = f"sqlite:///{tmp_path}/mlflow.db"
    if not mine:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert ("`lstmfcn doctor`" in cause_of(RuntimeError(text), address)) == mine


def test_nothing_secret_is_in_a_traceback(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:s3cret/x@127.0.0.1:9")
    with pytest.raises(TrackingError) as raised:
        connect(make_workspace(tmp_path / "clone"))
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
