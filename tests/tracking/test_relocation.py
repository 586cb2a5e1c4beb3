"""A study that was moved, copied, renamed or mounted elsewhere works there; the old place is left alone."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient

from conftest import copy_of, files_of, make_workspace
from lstmfcn import config
from lstmfcn.pipeline.doctor import examine
from lstmfcn.pipeline.stages.promote import register
from lstmfcn.runs.run import find_runs
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.logged import KEY_TAG
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.registry.download import pull
from lstmfcn.tracking.relocation import ADDRESSES, mend, path_at, place_of
from lstmfcn.tracking.store import EXPERIMENT, connect
from lstmfcn.tracking.sync import sync
from lstmfcn.workspace import Workspace

SERIES = np.random.default_rng(1).normal(5, 3, (4, 1, 20))


@pytest.fixture
def old(finished, tmp_path):
    """Return a study in a place of its own, whose store has addresses of there."""
    workspace = copy_of(finished[0], tmp_path / "old" / "study")
    connect(workspace)
    with closing(sqlite3.connect(workspace.mlruns / "mlflow.db")) as database:
        # As MLflow makes it, called in the study: what is logged without an experiment's name lands there.
        database.execute(
            "UPDATE experiments SET artifact_location = ? WHERE name = 'Default'", (f"{workspace.mlruns}/0",)
        )
        database.commit()
    return workspace


def addresses(workspace):
    """Return every address in a store."""
    with closing(sqlite3.connect(workspace.mlruns / "mlflow.db")) as database:
        return [
            address
            for table, column in ADDRESSES
            for (address,) in database.execute(f"SELECT {column} FROM {table}")
        ]


def moved(old, to):
    """Under another path, which is what another mount of it is, too."""
    shutil.move(old.root, to)


def copied(old, to):
    shutil.copytree(old.root, to, symlinks=True)


ODD = "a b%20c?d#e&f'g;ü/study"


@pytest.mark.parametrize(
    ("how", "name"),
    [
        (moved, "new/study"),
        (copied, "old/renamed"),
        (moved, ODD),
        *(
            pytest.param(how, name, marks=pytest.mark.exhaustive)
            for how, name in ((copied, "new/study"), (moved, "old/renamed"), (copied, ODD))
        ),
    ],
)
def test_all_works_in_the_new_place_and_touches_nothing_in_the_old(old, tmp_path, capfd, how, name):
    expected = load_champion("Bumps", workspace=old.root).predict_proba(SERIES)
    to = tmp_path / name
    to.parent.mkdir(exist_ok=True)
    how(old, to)
    before = files_of(old.root) if old.root.exists() else None
    new = Workspace(to)
    capfd.readouterr()
    np.testing.assert_array_equal(load_champion("Bumps", workspace=to).predict_proba(SERIES), expected)
    assert capfd.readouterr().err == (f"The tracking store was at {old.mlruns}: its addresses were mended.\n")
    assert {path_at(found).is_relative_to(new.mlruns) for found in addresses(new)} == {True}
    assert sync(new, print) == 0
    pull(new, "Bumps", tmp_path / "pulled")
    assert register(new, config.load(new.params))["Bumps"].outcome == "same"
    assert all(fine for fine, text in examine(new) if "GB of disk" not in text)
    client = connect(new)
    (run, *_) = client.search_runs(
        [client.get_experiment_by_name(EXPERIMENT).experiment_id], "tags.phase != ''"
    )
    listed = {file.path for file in client.list_artifacts(run.info.run_id)}  # as the UI lists them
    assert listed >= {"history.csv"} or listed >= {"predictions.csv"}
    assert capfd.readouterr().err == ""
    assert (files_of(old.root) if old.root.exists() else None) == before


def test_a_study_that_is_reached_by_a_link_is_the_same_study(old, tmp_path, capfd):
    (tmp_path / "link").symlink_to(old.root)
    before = files_of(old.mlruns)
    capfd.readouterr()
    load_champion("Bumps", workspace=tmp_path / "link")
    assert capfd.readouterr().err == ""
    assert files_of(old.mlruns) == before


def test_new_runs_of_a_copy_are_logged_in_the_copy(old, tmp_path):
    new = copy_of(old, tmp_path / "new")
    client = connect(new)
    folder, run = next(find_runs(new.phase1))
    tracker = Tracker(new, print)
    client.set_tag(tracker.run_id(run.key), KEY_TAG, "of another")
    before = files_of(old.root)
    assert Tracker(new, print).log_now(folder, run)
    run_id = Tracker(new, print).run_id(run.key)
    assert {path.name for path in (new.mlruns / "artifacts" / run_id / "artifacts").iterdir()} == set(
        run.artifacts
    )
    assert files_of(old.root) == before


def test_plain_mlflow_loads_the_champion_of_a_moved_study_after_any_command(old, tmp_path, monkeypatch):
    """Called in another folder, with the store's address alone."""
    expected = load_champion("Bumps", workspace=old.root).predict_proba(SERIES)
    shutil.move(old.root, tmp_path / "new")
    assert sync(Workspace(tmp_path / "new"), print) == 0
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/new/mlruns/mlflow.db")
    model = mlflow.pyfunc.load_model("models:/lstmfcn.Bumps@champion")
    np.testing.assert_array_equal(model.predict(SERIES), expected)


