"""Everyday causes for which files or runs are gone from a store: told as such, and put back."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.cli import gc

from conftest import copy_of
from lstmfcn import config
from lstmfcn.errors import RegistryError, TrackingError
from lstmfcn.pipeline.stages.promote import register
from lstmfcn.runs.run import find_runs
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.logged import KEY_TAG
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.package.contents import DATA, UntrustedModelError
from lstmfcn.tracking.registry.download import MissingFilesError
from lstmfcn.tracking.registry.examination import examine_store
from lstmfcn.tracking.registry.versions import registered
from lstmfcn.tracking.store import connect
from lstmfcn.tracking.sync import sync


@pytest.fixture
def study(finished, tmp_path):
    workspace = copy_of(finished[0], tmp_path / "study")
    connect(workspace)
    return workspace


def promoted(workspace):
    """Promote as `lstmfcn promote` and `lstmfcn sync` do; return the outcome."""
    done = register(workspace, config.load(workspace.params)).get("Bumps")
    return done and done.outcome


def model_of(workspace):
    """Return MLflow's client, and the version that serves."""
    client = connect(workspace)
    return client, client.get_model_version_by_alias("lstmfcn.Bumps", "champion")


def package_of(workspace):
    return Path(model_of(workspace)[1].source.removeprefix("file://"))


def bad(workspace):
    return [text for fine, text in examine_store(workspace) if not fine]


def after_gc(workspace):
    """A person deletes the champion's run, and empties MLflow's bin."""
    client, version = model_of(workspace)
    client.delete_run(version.run_id)
    address = f"sqlite:///{workspace.mlruns}/mlflow.db"
    done = CliRunner().invoke(gc, ["--backend-store-uri", address, "--tracking-uri", address])
    assert done.exit_code == 0, done.output


def folder_lost(workspace):
    shutil.rmtree(workspace.mlruns / "artifacts")


def files_left_behind(workspace):
    """As by a copy that leaves large files behind."""
    (package_of(workspace) / DATA).unlink()


def emptied(workspace):
    """As an object store, which has no folders, shows what is gone."""
    package = package_of(workspace)
    shutil.rmtree(package)
    package.mkdir()


CAUSES = [after_gc, pytest.param(folder_lost, marks=pytest.mark.exhaustive), files_left_behind, emptied]


@pytest.mark.parametrize("cause", CAUSES)
def test_missing_files_are_called_missing_and_promote_puts_them_back(study, cause):
    cause(study)
    with pytest.raises(MissingFilesError, match=r"version 1 are missing.*gone.*`lstmfcn promote`"):
        load_champion("Bumps", workspace=study.root)
    assert any(
        "lstmfcn.Bumps version 1 (champion)" in text and "`lstmfcn promote`" in text for text in bad(study)
    )
    assert promoted(study) == "renewed"
    assert promoted(study) == "same"
    load_champion("Bumps", workspace=study.root)
    (champion,) = (v for v in registered(study)["Bumps"] if "champion" in v.aliases)
    assert champion.version == 2
    assert not any("version" in text for text in bad(study))


def test_what_was_changed_is_not_called_missing(study):
    (package_of(study) / DATA).write_bytes(b"changed")
    with pytest.raises(UntrustedModelError, match="SHA-256 differs"):
        load_champion("Bumps", workspace=study.root)
    (package_of(study) / DATA).unlink()
    (package_of(study) / "more.py").write_text("")
    with pytest.raises(UntrustedModelError):
        load_champion("Bumps", workspace=study.root)
    assert len(bad(study)) == 1


def test_a_store_that_fails_is_not_taken_for_one_without_files(study, monkeypatch):
    """Or an answer that fails once would register a model anew."""

    def refuse(*_arguments, **_keywords):
        raise PermissionError(13, "Permission denied", str(study.mlruns))

    monkeypatch.setattr("shutil.copytree", refuse)
    with pytest.raises(TrackingError, match="permission denied"):
        promoted(study)
    assert len(registered(study)["Bumps"]) == 1


def test_a_run_that_a_person_deleted_stays_so_until_it_is_asked_for(study, capsys):
    folder, run = next(find_runs(study.phase1))
    run_id = Tracker(study, print).run_id(run.key)
    connect(study).delete_run(run_id)
    said = []
    assert sync(study, said.append) == 0
    assert [line.partition(": ")[2].partition(". ")[0] for line in said] == ["1 run of this study"]
    assert "`lstmfcn sync --restore` brings back" in said[0]
    assert not Tracker(study, print).log_now(folder, run)
    assert (True, said[0]) in list(examine_store(study))
    assert bad(study) == []
    assert sync(study, print, restore=True) == 1
    assert Tracker(study, print).run_id(run.key) == run_id
    assert sync(study, print) == 0


def test_the_model_of_a_deleted_run_is_not_registered_anew(study, capsys):
    client, version = model_of(study)
    client.delete_run(version.run_id)
    assert promoted(study) == "same"
    assert "`mlflow gc` will take the model's files, too" in capsys.readouterr().out
    shutil.rmtree(package_of(study))
    assert promoted(study) is None
    assert "was deleted in MLflow, so lstmfcn.Bumps gets no new version" in capsys.readouterr().out
    assert sync(study, print, restore=True) == 1
    assert promoted(study) == "renewed"
    load_champion("Bumps", workspace=study.root)


def test_a_deleted_experiment_is_named_with_the_command_that_restores_it(study):
    client = connect(study)
    client.delete_experiment(client.get_experiment_by_name("lstmfcn").experiment_id)
    with pytest.raises(TrackingError, match=r"was deleted in MLflow.*`lstmfcn sync --restore`"):
        sync(study, print)
    assert ["was deleted in MLflow" in text for text in bad(study)] == [True]
    load_champion("Bumps", workspace=study.root)
    assert sync(study, print, restore=True) == 0
    assert bad(study) == []


def test_what_was_forgotten_is_logged_again(study):
    """A run that is not even in the bin."""
    _folder, run = next(find_runs(study.finetuned))
    run_id = Tracker(study, print).run_id(run.key)
    client = connect(study)
    client.set_tag(run_id, KEY_TAG, "of another")
    assert any("15 of the study's 16 runs" in text for text in bad(study))
    assert sync(study, print) == 1
    assert bad(study) == []


def test_a_version_that_was_deleted_is_told_as_such(study):
    client, version = model_of(study)
    client.delete_model_version(version.name, version.version)
    with pytest.raises(RegistryError, match="has no champion"):
        load_champion("Bumps", workspace=study.root)
    assert promoted(study) is None  # what a person deleted stays deleted
    done = register(study, config.load(study.params), restore=True)
    assert done["Bumps"].outcome == "first"
    assert isinstance(client, MlflowClient)
