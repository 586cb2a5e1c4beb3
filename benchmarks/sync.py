"""Time `lstmfcn sync`, a run, from a made-up study into an empty store: SQLite, and a server of MLflow's."""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from common import keep, made_up

from lstmfcn.runs.identity import Identity
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
    study.params.parent.mkdir(parents=True)
    study.params.write_text("datasets: [Made]\nmodels: [lstm_fcn]\nreferences: []\n")
    for seed in range(runs):
        one = Identity(dataset="Made", classifier="lstm_fcn", seed=seed).iteration(0)
        place = one.folder(study)
        place.mkdir(parents=True)
        for name, content in made_up(one, f"{seed:064x}", epochs=epochs, size=100_000).items():
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
