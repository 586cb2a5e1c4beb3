"""The tables of a terminal: what serves and why, apart from what was measured once."""

from types import SimpleNamespace

import pytest

from conftest import make_workspace
from lstmfcn import config
from lstmfcn.evaluation.measurement import columns
from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.evaluation.results import write_results
from lstmfcn.files import write_json
from lstmfcn.report.registered import listed
from lstmfcn.report.summary import in_columns, summarise

NAMES = ("ItalyPowerDemand", "GunPoint", "ArrowHead")


def version(dataset, key, **changes):
    """Return a version of a registered model, as the registry has it."""
    made = {"dataset": dataset, "version": 12, "key": key, "model": "lstm_fcn", "cells": "128", "seed": 0}
    made |= {"iteration": 3, "phase_title": "fine-tuned 3", "rejected": False}
    made |= {"aliases": ("challenger",), "majority_rate": 0.5}
    return SimpleNamespace(**made | {"evidence": {"oof_accuracy": 0.75, "oof_log_loss": 0.5}} | changes)


@pytest.fixture
def study(tmp_path):
    """Return a study of two classifiers on three datasets: alstm_fcn has the best evidence on each."""
    workspace = make_workspace(tmp_path / "study", f"datasets: [{', '.join(NAMES)}]\nmodels: [fcn]\n")
    rows = []
    for name in NAMES:
        for model, accuracy in (("lstm_fcn", 0.8), ("alstm_fcn", 0.9)):
            row = {"dataset": name, "model": model, "phase": "finetuned", "seed": 0, "iteration": 5}
            row |= {"chosen": True, "cells": 128, "edition": 2018, "majority_rate": 0.5}
            row |= dict.fromkeys(columns(), 0.5) | {"oof_accuracy": accuracy, "accuracy": 0.625}
            rows.append(row | {"key": f"{name} {model}"})
    write_results(workspace.results, rows, METRICS["accuracy"])
    best = {name: {"best": {"key": f"{name} alstm_fcn"}, "reason": "the highest"} for name in NAMES}
    write_json(workspace.promotions, best)
    write_json(workspace.verdicts, [{"dataset": n, "outcome": "passed", "findings": []} for n in NAMES])
    return workspace, config.load(workspace.params)


def test_evidence_leads_and_test_figures_stand_apart(study):
    """Three datasets take 100 columns at most."""
    found = summarise(*study, {name: version(name, f"{name} alstm_fcn") for name in NAMES})
    for table in (found.evidence, found.once):
        assert max(map(len, in_columns(table).splitlines())) <= 100
    assert "0.6250" not in in_columns(found.evidence)
    assert "0.9000" not in in_columns(found.once)
    assert [line[1] for line in found.evidence[1:3]] == ["alstm_fcn", "lstm_fcn"]
    assert [line[-1] for line in found.evidence[1:3]] == ["champion v12", ""]
    assert [line[0] for line in found.once[1:]] == list(NAMES)
    assert found.notes == found.left_out == []


def test_champion_is_what_serves(study):
    """Of an earlier recipe; of the other classifier; nothing."""
    of_gunpoint = version("GunPoint", "GunPoint lstm_fcn")
    serving = {"ItalyPowerDemand": version("ItalyPowerDemand", "gone"), "GunPoint": of_gunpoint}
    found = summarise(*study, serving)
    roles = {name: [line[-1] for line in found.evidence if line[0] == name] for name in NAMES}
    assert roles == {
        "ItalyPowerDemand": ["champion v12", "candidate", ""],
        "GunPoint": ["candidate", "champion v12"],
        "ArrowHead": ["candidate", ""],
    }
    earlier = next(line for line in found.evidence if line[0] == "ItalyPowerDemand")
    assert earlier[1:7] == ("lstm_fcn", "fine-tuned 3", "0.7500", "", "0.5000", "-")
    assert [line[2] for line in found.once[1:]] == ["-", "0.6250", "0.6250"]
    assert found.notes == ["ArrowHead: nothing serves yet. `lstmfcn sync` registers the candidate."]


def test_where_the_registry_does_not_answer_nothing_is_called_champion(study):
    found = summarise(*study, None)
    assert {line[-1] for line in found.evidence[1:]} == {"candidate", ""}
    assert found.notes == []


def test_what_is_no_better_than_the_largest_class_is_called_so(study):
    found = summarise(*study, {"GunPoint": version("GunPoint", "gone", majority_rate=0.75)})
    assert any(note.startswith("GunPoint: the champion v12 is no better") for note in found.notes)


def test_registered_models_take_100_columns_at_most(study):
    """Test figures only of runs that the study's results have."""
    versions = [version(name, f"{name} lstm_fcn", aliases=("champion",)) for name in NAMES]
    evidence, once, notes = listed(study[0], [*versions, version("GunPoint", "gone")], METRICS["accuracy"])
    for table in (evidence, once):
        assert max(map(len, in_columns(table).splitlines())) <= 100
    assert [line[6] for line in evidence[1:]] == ["0.7500"] * 4
    assert [line[2] for line in once[1:]] == ["0.6250"] * 3
    assert notes == []
