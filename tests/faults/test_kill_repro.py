"""`kill -9` of `dvc repro` at random moments; LSTMFCN_KILLS says how many."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml

from conftest import MINIATURE, ROOT, files_of, make_workspace, run_stages
from lstmfcn.pipeline.table import STAGES
from lstmfcn.tracking.store import connect

KILLS = int(os.environ.get("LSTMFCN_KILLS", "1"))
LONGEST = 15.0
"""Seconds until a kill, at most. An undisturbed run takes about 40."""

DVC = [sys.executable, "-m", "dvc"]


def make_clone(root):
    """Return a clone with DVC and git, as a newcomer has it, but of a small problem."""
    workspace = make_workspace(root)
    ignored = shutil.ignore_patterns("__pycache__", "tmp", "cache")
    shutil.copytree(ROOT / ".dvc", root / ".dvc", ignore=ignored)
    for name in ("dvc.yaml", ".gitignore"):
        shutil.copy(ROOT / name, root / name)
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    for key, value in yaml.safe_load(MINIATURE).items():
        values[key] = values[key] | value if isinstance(value, dict) else value
    workspace.params.write_text(yaml.safe_dump(values | {"models": ["lstm_fcn"], "references": []}))
    (root / "data/own").mkdir()
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    return workspace


def start(workspace, ucr):
    """Start `dvc repro` in a session of its own."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.Popen(
        [*DVC, "repro"],
        cwd=workspace.root,
        env=os.environ | {"LSTMFCN_UCR_DIR": str(ucr), "PATH": path, "LSTMFCN_CHECKPOINT_SECONDS": "0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def kill(process, *, alone):
    """Kill it, alone or with the stage and its workers; what is left alone ends by itself."""
    family = psutil.Process(process.pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError):
        (os.kill if alone else os.killpg)(process.pid, signal.SIGKILL)
    if not alone:
        psutil.wait_procs(family, timeout=10)
    process.communicate()


def mend(workspace):
    """Do what the README says of a `dvc.lock` that a kill emptied; return whether it was one."""
    lock = workspace.root / "dvc.lock"
    emptied = lock.exists() and not lock.stat().st_size
    if emptied:
        main = "from lstmfcn.cli import main; main()"
        subprocess.run([sys.executable, "-c", main, "doctor", "-w", str(workspace.root)], check=True)
    return emptied


@pytest.mark.slow
def test_a_killed_repro_is_completed_by_the_next(finished, tmp_path):
    workspace, ucr = finished
    rng = random.Random(KILLS)
    made, completed = make_clone(tmp_path / "clone-0"), 0
    undisturbed = make_workspace(tmp_path / "undisturbed", made.params.read_text())
    shutil.copytree(workspace.cache, undisturbed.cache)  # all its jobs are finished
    run_stages(undisturbed, ucr, *(name for name in STAGES if name not in ("promote", "report")))
    for count in range(KILLS):
        process = start(made, ucr)
        try:
            said, _ = process.communicate(timeout=rng.uniform(0, LONGEST))
            assert process.returncode == 0, said
            completed += 1  # before the kill: the next ones meet a new clone
            made = make_clone(tmp_path / f"clone-{completed}")
        except subprocess.TimeoutExpired:
            kill(process, alone=count % 3 == 2)
            sys.stdout.write(f"kill {count + 1}, dvc.lock emptied: {mend(made)}\n")
    process = start(made, ucr)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    checked = ("results", "comparison", "models", "search")
    expected = files_of(*(undisturbed.root / name for name in checked))
    found = files_of(*(made.root / name for name in checked))
    assert expected.keys() == found.keys()
    assert [name for name, content in expected.items() if found[name] != content] == []
    status = subprocess.run([*DVC, "status"], cwd=made.root, capture_output=True, text=True, check=True)
    # They look each time at what DVC does not see: the package's code, and one's own data.
    assert status.stdout.split() == ["code:", "always", "changed", "fetch:", "always", "changed"]
    runs = connect(made).search_runs(["1"], max_results=1000)
    keys = [run.data.tags["lstmfcn.key"] for run in runs if run.info.status == "FINISHED"]
    assert len(keys) == len(set(keys))
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}
