"""What killed stages leave behind, and who may remove it."""

import os
import threading
import time

from conftest import make_workspace
from lstmfcn.pipeline import lock as module
from lstmfcn.pipeline.lock import lock
from lstmfcn.workspace import Workspace


def test_leftovers_of_killed_stages_are_removed_and_nothing_else(tmp_path):
    workspace = make_workspace(tmp_path / "clone")
    old, kept = time.time() - module.ABANDONED - 10, []
    leftovers = [
        workspace.cache / ".new-1/weights.npz",
        workspace.root / ".promotions.json.x1.tmp",
        workspace.phase1 / "Bumps/.weights.npz.x2.tmp",
        workspace.scratch / "a/.whole.npz.x3.tmp",
        workspace.scratch / "forgotten/whole.npz",
    ]
    kept = [
        workspace.cache / "1/weights.npz",
        workspace.phase1 / "Bumps/weights.npz",
        workspace.scratch / "a/whole.npz",
        workspace.root / "mine.tmp",
    ]
    for path in leftovers + kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    for path in (workspace.scratch / "forgotten/whole.npz", workspace.scratch / "forgotten"):
        os.utime(path, (old, old))
    with lock(workspace, "test", print):
        assert not any(path.exists() for path in leftovers)
        assert all(path.exists() for path in kept)


def test_who_waits_is_told_for_which_experiment(tmp_path, monkeypatch):
    """The copies of a study's experiments have one lock: their stages take turns."""
    workspace = make_workspace(tmp_path / "clone")
    copy = Workspace(workspace.root / ".dvc/tmp/exps/tmpx1")
    monkeypatch.setenv("DVC_EXP_NAME", "puffy-sage")
    said, begun = [], threading.Event()

    def wait():
        with lock(workspace, "lstmfcn train", lambda line: (said.append(line), begun.set())):
            said.append("at work")

    waiting = threading.Thread(target=wait)
    with lock(copy, "lstmfcn search", print):
        waiting.start()
        assert begun.wait(10)
        assert len(said) == 1
    waiting.join(10)
    assert said[0].startswith("Waiting for lstmfcn search of the experiment puffy-sage (process ")
    assert said[1:] == ["at work"]