def test_two_mounts_of_a_study_at_once_write_into_the_study(old, tmp_path):
    """Another machine, which has it at another path, mends the addresses for itself while we are at work."""
    tracker, (folder, run) = Tracker(old, print), next(find_runs(old.phase1))
    connect(old).set_tag(tracker.run_id(run.key), KEY_TAG, "of another")
    tracker = Tracker(old, print)
    assert tracker.run_id(run.key) is None
    file, theirs = old.mlruns / "mlflow.db", tmp_path / "theirs"
    with closing(sqlite3.connect(file)) as database:
        for table, column in ADDRESSES:
            database.execute(f"UPDATE {table} SET {column} = replace({column}, '{old.root}', '{theirs}')")
        database.commit()
    assert tracker.log_now(folder, run)
    place = old.mlruns / "artifacts" / tracker.run_id(run.key) / "artifacts"
    assert {path.name for path in place.iterdir()} == set(run.artifacts)
    assert not theirs.exists()
    load_champion("Bumps", workspace=old.root)
    assert {path_at(found).is_relative_to(old.mlruns) for found in addresses(old)} == {True}


def test_a_store_that_an_address_names_is_mended_too_and_not_what_never_lay_beside_it(
    old, tmp_path, monkeypatch
):
    """A store that was moved as a whole is; one whose artifacts were always elsewhere keeps its addresses."""
    shutil.move(old.mlruns, tmp_path / "store")
    other = make_workspace(tmp_path / "other")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/store/mlflow.db")
    load_champion("Bumps", workspace=other.root)
    artifacts = tmp_path / "store/artifacts"
    found = MlflowClient().search_model_versions("name = 'lstmfcn.Bumps'")
    assert [path_at(version.source).is_relative_to(artifacts) for version in found] == [True]
    shutil.move(artifacts, tmp_path / "artifacts")
    file = tmp_path / "store/mlflow.db"
    with closing(sqlite3.connect(file)) as database:
        for table, column in ADDRESSES:
            database.execute(f"UPDATE {table} SET {column} = replace({column}, '/store/', '/')")
        database.commit()
    assert mend(file, EXPERIMENT, is_own=False) == []
    load_champion("Bumps", workspace=other.root)


@pytest.mark.parametrize("gone", [True, False])
def test_a_copy_without_its_artifacts_writes_no_more_into_the_old_place(old, tmp_path, gone):
    new = copy_of(old, tmp_path / "new")
    shutil.rmtree(new.mlruns / "artifacts")
    if gone:
        shutil.rmtree(old.root)
    assert mend(new.mlruns / "mlflow.db", EXPERIMENT, is_own=True) == [old.mlruns / "artifacts"]
    assert {path_at(found).is_relative_to(new.mlruns) for found in addresses(new)} == {True}


def test_a_mending_that_fails_changes_nothing(old, tmp_path):
    new = copy_of(old, tmp_path / "new")
    before = addresses(new)
    file = new.mlruns / "mlflow.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON model_versions BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(sqlite3.IntegrityError, match="full"):
        mend(file, EXPERIMENT, is_own=True)
    assert addresses(new) == before


def test_a_moved_store_that_is_write_protected_is_read_and_doctor_names_the_command(
    old, tmp_path, monkeypatch
):
    new = tmp_path / "new"
    shutil.move(old.root, new)
    before = files_of(new / "mlruns")

    def refuse(*_arguments, **_keywords):
        raise PermissionError(13, "Permission denied", str(new / "mlruns/mlflow.db.lock"))

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    load_champion("Bumps", workspace=new)
    said = [text for fine, text in examine(Workspace(new)) if not fine]
    assert len(said) == 1
    assert f"was at {old.mlruns}" in said[0]
    assert "`lstmfcn sync`" in said[0]
    assert files_of(new / "mlruns") == before


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("file:///old/artifacts/r1/artifacts/model", "artifacts/r1/artifacts/model"),
        ("/old/artifacts/r1/artifacts/model", "artifacts/r1/artifacts/model"),
        ("/old/artifacts/r2/artifacts/model", None),
        ("/old/artifacts/r1/artifacts/../../x", None),
        ("s3://bucket/r1/artifacts/model", None),
        ("mlflow-artifacts:/1/r1/artifacts/model", None),
        (None, None),
    ],
)
def test_what_belongs_to_a_run_is_found_beside_the_store(tmp_path, address, expected):
    (tmp_path / "artifacts/r1/artifacts/model").mkdir(parents=True)
    found = place_of(tmp_path / "mlflow.db", address, "r1")
    assert found == (None if expected is None else Path(tmp_path, expected))
