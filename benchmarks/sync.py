"""Time `lstmfcn sync`, a run, from a made-up study into an empty store: SQLite, and a server of MLflow's."""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from common import keep

from lstmfcn.runs.identity import Identity
from lstmfcn.runs.run import WEIGHTS_FILE, Run
from lstmfcn.tracking.store import connect
from lstmfcn.tracking.sync import sync
from lstmfcn.workspace import Workspace

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/faults"))
from mlflow_server import MlflowServer


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        study = Workspace(Path(folder, "study"))
        make(study, arguments.runs, arguments.epochs)
        for repeat in range(arguments.repeats):
            place = Path(folder, str(repeat))
            place.mkdir()
            rows.append(("SQLite", seconds(study, f"sqlite:///{place}/file.db", arguments.runs)))
            server = MlflowServer(place)
            server.start()
            try:
                rows.append(("server", seconds(study, server.address, arguments.runs)))
            finally:
                server.kill()
    table = pd.DataFrame(rows, columns=["store", "seconds_a_run"]).assign(epochs=arguments.epochs)
    keep(table, "sync")
    for store, group in table.groupby("store"):
        found = group["seconds_a_run"]
        print(f"{store:8}{statistics.median(found):.3f} s a run, from {found.min():.3f} to {found.max():.3f}")


def make(study, runs, epochs):
    """Write runs as `train` leaves them: metrics, a history of so many epochs, 100 kB of weights."""
    rng = np.random.default_rng(0)
    study.params.parent.mkdir(parents=True)
    study.params.write_text("datasets: [Made]\nmodels: [lstm_fcn]\nreferences: []\n")
    columns = {name: rng.random(epochs) for name in ("loss", "accuracy", "learning_rate")}
    history = pd.DataFrame(columns, index=pd.RangeIndex(1, epochs + 1, name="epoch")).to_csv().encode()
    for seed in range(runs):
        one = Identity(dataset="Made", classifier="lstm_fcn", seed=seed).iteration(0)
        run = Run(
            identity=one,
            job=f"{seed:064x}",
            protocol="honest",
            data="0" * 64,
            params={f"p{i}": i for i in range(25)},
            metrics={f"oof_{name}": 0.5 for name in ("accuracy", "log_loss", "macro_f1", "auroc")},
            history="history.csv",
            artifacts=(WEIGHTS_FILE, "history.csv"),
        )
        files = run.with_files({WEIGHTS_FILE: rng.bytes(100_000), "history.csv": history})
        place = one.folder(study)
        place.mkdir(parents=True)
        for name, content in files.items():
            (place / name).write_bytes(content)


def seconds(study, address, runs):
    """Return how long a run takes into an empty store; its tables are there."""
    os.environ["MLFLOW_TRACKING_URI"] = address
    connect(study)
    begun = time.perf_counter()
    assert sync(study, [].append) == runs
    return (time.perf_counter() - begun) / runs


if __name__ == "__main__":
    main()
