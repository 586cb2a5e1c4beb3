"""Several processes that promote on one store at the same moment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.registry import registered

TESTS = Path(__file__).parents[1]
PATHS = (TESTS, TESTS / "tracking", *filter(None, [os.environ.get("PYTHONPATH")]))

OFFER = """
import sys
from pathlib import Path
from lstmfcn.runs.run import find_runs
from lstmfcn.workspace import Workspace
from test_promotion import offer, variant

workspace = Workspace(Path(sys.argv[1]))
folder, run = next(find_runs(workspace.phase1))
print("ready", flush=True)
sys.stdin.readline()
for accuracy in sys.argv[2:]:
    offer(workspace, variant(run, float(accuracy), 0.5), folder)
"""

OFFERED = (["0.6", "0.9", "0.85"], ["0.8", "0.95", "0.55"])


@pytest.mark.slow
def test_of_many_promotions_at_once_the_best_serves_and_none_is_lost(finished, tmp_path, monkeypatch):
    workspace = finished[0]
    store = f"sqlite:///{tmp_path}/registry.db"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OFFER, str(workspace.root), *accuracies],
            env=os.environ | {"MLFLOW_TRACKING_URI": store, "PYTHONPATH": os.pathsep.join(map(str, PATHS))},
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for accuracies in OFFERED
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
    for process in processes:  # all at once
        process.stdin.write("\n")
        process.stdin.flush()
    ended = [(process.communicate(timeout=180)[1], process.returncode) for process in processes]
    for said, code in ended:
        assert code == 0, said

    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.chdir(tmp_path)
    versions = registered(workspace)["Bumps"]
    assert sorted(v.evidence["oof_accuracy"] for v in versions) == sorted(
        float(a) for some in OFFERED for a in some
    )
    assert [v.evidence["oof_accuracy"] for v in versions if "champion" in v.aliases] == [0.95]
    load_champion("Bumps", workspace=workspace.root)
