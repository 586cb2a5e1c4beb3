"""A study of two people: git has the recipe, a folder DVC's files, a server on PostgreSQL the runs."""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir

import pytest
from dvc.repo import Repo
from mlflow_server import MlflowServer
from postgres import postgres
from typer.testing import CliRunner

from conftest import copy_of
from lstmfcn import config, yaml12
from lstmfcn.classifiers.jobs.evaluate import PREDICTIONS_FILE
from lstmfcn.cli import app
from lstmfcn.files import read_json, write_json, write_text
from lstmfcn.pipeline.stages.promote import register
from lstmfcn.runs.facts import read_facts
from lstmfcn.runs.identity import identity_of
from lstmfcn.runs.predictions import Predictions
from lstmfcn.runs.run import find_runs
from lstmfcn.study.new import files_of
from lstmfcn.tracking import mlflow as tracking
from lstmfcn.tracking.logged import KEY_TAG, PARENT_TAG
from lstmfcn.tracking.registry.versions import registered
from lstmfcn.tracking.store import connect
from lstmfcn.tracking.sync import sync
from lstmfcn.workspace import Workspace

FACTS = {"seconds": 90.5, "device": "GPU", "commit": "c0ffee", "version": "0.1"}
"""What no run of this machine has: who shows it has it from the study."""


def git(folder, *arguments):
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def pushed(finished, tmp_path_factory):
    """Return Ann's clone of the finished study; git and a folder that DVC knows have all of it."""
    root = tmp_path_factory.mktemp("shared")
    ann = copy_of(finished[0], root / "ann")
    shutil.rmtree(ann.mlruns)
    files = files_of("Bumps").items()
    for name, text in ((name, text) for name, text in files if not name.startswith(".dvc/")):
        write_text(
            ann.root / name, text if name != "params.yaml" else config.as_yaml(**yaml12.read(ann.params))
        )
    for begun, path in enumerate(sorted(ann.facts.iterdir())):
        facts = FACTS | {"started": 1_700_000_000_000 + 1000 * begun}
        write_json(path, dict.fromkeys(read_json(path), facts))
    shutil.rmtree(ann.cache)  # it knows other times
    git(ann.root, "init", "-q")
    Repo.init(str(ann.root)).close()
    with (ann.root / ".dvc/config").open("a") as settings:
        settings.write(f"[core]\n    remote = shared\n['remote \"shared\"']\n    url = {root / 'remote'}\n")
    with chdir(ann.root), Repo() as repo:
        repo.commit(force=True)
        repo.push()
    git(ann.root, "add", ".")
    git(ann.root, "commit", "-qm", "Results")
    return ann


@pytest.fixture(scope="module")
def bob(pushed):
    """Return the clone of a colleague: what git and DVC have, and no more."""
    folder = pushed.root.with_name("bob")
    git(pushed.root, "clone", "-q", str(pushed.root), str(folder))
    with chdir(folder), Repo() as repo:
        repo.pull()
    assert not (folder / ".lstmfcn").exists()
    assert [path.name for path in (folder / "mlruns").iterdir()] == ["README.md"]
    return Workspace(folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Return the address of an MLflow server on PostgreSQL, with its artifacts."""
    with postgres() as store:
        server = MlflowServer(tmp_path_factory.mktemp("server"), store)
        server.start()
        yield server.address
        server.kill()


def runs_in_store(workspace):
    client = connect(workspace)
    experiment = client.get_experiment_by_name(tracking.EXPERIMENT).experiment_id
    return client.search_runs([experiment], max_results=1000)


def check_runs(workspace):
    """Each run is there once and whole, under one parent, with the facts of where it was made."""
    runs = runs_in_store(workspace)
    here = {run.key: run for _, run in find_runs(workspace.search, workspace.phase1, workspace.finetuned)}
    here |= {run.key: run for _, run in find_runs(workspace.predictions)}
    parents = {run.info.run_id for run in runs if PARENT_TAG not in run.data.tags}
    children = {run.data.tags[KEY_TAG]: run for run in runs if run.info.run_id not in parents}
    assert len(runs) == len(children) + 2
    assert children.keys() == here.keys()
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert {run.data.tags[PARENT_TAG] for run in children.values()} == parents
    facts = read_facts(workspace)
    for key, run in children.items():
        started = facts[here[key].job]["started"]
        assert (run.info.start_time, run.info.end_time) == (started, started + 90_500)
        assert run.data.tags["lstmfcn.device"] == "GPU"
        assert run.data.tags["mlflow.source.git.commit"] == "c0ffee"


def command(*arguments):
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.output


def test_two_clones_that_sync_at_once_leave_each_run_once_and_one_champion(pushed, bob, server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    with ThreadPoolExecutor(2) as pool:
        logged = list(pool.map(lambda clone: sync(clone, lambda line: None), (pushed, bob)))
    assert sum(logged) >= 16
    assert [sync(clone, lambda line: None) for clone in (pushed, bob)] == [0, 0]
    check_runs(bob)
    assert "run `lstmfcn sync`" in command("champions", "-w", bob.root)  # nobody has promoted yet
    outcomes = [register(clone, config.load(clone.params))["Bumps"].outcome for clone in (pushed, bob)]
    assert outcomes == ["first", "same"]
    assert "champion" in command("champions", "-w", bob.root)


def test_who_pulls_a_study_has_its_champion_and_its_runs(pushed, bob, tmp_path):
    """Without a server, and without a word about what to do first."""
    assert "champion" in command("champions", "-w", bob.root)
    check_runs(bob)
    best = read_json(pushed.promotions)["Bumps"]["best"]
    (version,) = registered(bob)["Bumps"]
    assert (version.key, version.aliases) == (best["key"], ("champion",))
    command("predict", "Bumps", bob.raw / "Bumps/Bumps_TEST.tsv", "-o", tmp_path / "said.csv", "-w", bob.root)
    measured = identity_of({"dataset": "Bumps", **best}).test().folder(pushed)
    said, known = (
        Predictions.from_csv(path) for path in (tmp_path / "said.csv", measured / PREDICTIONS_FILE)
    )
    assert said.predicted.tolist() == known.predicted.tolist()
    assert [path.name for path in pushed.mlruns.iterdir()] == ["README.md"]
