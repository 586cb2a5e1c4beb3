"""Experiments of DVC's: they share what the study keeps, and move no champion."""

import dataclasses
import importlib
import shutil

import pytest

from conftest import copy_of, files_of
from lstmfcn import config
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.series import Split
from lstmfcn.pipeline.stages.promote import register, stands_back
from lstmfcn.runs.run import find_runs
from lstmfcn.tracking.logged import EXPERIMENT_TAG
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.registry import registration
from lstmfcn.tracking.registry.promotion import challenge
from lstmfcn.tracking.registry.registration import Contents
from lstmfcn.tracking.registry.versions import registered
from lstmfcn.tracking.store import EXPERIMENT, connect
from lstmfcn.workspace import Workspace


@pytest.fixture
def study(finished, tmp_path):
    """Return a finished study whose store is yet to be made."""
    study = copy_of(finished[0], tmp_path / "study")
    shutil.rmtree(study.mlruns)
    return study


@pytest.fixture
def copy(study, monkeypatch):
    """Return the copy that DVC makes for an experiment, in its environment: of what git and DVC have."""
    folder = study.root / ".dvc/tmp/exps/tmpx1"
    shutil.copytree(study.root, folder, ignore=shutil.ignore_patterns(".dvc", ".lstmfcn", "mlruns"))
    (folder / ".dvc").mkdir()
    monkeypatch.setenv("DVC_EXP_NAME", "puffy-sage")
    return Workspace(folder)


@pytest.fixture
def _light_packages(monkeypatch):
    """Let a package be a file: to pack a model takes seconds, and nobody loads it here."""

    def pack(package, run, folder, contents):
        package.mkdir()
        (package / "MLmodel").write_text(run.key)

    monkeypatch.setattr(registration, "_pack", pack)


def aliases(workspace):
    return {alias: v.version for v in registered(workspace)["Bumps"] for alias in v.aliases}


def test_a_stage_takes_finished_jobs_of_the_study_and_logs_to_its_store(study, copy, monkeypatch, capsys):
    train = importlib.import_module("lstmfcn.pipeline.stages.train")
    shutil.rmtree(copy.phase1)
    for name in ("puffy-sage", "stern-moth", "puffy-sage"):
        monkeypatch.setenv("DVC_EXP_NAME", name)
        train.run(copy, config.load(copy.params))
    assert capsys.readouterr().out.count("train: 2 of 2 jobs finished before") == 3
    assert not [name for name in (".lstmfcn", "mlruns") if (copy.root / name).exists()]
    client = connect(study)
    runs = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
    tags = [run.data.tags.get(EXPERIMENT_TAG) for run in runs if run.data.tags.get("phase") == "phase1"]
    assert tags == ["puffy-sage, stern-moth"] * 2


def test_data_are_fetched_from_where_the_study_has_them(study, copy, monkeypatch, finished):
    """A relative path is one from the study, not from the copy."""
    shutil.copytree(finished[1], study.root / "archive")
    shutil.rmtree(copy.raw)
    monkeypatch.setenv("LSTMFCN_UCR_DIR", "archive")
    fetch = importlib.import_module("lstmfcn.pipeline.stages.fetch")
    fetch.run(copy, config.load(copy.params))
    assert files_of(copy.raw / "Bumps") == files_of(study.raw / "Bumps")


@pytest.mark.usefixtures("_light_packages")
def test_an_experiment_registers_a_challenger_at_most_and_the_study_decides(study, copy, monkeypatch):
    params = config.load(study.params)
    assert stands_back(copy)
    assert register(copy, params)["Bumps"].outcome == "challenger"
    assert aliases(study) == {"challenger": 1}
    assert [version.experiment for version in registered(study)["Bumps"]] == ["puffy-sage"]
    monkeypatch.delenv("DVC_EXP_NAME")
    assert register(copy, params)["Bumps"].outcome == "challenger"  # as by hand, in the copy
    assert not stands_back(study)
    assert register(study, params)["Bumps"].outcome == "first"
    assert aliases(study) == {"champion": 1}

    folder, run = next(find_runs(study.phase1))
    better = dataclasses.replace(run, job="tried", key="", metrics=run.metrics | {"oof_accuracy": 1.0})
    train = Split.load(study.train_splits / "Bumps.npz")
    preprocessing = Preprocessing.load(study.preprocessing("Bumps"))
    contents = Contents(
        classes=train.classes, counts=[8, 8, 8], example=train.X[:2], preprocessing=preprocessing
    )
    with monkeypatch.context() as patch:
        patch.setenv("DVC_EXP_NAME", "stern-moth")
        challenge(better, folder, contents, tracker=Tracker(study, print), workspace=study)
    assert register(study, params)["Bumps"].outcome == "same"
    assert aliases(study) == {"champion": 1, "challenger": 2}
