"""The study for a machine with a card, in miniature and without one."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lstmfcn.environment import ONE_THREAD

pytest.importorskip("jax", reason="the extra jax is not installed")
pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parent.parent.parent / "benchmarks" / "gpu_study.py"
SMALL = ("--cells", "4", "--classifiers", "lstm_fcn", "--seeds", "2", "--folds", "2", "--iterations", "0")


def call(script, *arguments, **environment):
    kept = {k: v for k, v in os.environ.items() if k not in {*ONE_THREAD, "KERAS_BACKEND", "PYTHONPATH"}}
    command = [
        sys.executable,
        "-I",
        script,
        *map(str, arguments),
    ]  # neither this clone nor this folder is seen
    return subprocess.run(command, capture_output=True, text=True, env=kept | environment, cwd="/")


def test_a_packed_folder_checks_trains_and_goes_on(tmp_path):
    rng = np.random.default_rng(0)
    place = tmp_path / "archive" / "Waves"
    place.mkdir(parents=True)
    for part, n in (("TRAIN", 12), ("TEST", 8)):
        y = np.arange(n) % 2
        X = np.sin(np.linspace(0, 6, 16) * (1 + y[:, None])) + 0.1 * rng.normal(size=(n, 16))
        np.savetxt(place / f"Waves_{part}.tsv", np.column_stack([y, X]), delimiter="\t")
    folder = tmp_path / "packed"
    done = call(SCRIPT, "pack", folder, LSTMFCN_UCR_DIR=str(tmp_path / "archive"))
    assert done.returncode == 0, done.stderr
    assert "1 datasets" in done.stdout

    done = call(folder / "gpu_study.py", "run", folder, "--minutes", "5", "--epochs", "3", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "parity: the loss of the first epoch differs by" in done.stdout
    assert "2 jobs in" in done.stdout
    assert "of the measured peak" in done.stdout
    assert "the archive's 85 datasets" in done.stdout
    rows = list(csv.DictReader((folder / "results.csv").open()))
    assert sorted(row["seed"] for row in rows) == ["0", "1"]
    assert {(row["dataset"], row["step"], row["epochs"]) for row in rows} == {("Waves", "phase1", "3")}
    assert all(0 <= float(row[name]) <= 1 for row in rows for name in ("oof_accuracy", "test_accuracy"))

    damaged = dict(np.load(folder / "parity.npz"))
    np.savez_compressed(folder / "parity.npz", **damaged | {"loss": damaged["loss"] + 0.01})
    done = call(folder / "gpu_study.py", "run", folder, *SMALL)
    assert done.returncode == 1
    assert "does not train the same network: nothing was started" in done.stderr
