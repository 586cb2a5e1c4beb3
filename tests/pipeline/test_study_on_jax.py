"""A whole study whose networks are trained on JAX, beside the same on TensorFlow."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from conftest import make_workspace
from lstmfcn.environment import ONE_THREAD
from lstmfcn.pipeline.table import STAGES

pytest.importorskip("jax", reason="the extra jax is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]

PARAMS = """
datasets: [Bumps]
models: [lstm_fcn, ensemble]
references: [mini_rocket]
seeds: [0, 1]
search: {cells: [2, 4], folds: 2, epochs: 3, batch_size: 8}
train: {epochs: 3, batch_size: 8, folds: 2, schedule: constant}
finetune: {iterations: 1, epochs: 2, batch_size: 8}
"""


def run(workspace, ucr, backend):
    """Run all stages as `dvc repro` does, each in a process of its own."""
    kept = {k: v for k, v in os.environ.items() if k not in ONE_THREAD and k != "MLFLOW_TRACKING_URI"}
    environment = kept | {"KERAS_BACKEND": backend, "LSTMFCN_UCR_DIR": str(ucr)}
    for stage in STAGES:
        command = [sys.executable, "-m", "lstmfcn", stage]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=workspace.root)
        assert done.returncode == 0, f"{stage}: {done.stderr}"


def test_jax_trains_what_tensorflow_trains_and_tensorflow_serves_it(finished, tmp_path):
    found = {}
    for backend in ("tensorflow", "jax"):
        workspace = make_workspace(tmp_path / backend, PARAMS)
        run(workspace, finished[1], backend)
        tables = sorted((workspace.root / "models").rglob("oof.csv"))
        found[backend] = {str(path.relative_to(workspace.root)): pd.read_csv(path) for path in tables}
        facts = json.loads((workspace.root / "facts" / "train.json").read_text())
        assert f'"{backend} ' in json.dumps(facts)
        promotions = json.loads((workspace.root / "promotions.json").read_text())
        assert "Bumps" in json.dumps(promotions)
    assert found["jax"].keys() == found["tensorflow"].keys()
    for name, table in found["jax"].items():
        theirs = found["tensorflow"][name]
        numbers = table.select_dtypes("number").columns
        np.testing.assert_allclose(table[numbers], theirs[numbers], atol=0.02, err_msg=name)
