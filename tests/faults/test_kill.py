"""`kill -9`, really done, in the middle of an epoch."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from conftest import bumps, files_of, make_workspace, run_stages
from lstmfcn.ledger import Ledger

PARAMS = """
datasets: [Bumps]
models: [lstm_fcn]
search: {cells: [4], folds: 2, epochs: 1, batch_size: 8}
train: {epochs: 80, batch_size: 4, schedule: cosine, folds: 2}
"""


@pytest.fixture(scope="module")
def clones(tmp_path_factory):
    """Two clones, both ready to train; in the first nothing goes wrong."""
    root = tmp_path_factory.mktemp("kill")
    bumps(root / "ucr")
    made = [make_workspace(root / name, PARAMS) for name in ("undisturbed", "disturbed")]
    for workspace in made:
        run_stages(workspace, root / "ucr", "fetch", "validate", "prepare", "search")
    assert start(made[0]).wait(120) == 0
    return made


def start(workspace):
    """Start the stage `train` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", "from lstmfcn.cli import main; main()", "train", "-w", str(workspace.root)],
        env=os.environ | {"LSTMFCN_CHECKPOINT_SECONDS": "0.1"},
        stderr=subprocess.PIPE,
        text=True,
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


def test_a_killed_training_goes_on_and_ends_with_the_same_bytes(clones):
    """First a worker, then the stage, each killed between two of its checkpoints."""
    undisturbed, disturbed = clones
    stage = start(disturbed)
    wait_for_progress(disturbed, stage)
    workers = [p for p in psutil.Process(stage.pid).children() if "spawn_main" in " ".join(p.cmdline())]
    os.kill(workers[0].pid, signal.SIGKILL)
    _, said = stage.communicate(timeout=60)
    assert stage.returncode == 1
    assert "A worker process was killed" in said
    assert "run the same command again" in said

    stage = start(disturbed)
    wait_for_progress(disturbed, stage)
    stage.kill()
    stage.communicate()
    assert not list(Ledger(disturbed.ledger).root.glob("*/weights.npz"))
    checkpoints = list(disturbed.scratch.rglob("*.npz"))
    assert checkpoints

    stage = start(disturbed)
    assert stage.wait(120) == 0
    assert not disturbed.scratch.exists() or not list(disturbed.scratch.rglob("*.npz"))
    expected, found = files_of(undisturbed.phase1), files_of(disturbed.phase1)
    assert expected.keys() == found.keys()
    for name, content in expected.items():
        assert found[name] == content, name
