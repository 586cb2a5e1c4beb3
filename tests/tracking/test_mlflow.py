"""MLflow, filled from the files of runs."""

import contextlib
import dataclasses
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from conftest import copy_of, make_workspace
from lstmfcn.errors import TrackingError
from lstmfcn.files import write_bytes
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.run import Run, find_runs
from lstmfcn.tracking import mlflow as tracking
from lstmfcn.tracking import sqlite
from lstmfcn.tracking.logged import CLONE_TAG, KEY_TAG
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.store import clone_id, connect
from lstmfcn.tracking.sync import sync
from lstmfcn.training.checkpoint import Checkpoint, TrainingState


def all_runs(workspace):
    client = connect(workspace)
    experiment = client.get_experiment_by_name("lstmfcn")
    return client, client.search_runs([experiment.experiment_id], max_results=1000)


def test_every_run_is_in_mlflow_once_under_the_run_of_its_model(finished):
    workspace, _ = finished
    _, runs = all_runs(workspace)
    children = [r for r in runs if "mlflow.parentRunId" in r.data.tags]
    parents = {r.info.run_id: r.info.run_name for r in runs if r not in children}
    recipe = " · train.epochs=12, train.batch_size=8 and "
    assert sorted(name.partition(recipe)[0] for name in parents.values()) == [
        "Bumps alstm_fcn",
        "Bumps lstm_fcn",
    ]
    # a model: two trials, phase 1 and two iterations, each of these three evaluated
    assert len(children) == 2 * (2 + 3 + 3)
    assert len({r.info.run_name for r in children}) == len(children)
    for run in children:
        assert run.info.status == "FINISHED"
        subject, separator, changes = parents[run.data.tags["mlflow.parentRunId"]].partition(" · ")
        assert run.info.run_name.startswith(subject)
        assert run.info.run_name.endswith(separator + changes)
        tags = {"dataset", "model", "phase", "protocol", "lstmfcn.device", "lstmfcn.data", "lstmfcn.job"}
        assert tags | {"mlflow.source.git.commit"} <= set(run.data.tags)
        (given,) = run.inputs.dataset_inputs
        assert {"mlflow.data.context", "lstmfcn.data"} == {tag.key for tag in given.tags}


def test_curves_parameters_and_weights_arrive_whole(finished):
    workspace, _ = finished
    client, runs = all_runs(workspace)
    (run,) = (r for r in runs if r.info.run_name.startswith("Bumps lstm_fcn fine-tuning 1, seed 0 ·"))
    folder = workspace.finetuned / "Bumps/lstm_fcn/seed-0/iteration-1"
    history = pd.read_csv(folder / "history.csv")
    logged = client.get_metric_history(run.info.run_id, "train_loss")
    assert [m.step for m in logged] == history["epoch"].tolist()
    assert [m.value for m in logged] == pytest.approx(history["loss"].tolist())
    assert run.data.params["epochs"] == "4"
    assert run.data.params["initial_rate"] == "0.001"
    local = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="weights.npz")
    with Path(local).open("rb") as file:
        assert file.read() == (folder / "weights.npz").read_bytes()


def test_another_store_is_filled_later_and_never_twice(finished, tmp_path, monkeypatch):
    workspace, _ = finished
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    there = list(find_runs(workspace.search, workspace.phase1, workspace.finetuned, workspace.results))
    assert sync(workspace, lambda line: None) == len(there) == 16
    assert sync(workspace, lambda line: None) == 0
    _, runs = all_runs(workspace)
    keys = [r.data.tags[KEY_TAG] for r in runs]
    assert len(keys) == len(set(keys)) == 16 + 2


@pytest.mark.parametrize("kind", ["file", "server"])
def test_what_a_dead_process_left_half_logged_is_closed_and_logged_anew(
    finished, tmp_path, monkeypatch, kind
):
    """In a store that is a file nobody else can be at work; to a server other clones may be logging."""
    workspace, _ = finished
    if kind == "server":
        monkeypatch.setattr(tracking, "alone_in", lambda workspace: contextlib.nullcontext(False))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    client, _ = all_runs(workspace)
    folder, run = next(find_runs(workspace.phase1))
    experiment = client.get_experiment_by_name("lstmfcn").experiment_id
    ours, theirs = (
        client.create_run(experiment, tags={KEY_TAG: run.key, CLONE_TAG: clone}).info.run_id
        for clone in (clone_id(workspace), "another")
    )
    assert Tracker(workspace, print).log_now(folder, run)
    _, runs = all_runs(workspace)
    status = {r.info.run_id: r.info.status for r in runs if r.data.tags[KEY_TAG] == run.key}
    assert (status.pop(ours), status.pop(theirs)) == (
        "KILLED",
        "KILLED" if kind == "file" else "RUNNING",
    )
    assert list(status.values()) == ["FINISHED"]


