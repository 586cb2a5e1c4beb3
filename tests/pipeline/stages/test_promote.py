"""The stage `promote`: who is a candidate, and what a second time changes."""

import dataclasses

from conftest import run_stages
from lstmfcn import config
from lstmfcn.files import read_json
from lstmfcn.pipeline.stages import promote as stage
from lstmfcn.pipeline.stages.promote import candidates


def test_a_run_selected_on_the_test_split_is_no_candidate(finished, monkeypatch):
    workspace, _ = finished
    settings = config.load(workspace.params)
    assert len(candidates(workspace, settings, "Bumps")) == 6
    load = stage.Run.load
    monkeypatch.setattr(stage.Run, "load", lambda path: dataclasses.replace(load(path), selected_on="test"))
    assert candidates(workspace, settings, "Bumps") == []


def test_promoting_again_changes_nothing(finished, capsys):
    workspace, ucr = finished
    before = workspace.promotions.read_text()
    run_stages(workspace, ucr, "promote")
    assert "is the champion already" in capsys.readouterr().out
    assert workspace.promotions.read_text() == before


def test_what_is_evident_does_not_depend_on_the_registry(finished, tmp_path, monkeypatch, capsys):
    """`dvc.lock` holds its hash: it is the same whatever serves, and where no registry answers."""
    workspace, settings = finished[0], config.load(finished[0].params)
    before = workspace.promotions.read_text()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    stage.run(workspace, settings)
    assert "`lstmfcn sync` registers the models later" in capsys.readouterr().out
    assert workspace.promotions.read_text() == before
    made = read_json(workspace.promotions)["Bumps"]
    assert {*made} == {"best", "candidates", "metric", "majority_rate", "reason"}
    assert made["best"] == made["candidates"][0]
