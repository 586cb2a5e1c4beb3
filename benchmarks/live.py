"""What watching runs in the making costs: processor time of a look at as many as train at once.

A training does nothing for it (its checkpoint is kept anyway): the cost is that of the stage's own process,
as a share of the processor time that the trainings have between two looks.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from common import keep

from lstmfcn.runs.identity import Identity
from lstmfcn.runs.run import Run
from lstmfcn.tracking.live import INTERVAL
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.store import connect
from lstmfcn.training.checkpoint import Checkpoint, TrainingState
from lstmfcn.workspace import Workspace


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=40, help="new ones at each look")
    parser.add_argument("--looks", type=int, default=20)
    arguments = parser.parse_args()
    weights = {f"layer-{i}": np.zeros(90_000, np.float32) for i in range(9)}  # with the optimiser's: 3 MB
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        study = Workspace(Path(folder, "study"))
        study.root.mkdir()
        study.params.write_text("datasets: [Made]\nmodels: [lstm_fcn]\nreferences: []\n")
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/file.db"
        connect(study)
        tracker = Tracker(study, print)
        for seed in range(arguments.workers):
            one = Identity(dataset="Made", classifier="lstm_fcn", seed=seed)
            made = Run(
                identity=one, job=f"{seed:064x}", protocol="honest", data="0" * 64, params={}, metrics={}
            )
            tracker.watch(made, study.scratch / str(seed), {})
        for look in range(1, arguments.looks + 1):
            curve = np.linspace(1, 0.5, look * arguments.epochs).tolist()
            for seed in range(arguments.workers):
                path = study.scratch / str(seed) / "whole.npz"
                path.parent.mkdir(parents=True, exist_ok=True)
                state = TrainingState(curve, curve, curve, curve, network=weights)
                Checkpoint(path).save(state)
            begun, wall = time.process_time(), time.perf_counter()
            tracker.look()
            rows.append((time.process_time() - begun, time.perf_counter() - wall))
    table = pd.DataFrame(rows, columns=["processor_seconds", "seconds"]).assign(epochs=arguments.epochs)
    keep(table, "live")
    cost = table["processor_seconds"].iloc[1:].median()  # the first makes the runs
    share = cost / (INTERVAL * arguments.workers)
    print(f"a look at {arguments.workers} runs with {arguments.epochs} new epochs each: {1000 * cost:.0f} ms")
    print(f"that is {share:.2%} of the trainings' processor time, at a look every {INTERVAL:g} s")


if __name__ == "__main__":
    main()