def test_a_params_yaml_in_the_middle_of_a_change_costs_nothing_but_delay(finished, tmp_path, monkeypatch):
    workspace = copy_of(finished[0], tmp_path / "clone")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    (one, first), (other, second) = find_runs(workspace.phase1)
    told, text = [], workspace.params.read_text()
    tracker = Tracker(workspace, told.append)
    workspace.params.write_text("datasets: [Bumps\n")
    tracker.log(one, first)
    workspace.params.write_text(text)
    tracker.log(other, second)
    assert len(told) == 1
    assert "params.yaml" in told[0]
    _, runs = all_runs(workspace)
    assert {first.key, second.key} <= {run.data.tags[KEY_TAG] for run in runs}


def test_what_another_clone_logged_meanwhile_is_not_logged_again(finished, tmp_path, monkeypatch):
    workspace, _ = finished
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    first, second = Tracker(workspace, print), Tracker(workspace, print)
    (folder, one), (_, two) = list(find_runs(workspace.phase1))
    assert second.log_now(folder, one)
    assert first.log_now(folder, two)
    assert not first.log_now(folder, one)
    assert not second.log_now(folder, two)


def test_a_run_that_the_store_refuses_keeps_no_other_waiting(finished, tmp_path, monkeypatch):
    workspace, _ = finished
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    monkeypatch.setattr(tracking, "PAUSE", 0)
    (folder, one), (_, two) = list(find_runs(workspace.phase1))
    said, refused = [], dataclasses.replace(one, params={"x" * 300: "too long a name"})
    tracker = Tracker(workspace, said.append)
    tracker.log(folder, refused)
    tracker.log(folder, two)
    assert len(said) == 1
    assert tracker.run_id(two.key)
    assert not tracker.run_id(one.key)


def test_a_slow_store_is_left_in_peace_and_filled_after_a_pause(finished, tmp_path, monkeypatch):
    workspace, _ = finished
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    monkeypatch.setattr(tracking, "PATIENCE", 0)
    runs, said = list(find_runs(workspace.phase1, workspace.finetuned)), []
    tracker = Tracker(workspace, said.append)
    for folder, run in runs[:3]:
        tracker.log(folder, run)
    assert len(said) == 1
    assert "takes over 0 s for a run" in said[0]
    monkeypatch.setattr(tracking, "PATIENCE", 30)
    tracker._silent_until = 0
    tracker.log(*runs[3])
    assert all(tracker.run_id(run.key) for _, run in runs[:4])


def test_a_server_that_does_not_answer_is_named_once_and_stops_nothing(finished, monkeypatch):
    workspace, _ = finished
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    said = []
    tracker = Tracker(workspace, said.append)
    for folder, run in find_runs(workspace.phase1):
        tracker.log(folder, run)
    assert len(said) == 1
    assert "http://127.0.0.1:9 does not answer" in said[0]
    assert "lstmfcn sync" in said[0]
    with pytest.raises(TrackingError, match="does not answer"):
        sync(workspace, said.append)


def test_a_store_that_fails_after_the_first_call_stops_nothing(finished, tmp_path, monkeypatch):
    workspace, _ = finished
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    asked, real = [], MlflowClient.get_experiment_by_name

    def get(client, name):
        asked.append(name)
        if len(asked) == 2:
            raise MlflowException("gone")
        return real(client, name)

    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", get)
    said = []
    tracker = Tracker(workspace, said.append)
    folder, run = next(find_runs(workspace.phase1))
    tracker.log(folder, run)
    assert len(said) == 1
    assert "gone" in said[0]
    tracker._silent_until = 0
    tracker.log(folder, run)
    assert tracker.run_id(run.key)


