"""A run's file: read back equal, older ones too, and what cannot be read is named with one command."""

import json

import pytest

from lstmfcn.errors import DataError
from lstmfcn.files import hash_of
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.run import Run

ONE = Identity(dataset="D", classifier="lstm_fcn", seed=1)
RUN = Run(
    identity=ONE.iteration(2),
    job="ab" * 32,
    protocol="honest",
    data="cd" * 32,
    params={"cells": 8, "epochs": 3},
    sizes={"n_train": 5},
    metrics={"oof_accuracy": 0.5, "oof_log_loss": None},
    history="history.csv",
    artifacts=("weights.npz",),
)


def test_a_run_reads_back_as_it_was(tmp_path):
    (tmp_path / "run.json").write_bytes(RUN.file())
    assert Run.load(tmp_path / "run.json") == RUN


def test_what_is_no_parameter_is_none():
    assert not {"iteration", "chosen", "evaluated", "n_test"} & set(RUN.params)


def old(phase, name, params):
    """Return the file of a run as version 0.1.0 wrote it."""
    values = {
        "job": "ab" * 32,
        "name": name,
        "dataset": "D",
        "model": "lstm_fcn",
        "phase": phase,
        "protocol": "honest",
        "seed": 1,
        "split": "train",
        "data": "cd" * 32,
        "params": {"cells": 8, **params},
        "metrics": {"oof_accuracy": 0.5, "oof_loss": 0.25},
        "history": None,
        "artifacts": [],
        "upstream": "",
        "selected_on": "train",
    }
    return values | {"key": hash_of(values["job"], phase, name)}


@pytest.mark.parametrize(
    ("phase", "name", "params", "identity"),
    [
        ("search", "D lstm_fcn search, 8 cells", {}, ONE.trial(8)),
        ("phase1", "D lstm_fcn phase 1, seed 1", {}, ONE),
        ("finetuned", "D lstm_fcn fine-tuning 2, seed 1", {"iteration": 2}, ONE.iteration(2)),
        (
            "evaluation",
            "D lstm_fcn fine-tuning 2, seed 1, test",
            {"iteration": 2, "evaluated": "finetuned", "chosen": True, "n_test": 4, "n_train": 2},
            ONE.iteration(2).test(),
        ),
    ],
)
def test_a_file_of_the_first_schema_is_read_and_keeps_its_key(tmp_path, phase, name, params, identity):
    values = old(phase, name, params)
    (tmp_path / "run.json").write_text(json.dumps(values))
    run = Run.load(tmp_path / "run.json")
    assert run.identity == identity
    assert (run.key, run.name) == (values["key"], name)
    assert run.params == {"cells": 8}
    assert run.metrics == {"oof_accuracy": 0.5, "oof_log_loss": 0.25}
    assert run.sizes == {k: v for k, v in params.items() if k.startswith("n_")}


def test_a_file_of_a_later_schema_is_not_guessed_at(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"schema": 99}))
    with pytest.raises(DataError, match=r"later version of lstmfcn \(schema 99.*Upgrade"):
        Run.load(tmp_path / "run.json")


@pytest.mark.parametrize(
    ("place", "stage"),
    [
        ("search/D/lstm_fcn/cells-8", "search"),
        ("models/phase1/D/lstm_fcn/seed-0", "train"),
        ("models/finetuned/D/lstm_fcn/seed-0/iteration-1", "finetune"),
        ("results/predictions/D/lstm_fcn/seed-0/phase1", "evaluate"),
    ],
)
@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"schema": 2}', '{"schema": "x"}'])
def test_a_damaged_file_is_named_with_the_command_that_makes_it_anew(tmp_path, place, stage, text):
    path = tmp_path / place / "run.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(DataError, match=rf"run\.json is not .*`dvc repro --force --single-item {stage}`"):
        Run.load(path)


def test_a_file_changed_by_hand_is_refused(tmp_path):
    values = json.loads(RUN.file()) | {"job": "00" * 32}
    (tmp_path / "run.json").write_text(json.dumps(values))
    with pytest.raises(DataError, match="changed by hand"):
        Run.load(tmp_path / "run.json")
