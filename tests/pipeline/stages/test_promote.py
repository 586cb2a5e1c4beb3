"""The stage `promote`: who is a candidate, and what a second time changes."""

import dataclasses

from conftest import run_stages
from lstmfcn import config
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
    assert workspace.promotions.read_text() == before.replace('"first"', '"same"')
    workspace.promotions.write_text(before)
