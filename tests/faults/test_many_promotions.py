"""Several processes that promote on one store at the same moment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import copy_of
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.registry.versions import registered

TESTS = Path(__file__).parents[1]
PATHS = (TESTS, *filter(None, [os.environ.get("PYTHONPATH")]))

OFFER = """
import sys
from pathlib import Path
from candidates import offer, trained
from lstmfcn.workspace import Workspace

workspace = Workspace(Path(sys.argv[1]))
runs = [trained(workspace, int(right)) for right in sys.argv[2:]]
print("ready", flush=True)
sys.stdin.readline()
for run in runs:
    offer(workspace, run)
"""

OFFERED = (["4", "18"], ["9", "24"])
"""How many of 24 series each is right for: 24 is better than 18 beyond chance, and 18 than 9."""


@pytest.mark.slow
@pytest.mark.exhaustive  # tests/tracking/test_colleagues.py lets two clones promote at once
def test_of_many_promotions_at_once_the_best_serves_and_none_is_lost(finished, tmp_path, monkeypatch):
    studies = [copy_of(finished[0], tmp_path / str(k)) for k in range(len(OFFERED))]
    store = f"sqlite:///{tmp_path}/registry.db"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OFFER, str(study.root), *offered],
            env=os.environ | {"MLFLOW_TRACKING_URI": store, "PYTHONPATH": os.pathsep.join(map(str, PATHS))},
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for study, offered in zip(studies, OFFERED, strict=True)
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
    versions = registered(studies[0])["Bumps"]
    assert sorted(v.evidence["oof_accuracy"] for v in versions) == sorted(
        int(right) / 24 for some in OFFERED for right in some
    )
    assert [v.evidence["oof_accuracy"] for v in versions if "champion" in v.aliases] == [1.0]
    load_champion("Bumps", workspace=studies[0].root)