def test_the_row_of_an_older_version_becomes_that_of_the_recipe(finished, tmp_path, monkeypatch):
    """Versions that knew no recipes had one parent for a classifier: it keeps its id, and its runs."""
    workspace, _ = finished
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    client, _ = all_runs(workspace)
    experiment = client.get_experiment_by_name("lstmfcn").experiment_id
    older = client.create_run(experiment, run_name="Bumps lstm_fcn", tags={KEY_TAG: "parent Bumps lstm_fcn"})
    client.set_terminated(older.info.run_id)
    sync(workspace, lambda line: None)
    row = client.get_run(older.info.run_id)
    assert row.info.run_name.startswith("Bumps lstm_fcn · train.epochs=12")
    assert "oof_accuracy" in row.data.metrics
    _, runs = all_runs(workspace)
    assert sum(run.data.tags.get("mlflow.parentRunId") == older.info.run_id for run in runs) == 8


def test_many_metrics_are_logged_as_mlflow_does(finished, tmp_path, monkeypatch):
    """Against MLflow's own `log_batch`, of the same metrics in another run."""
    workspace, _ = finished
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    client, _ = all_runs(workspace)
    experiment = client.get_experiment_by_name("lstmfcn").experiment_id
    ours, theirs = (client.create_run(experiment).info.run_id for _ in range(2))
    metrics = [mlflow.entities.Metric(name, 0.1 * i, 100 - i, i) for name in "ab" for i in range(9)]
    for some in (metrics[4:], metrics[:5], metrics):
        sqlite.add_metrics(tmp_path / "other.db", ours, some)
        client.log_batch(theirs, metrics=some)
    assert client.get_run(ours).data.metrics == client.get_run(theirs).data.metrics
    for name in "ab":
        rows = [
            sorted((m.step, m.timestamp, m.value) for m in client.get_metric_history(run, name))
            for run in (ours, theirs)
        ]
        assert rows[0] == rows[1]
    params = [mlflow.entities.Param("cells", "8"), mlflow.entities.Param("compute", "float32")]
    last = [mlflow.entities.Metric("oof_accuracy", 0.5, 200, 0)]
    for _ in range(2):  # what another process began may be finished by this one
        sqlite.finish(tmp_path / "other.db", ours, params, last, 300)
    client.log_batch(theirs, metrics=last, params=params)
    client.set_terminated(theirs, end_time=300)
    one, two = (client.get_run(run) for run in (ours, theirs))
    assert one.data.to_dictionary() | {"tags": 0} == two.data.to_dictionary() | {"tags": 0}
    assert (one.info.status, one.info.end_time) == (two.info.status, two.info.end_time) == ("FINISHED", 300)


def test_of_long_histories_some_epochs_are_logged_and_the_last(tmp_path, monkeypatch):
    """The same ones whether they were seen on their way or not; the history's file has all."""
    workspace = make_workspace(tmp_path, "datasets: [Bumps]\nmodels: [fcn]\nreferences: []\n")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    losses = np.linspace(1, 0.1, 287).round(6)
    history = pd.DataFrame({"epoch": range(1, 288), "loss": losses}).to_csv(index=False).encode()
    found = []
    for seed, seen in ((0, 0), (1, 200)):
        one = Identity(dataset="Bumps", classifier="fcn", seed=seed)
        run = Run(
            identity=one, job=f"job {seed}", protocol="honest", data="", params={"epochs": 300}, metrics={},
            history="history.csv",
        )  # fmt: skip
        files = run.with_files({"history.csv": history})
        for name, content in files.items():
            write_bytes(one.folder(workspace) / name, content)
        tracker = Tracker(workspace, print)
        if seen:
            scratch = tmp_path / "scratch"
            scratch.mkdir()
            state = TrainingState(
                loss=losses[:seen].tolist(), accuracy=[0.5] * seen, rate=[0.1] * seen, watched=[0.0] * seen
            )
            Checkpoint(scratch / "whole.npz").save(state)
            tracker.watch(run, scratch, {})
            tracker.look()
        folder = one.folder(workspace)
        tracker.log(folder, Run.load(folder / "run.json"))
        tracker.close()
        client, runs = all_runs(workspace)
        run_id = next(r.info.run_id for r in runs if r.data.tags.get("lstmfcn.key") == run.key)
        found.append({m.step: m.value for m in client.get_metric_history(run_id, "train_loss")})
    expected = {epoch: losses[epoch - 1] for epoch in [*range(1, 287, 3), 287]}
    assert found == [pytest.approx(expected)] * 2
