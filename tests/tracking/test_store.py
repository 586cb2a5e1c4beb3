"""The tracking store: a clone's own, whatever its folder is called and whoever may write there."""

import os
import shutil
import sqlite3
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import copy_of, files_of, make_workspace
from lstmfcn import config, oserrors
from lstmfcn.errors import RegistryError, TrackingError
from lstmfcn.pipeline.doctor import examine
from lstmfcn.pipeline.stages.promote import register
from lstmfcn.runs.run import find_runs
from lstmfcn.tracking import rebuild, sqlite, store
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.registry.download import pull
from lstmfcn.tracking.registry.versions import registered
from lstmfcn.tracking.store import connect
from lstmfcn.tracking.sync import sync


def quiet(_line):
    """Say nothing."""


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
    said.append(store.how_to_look(workspace))
    with pytest.raises(TrackingError) as raised:
        sync(workspace, said.append)
    captured = capsys.readouterr()
    for text in (*said, str(raised.value), captured.out, captured.err):
        assert "s3cret" not in text
        assert "w0rd" not in text
    assert not [name for name, content in files_of(workspace.root).items() if b"s3cret" in content]


def test_a_study_in_a_folder_of_an_odd_name_keeps_to_that(finished, tmp_path, monkeypatch):
    """What is logged, registered and pulled there lies there, and what was beside it is as it was."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    workspace = copy_of(finished[0], tmp_path / "in" / "a b%20c?d#e&f'g;ü" / "study")
    shutil.rmtree(workspace.mlruns)
    assert sync(workspace, quiet) == 16
    register(workspace, config.load(workspace.params))
    assert list(registered(workspace)) == ["Bumps"]
    pull(workspace, "Bumps", tmp_path / "pulled")
    assert {path.name for path in tmp_path.iterdir()} == {"here", "in", "pulled"}
    assert len([*(tmp_path / "in").iterdir()]) == 1
    assert [*here.iterdir()] == []
    assert {path.name for path in workspace.mlruns.iterdir()} == {"artifacts", "mlflow.db", "mlflow.db.lock"}


def test_reading_makes_no_store(tmp_path):
    workspace = make_workspace(tmp_path / "clone")
    assert registered(workspace) == {}
    with pytest.raises(RegistryError, match="Nothing is registered yet"):
        load_champion("Bumps", workspace=workspace.root)
    assert [text for fine, text in examine(workspace) if "not there yet" in text and fine]
    assert not workspace.mlruns.exists()


@pytest.fixture
def as_another_user(monkeypatch):
    """Return what closes a folder to this process: by a mock where it is the superuser's."""

    def close(folder):
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        if os.access(folder / "mlflow.db", os.W_OK):
            refuse = PermissionError(oserrors.DENIED[0], "Permission denied", str(folder / "mlflow.db.lock"))

            def acquire(*_arguments, **_keywords):
                raise refuse

            monkeypatch.setattr("filelock.FileLock.acquire", acquire)

    return close


def test_a_store_that_is_write_protected_can_be_read_and_not_written(finished, tmp_path, as_another_user):
    workspace = copy_of(finished[0], tmp_path / "clone")
    before = files_of(workspace.mlruns)
    as_another_user(workspace.mlruns)
    try:
        assert list(registered(workspace)) == ["Bumps"]
        pull(workspace, "Bumps", tmp_path / "pulled")
        with pytest.raises(TrackingError, match=r"permission denied.*chmod g\+rwX"):
            sync(workspace, quiet)
        assert files_of(workspace.mlruns) == before
    finally:
        for path in (workspace.mlruns, *workspace.mlruns.rglob("*")):
            path.chmod(0o755)


def test_a_locked_store_is_waited_for_and_then_told_as_such(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "WAIT", 0.2)
    workspace = copy_of(finished[0], tmp_path / "clone")
    with closing(sqlite3.connect(workspace.mlruns / "mlflow.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TrackingError, match=r"mlflow\.db is locked by another program\. .*fuser"):
            registered(workspace)
    assert list(registered(workspace)) == ["Bumps"]


@pytest.mark.parametrize(
    ("version", "said"),
    [("867495a8f9d4", r"older MLflow.*`mlflow db upgrade 'sqlite:///"), ("123456abcdef", "newer MLflow")],
)
def test_a_store_of_another_mlflow_is_told_as_such(finished, tmp_path, version, said):
    workspace = copy_of(finished[0], tmp_path / "clone")
    with closing(sqlite3.connect(workspace.mlruns / "mlflow.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (version,))
        database.commit()
    with pytest.raises(TrackingError, match=said):
        registered(workspace)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.01, 0.99), damage=st.sampled_from(["cut", "overwritten", "text"]))
def test_a_damaged_store_is_seen(finished, tmp_path_factory, share, damage):
    folder = tmp_path_factory.mktemp("damaged")
    workspace = make_workspace(folder / "clone")
    workspace.mlruns.mkdir()
    file, whole = workspace.mlruns / "mlflow.db", (finished[0].mlruns / "mlflow.db").read_bytes()
    file.write_bytes(whole)
    assert not rebuild.is_damaged(workspace)
    if damage == "cut":
        file.write_bytes(whole[: max(100, int(share * len(whole)))])
    elif damage == "overwritten":
        file.write_bytes(os.urandom(4096) + whole[4096:])
    else:
        file.write_text("no database" * 99)
    assert rebuild.is_damaged(workspace)
    with pytest.raises(TrackingError, match=r"is damaged\. `lstmfcn doctor` puts it aside"):
        connect(workspace)


def test_a_damaged_store_is_put_aside_whole(tmp_path):
    workspace = make_workspace(tmp_path / "clone")
    workspace.mlruns.mkdir()
    for suffix in ("", "-journal"):
        (workspace.mlruns / f"mlflow.db{suffix}").write_text(f"damaged{suffix}")
    aside = rebuild.put_aside(workspace)
    assert aside.read_text() == "damaged"
    assert aside.with_name(f"{aside.name}-journal").read_text() == "damaged-journal"
    assert len([*workspace.mlruns.iterdir()]) == 2


def test_what_a_group_shares_is_open_to_it(tmp_path):
    """The store and its lock follow the umask, as SQLite by itself does not."""
    workspace, before = make_workspace(tmp_path / "clone"), os.umask(0o002)
    try:
        connect(workspace)
    finally:
        os.umask(before)
    for name in ("mlflow.db", "mlflow.db.lock"):
        assert (workspace.mlruns / name).stat().st_mode & 0o060 == 0o060
