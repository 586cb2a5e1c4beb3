"""The tracking store: a clone's own, and a password in its address."""

import pytest

from conftest import files_of, make_workspace
from lstmfcn.errors import TrackingError
from lstmfcn.pipeline.doctor import examine
from lstmfcn.runs.run import find_runs
from lstmfcn.tracking.mlflow import Tracker, sync
from lstmfcn.tracking.store import connect


def test_two_clones_in_one_process_have_a_store_each(tmp_path):
    stores = []
    for name in ("a", "b"):
        workspace = make_workspace(tmp_path / name)
        stores.append(connect(workspace).tracking_uri)
        assert workspace.mlruns.joinpath("mlflow.db").exists()
    assert stores[0] != stores[1]


def test_a_password_in_the_address_of_the_store_is_shown_nowhere(finished, monkeypatch, capsys):
    workspace, _ = finished
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:s3cret-w0rd@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    said = []
    folder, run = next(find_runs(workspace.phase1))
    Tracker(workspace, said.append).log(folder, run)
    assert "http://ann:***@127.0.0.1:9 does not answer" in said[0]
    said += [text for _, text in examine(workspace)]
    with pytest.raises(TrackingError) as raised:
        sync(workspace, said.append)
    captured = capsys.readouterr()
    for text in (*said, str(raised.value), captured.out, captured.err):
        assert "s3cret" not in text
    assert not [name for name, content in files_of(workspace.root).items() if b"s3cret" in content]
