"""`lstmfcn ui`: links, and MLflow's server where the store has none."""

import socket

import pytest
from typer.testing import CliRunner

from lstmfcn.cli import app
from lstmfcn.errors import TrackingError
from lstmfcn.tracking import server
from lstmfcn.tracking.cockpit import furnishing as cockpit
from lstmfcn.workspace import Workspace


def test_a_server_gets_links_without_a_login(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://ann:secret@runs.example.org/mlflow")
    here = Workspace(tmp_path)
    assert not server.is_ours(here)
    assert server.address(here, 5000) == "https://runs.example.org/mlflow"


def test_a_port_that_is_taken_is_named():
    with socket.create_server((server.HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(TrackingError, match=f"port {port} .*--port"):
            server.check_port(port)


def test_the_command_prints_links_and_starts_the_server(finished, monkeypatch):
    workspace, _ = finished
    started = []
    monkeypatch.setattr(server, "run", lambda here, port: started.append(port) or 0)
    monkeypatch.setattr(server, "check_port", lambda port: None)
    done = CliRunner().invoke(app, ["ui", "-w", str(workspace.root), "--port", "5099"])
    assert done.exit_code == 0
    assert done.output.startswith("Which is better\n  http://127.0.0.1:5099/#/experiments/")
    assert started == [5099]


def test_who_may_only_read_gets_the_links(finished, monkeypatch):
    workspace, _ = finished

    def refuse(here):
        raise TrackingError("You may not write there.")

    monkeypatch.setattr(cockpit, "furnish", refuse)
    monkeypatch.setattr(server, "is_ours", lambda here: False)
    monkeypatch.setattr(server, "address", lambda here, port: "http://runs.example.org")
    done = CliRunner().invoke(app, ["ui", "-w", str(workspace.root)])
    assert done.exit_code == 0
    assert "You may not write there." in done.output
    assert "http://runs.example.org/#/experiments/" in done.output


def test_without_runs_there_is_nothing_to_look_at(tmp_path):
    (tmp_path / "params.yaml").write_text("datasets: [GunPoint]\nmodels: [fcn]\n")
    done = CliRunner().invoke(app, ["ui", "-w", str(tmp_path)])
    assert "dvc repro" in str(done.exception)
