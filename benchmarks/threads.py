"""A job of phase 1 by several threads: its trainings at once, or TensorFlow's own threads; and the bytes."""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd

FOLDS = 3
WAYS = {
    "one after the other": {},
    "LSTMFCN_THREADS": {"LSTMFCN_THREADS": "{}"},
    "TensorFlow's threads": {"TF_NUM_INTRAOP_THREADS": "{}"},
}


def main():
    """Measure each way in a process of its own, in turns; print seconds, ratio, whether the bytes agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="in LSTMFCN_UCR_DIR")
    parser.add_argument("--network", default="lstm_fcn")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(job(arguments.dataset, arguments.network, arguments.epochs)))
        return
    rows = []
    for _ in range(arguments.repeats):
        for way, variables in WAYS.items():
            values = {name: value.format(arguments.threads) for name, value in variables.items()}
            command = [sys.executable, __file__, *sys.argv[1:], "--child"]
            done = subprocess.run(
                command,
                env=os.environ | {"WAY": json.dumps(values)},
                capture_output=True,
                text=True,
                check=True,
            )
            rows.append([way, *json.loads(done.stdout)])
            print(*rows[-1], flush=True)
    table = pd.DataFrame(rows, columns=["way", "seconds", "processor", "digest"])
    (expected,) = set(table.loc[table["way"] == "one after the other", "digest"])
    one = table.groupby("way")["seconds"].median()["one after the other"]
    for way, part in table.groupby("way", sort=False):
        median = part["seconds"].median()
        same = "the same bytes" if set(part["digest"]) == {expected} else "other bytes"
        print(
            f"{way}: {median:.1f} s ({part['seconds'].min():.1f} to {part['seconds'].max():.1f}), "
            f"{one / median:.2f} times as fast, {same}"
        )


def job(dataset, network, epochs):
    """Return seconds, processor time and a digest of phase 1 as a worker does it, without compiling."""
    ways = json.loads(os.environ["WAY"])
    os.environ |= ways
    from lstmfcn.environment import load_backend, prepare_worker

    prepare_worker()
    os.environ |= ways  # TensorFlow's own, which a worker does not leave to the user
    load_backend()
    from common import load

    from lstmfcn.classifiers.phase1 import reused_engine, train_phase1
    from lstmfcn.classifiers.table import network_named
    from lstmfcn.data.series import Split
    from lstmfcn.training.recipe import TrainingRecipe

    X, y = load(dataset, "TRAIN")
    classes = tuple(map(str, np.unique(y)))
    row = network_named(network)
    engine = reused_engine(Split(X, y, classes), row.architecture(128 if row.recurrent else None), seed=0)

    def train(series, epochs):
        split = Split(X[:series], y[:series], classes)
        recipe = TrainingRecipe(epochs=epochs, batch_size=64, schedule="constant")
        return train_phase1(engine, split, recipe, n_folds=FOLDS, seed=0).files(classes)

    train(2 * len(classes), 1)
    begun, used = time.perf_counter(), time.process_time()
    files = train(len(X), epochs)
    seconds, processor = time.perf_counter() - begun, time.process_time() - used
    return (
        seconds,
        processor,
        hashlib.sha256(b"".join(files[name] for name in sorted(files))).hexdigest()[:12],
    )


if __name__ == "__main__":
    main()
