"""`kill -9`, really done, in the middle of an epoch."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from conftest import copy_of, files_of, make_clone, run_stages, workers_of
from lstmfcn.pipeline.lock import lock
from lstmfcn.runs.cache import Cache

PARAMS = """
datasets: [Bumps]
models: [lstm_fcn]
references: []
search: {cells: [4], folds: 2, epochs: 1, batch_size: 8}
train: {epochs: 60, batch_size: 4, schedule: cosine, folds: 2}
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A clone that is ready to train."""
    return make_clone(tmp_path_factory.mktemp("kill"), PARAMS, "fetch", "validate", "prepare", "search")


@pytest.fixture
def clone(prepared, tmp_path):
    """A copy of it."""
    return copy_of(prepared, tmp_path / "clone")


# A shell ignores Ctrl-C for what it runs behind itself, and so do the children: the tests may be run so.
COMMAND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from lstmfcn.cli import main
main()
"""


def start(workspace, stage="train", **environment):
    """Start a stage in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, stage, "-w", str(workspace.root)],
        env=os.environ | {"LSTMFCN_CHECKPOINT_SECONDS": "0.1"} | environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_progress(workspace, process):
    """Return once a checkpoint is written that was not there before."""

    def latest():
        whole = (p for p in workspace.scratch.rglob("*.npz") if not p.name.startswith("."))
        return sorted((path.name, path.stat().st_mtime_ns) for path in whole)

    before, end = latest(), time.monotonic() + 60
    while latest() == before:
        assert process.poll() is None
        assert time.monotonic() < end, "no checkpoint was written"
        time.sleep(0.02)


@pytest.mark.slow
def test_a_killed_training_goes_on_and_ends_with_the_same_bytes(prepared, clone, tmp_path):
    """First a worker, then the stage, each killed between two of its checkpoints."""
    undisturbed = copy_of(prepared, tmp_path / "undisturbed")
    run_stages(undisturbed, tmp_path, "train")
    stage = start(clone)
    wait_for_progress(clone, stage)
    workers_of(stage)[0].kill()
    _, said = stage.communicate(timeout=60)
    assert stage.returncode == 1
    assert "A worker process was killed" in said
    assert "run the same command again" in said

    stage = start(clone)
    wait_for_progress(clone, stage)
    stage.kill()
    stage.communicate()
    assert not list(Cache(clone.cache).root.glob("*/weights.npz"))
    assert list(clone.scratch.rglob("*.npz"))
    said = []
    with lock(clone, "the test", said.append):
        assert said == []  # a dead holder holds nothing

    stage = start(clone)
    assert stage.wait(120) == 0
    assert not list(clone.scratch.rglob("*.npz"))
    expected, found = files_of(undisturbed.phase1), files_of(clone.phase1)
    assert expected.keys() == found.keys()
    for name, content in expected.items():
        assert found[name] == content, name


@pytest.mark.slow
@pytest.mark.exhaustive  # tests/classifiers/test_search.py tears the files of one without a kill
@pytest.mark.parametrize("killed", [[16], [8, 16]])
def test_a_killed_search_tries_no_finished_width_again(prepared, tmp_path, killed):
    """Killed in its third trial, or in its second and then in its third, Keras Tuner's files torn besides."""
    clone = copy_of(prepared, tmp_path / "clone")
    text = PARAMS.replace("cells: [4], folds: 2, epochs: 1", "cells: [4, 8, 16], folds: 2, epochs: 60")
    (clone.root / "params.yaml").write_text(text)
    undisturbed = copy_of(clone, tmp_path / "undisturbed")
    run_stages(undisturbed, tmp_path, "search")

    def trials():
        return {p.parent.name: p.stat().st_mtime_ns for p in clone.scratch.rglob("trial_*/trial.json")}

    finished = {}
    for cells in killed:
        process, end = start(clone, "search"), time.monotonic() + 60
        while not any(clone.scratch.rglob(f"cells-{cells}/*")):
            assert process.poll() is None
            assert time.monotonic() < end, "no trial was begun"
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        now = trials()
        assert finished.items() <= now.items()
        finished = {name: time for name, time in now.items() if name != max(now)}
        assert len(finished) == {8: 1, 16: 2}[cells]
        for state in clone.scratch.rglob("oracle.json"):
            state.write_text(state.read_text()[:100])
    assert start(clone, "search").wait(120) == 0
    assert files_of(clone.search) == files_of(undisturbed.search)


@pytest.mark.slow
def test_a_second_stage_waits_and_ctrl_c_stops_within_seconds_and_says_how_to_go_on(clone):
    """The first has a training that does not end by itself."""
    clone.params.write_text(PARAMS.replace("epochs: 60", "epochs: 100000"))
    stage = start(clone)
    wait_for_progress(clone, stage)
    second = start(clone)
    said = second.stderr.readline()
    second.kill()
    second.communicate()
    assert f"Waiting for lstmfcn train (process {stage.pid}" in said
    workers = psutil.Process(stage.pid).children(recursive=True)
    os.killpg(stage.pid, signal.SIGINT)  # as a terminal does: to the stage and to its workers
    _, said = stage.communicate(timeout=30)  # a job would take longer
    assert stage.returncode == 130
    assert "run the same command again" in said
    assert "Traceback" not in said
    psutil.wait_procs(workers, timeout=5)
    assert not any(worker.is_running() for worker in workers)
