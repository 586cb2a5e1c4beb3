"""Runs in the making: their epochs arrive from the checkpoints of their trainings, and each arrives once."""

import dataclasses

import pandas as pd
import pytest

from lstmfcn.pipeline.status import Tally, status
from lstmfcn.runs.run import find_runs
from lstmfcn.tracking.live import UnderWay
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.store import connect
from lstmfcn.training.checkpoint import Checkpoint, TrainingState
from lstmfcn.workspace import Workspace


def checkpoint(path, losses):
    """Write what a training keeps on its way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    n = len(losses)
    Checkpoint(path).save(
        TrainingState(loss=list(losses), accuracy=[0.5] * n, rate=[0.001] * n, watched=list(losses))
    )


@pytest.fixture
def phase1(finished, tmp_path, monkeypatch):
    """Return a study, another store, and a run of phase 1 with its folder and losses."""
    workspace, _ = finished
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    folder, run = next(find_runs(workspace.phase1))
    return workspace, folder, run, pd.read_csv(folder / "history.csv")["loss"].tolist()


def logged(workspace, **tags):
    client = connect(workspace)
    experiment = client.get_experiment_by_name("lstmfcn").experiment_id
    those = " AND ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    return client, client.search_runs([experiment], those)


def test_epochs_are_seen_once_and_other_files_are_none(finished, tmp_path):
    workspace, _ = finished
    _, run = next(find_runs(workspace.phase1))
    one = UnderWay(run, tmp_path, {})
    assert one.new_epochs() == []
    checkpoint(tmp_path / "fold-0.npz", [0.5, 0.25])
    (tmp_path / "fold-1.npz").write_bytes(b"half a file")
    (tmp_path / "fold-0.diverged.npz").write_bytes(b"")
    found = one.new_epochs()
    assert [epoch for epoch in found if epoch[0] == "folds/train_loss_1"] == [
        ("folds/train_loss_1", 1, 0.5),
        ("folds/train_loss_1", 2, 0.25),
    ]
    assert len(found) == 6
    assert one.new_epochs() == []
    checkpoint(tmp_path / "fold-0.npz", [0.5, 0.25, 0.125])
    assert ("folds/train_loss_1", 3, 0.125) in one.new_epochs()


def test_a_run_is_there_from_its_first_epochs_and_ends_as_one(phase1, tmp_path):
    """Against the history that the run left: each epoch is there once, with its value."""
    workspace, folder, run, losses = phase1
    tracker = Tracker(workspace, print)
    tracker.watch(dataclasses.replace(run, metrics={}), tmp_path / "scratch", {"user": "ann"})
    tracker.look()
    checkpoint(tmp_path / "scratch/fold-0.npz", [0.5])
    checkpoint(tmp_path / "scratch/whole.npz", losses[:5])
    tracker.look()
    client, (begun,) = logged(workspace, phase="phase1")
    _, (parent,) = logged(workspace, **{"lstmfcn.kind": "classifier"})
    assert (begun.info.status, parent.info.status) == ("RUNNING", "RUNNING")
    assert begun.data.tags["mlflow.user"] == "ann"
    assert begun.data.params["epochs"] == str(run.params["epochs"])
    assert begun.data.metrics["train_loss"] == losses[4]
    tracker.log(folder, run)
    tracker.close()
    _, (ended,) = logged(workspace, phase="phase1")
    assert (ended.info.run_id, ended.info.status) == (begun.info.run_id, "FINISHED")
    history = client.get_metric_history(ended.info.run_id, "train_loss")
    assert [(m.step, m.value) for m in sorted(history, key=lambda m: m.step)] == list(
        enumerate(losses, start=1)
    )
    assert ended.data.metrics["oof_accuracy"] == run.metrics["oof_accuracy"]
    assert client.get_run(parent.info.run_id).info.status == "FINISHED"


def test_what_dies_in_the_making_is_closed_and_logged_anew(phase1, tmp_path):
    workspace, folder, run, losses = phase1
    died = Tracker(workspace, print)
    died.watch(run, tmp_path / "scratch", {})
    checkpoint(tmp_path / "scratch/whole.npz", losses[:5])
    died.look()
    tracker = Tracker(workspace, print)
    tracker.log(folder, run)
    tracker.close()
    _, runs = logged(workspace, phase="phase1")
    assert sorted(one.info.status for one in runs) == ["FINISHED", "KILLED"]
    _, parents = logged(workspace, **{"lstmfcn.kind": "classifier"})
    assert {parent.info.status for parent in parents} == {"FINISHED"}
    assert {one.data.tags["mlflow.parentRunId"] for one in runs} <= {parent.info.run_id for parent in parents}


def test_a_job_that_fails_ends_its_run(phase1, tmp_path):
    workspace, _, run, losses = phase1
    tracker = Tracker(workspace, print)
    tracker.watch(run, tmp_path / "scratch", {})
    checkpoint(tmp_path / "scratch/whole.npz", losses[:2])
    tracker.look()
    tracker.fail(run.job)
    _, (failed,) = logged(workspace, phase="phase1")
    assert failed.info.status == "FAILED"


def test_a_server_that_does_not_answer_is_left_in_peace(phase1, tmp_path, monkeypatch):
    workspace, _, run, losses = phase1
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    said = []
    tracker = Tracker(workspace, said.append)
    tracker.watch(run, tmp_path / "scratch", {})
    for n in (1, 2, 3):
        checkpoint(tmp_path / "scratch/whole.npz", losses[:n])
        tracker.look()
    tracker.close()
    assert len(said) == 1


def test_the_status_says_queue_rate_and_what_is_under_way(tmp_path, monkeypatch):
    """By hand: one job of size 3 of 12 took 60 s, so 180 s are left."""
    workspace = Workspace(tmp_path)
    assert list(status(workspace)) == ["No stage is at work here."]
    monkeypatch.setenv("LSTMFCN_WORKERS", "3")
    monkeypatch.setattr("time.time", lambda: 1000.0)
    checkpoint(workspace.scratch / "k1/cells-8/fold-1.npz", [0.5, 0.25])
    tally = Tally(workspace, "search", kept=4)
    for name, size in (("Wafer", 3.0), ("GunPoint", 5.0), ("Coffee", 4.0)):
        tally.add(f"{name} lstm_fcn", {"GunPoint": "k1"}.get(name, name), size)
    monkeypatch.setattr("time.time", lambda: 1060.0)
    tally.end(0)
    first, second, third = status(workspace)
    assert first == "search: 1 of 3 jobs done (4 more were finished before); 1.0 a minute, about 3 min left"
    assert second == "  GunPoint lstm_fcn: cells-8, fold 1, epoch 2; 1 trainings begun"
    assert third == "  1 more wait, or have just begun (3 are done at once)"
    monkeypatch.setattr("lstmfcn.pipeline.status.at_once", lambda: None)
    tally = Tally(workspace, "train", kept=0)
    tally.add("GunPoint fcn", "GunPoint", 1.0)
    tally.note()
    assert list(status(workspace))[1:] == ["  1 more wait, or have just begun"]
    tally.end(0)
    assert list(status(workspace)) == ["No stage is at work here."]
