"""Seconds of fitting until each peer's default reaches the test accuracy that ours ends with.

Ours is timed whole: building, compiling, all epochs of the default recipe. A peer's clock stands while
its test accuracy is looked at, at epochs ever farther apart; its batches, schedule and number of epochs
are its defaults. Needs the UCR archive in LSTMFCN_UCR_DIR, and `make peers`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
PEERS = HERE / ".venv/bin/python"
DATASETS = ("ItalyPowerDemand", "GunPoint", "ECG200", "CBF", "FaceFour", "TwoLeadECG")


def main():
    """Race on each dataset, and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", nargs="*", default=list(DATASETS))
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        name, path, goal = arguments.child
        answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # what the implementations print is not an answer
        with np.load(path) as data:
            print(*globals()[name](dict(data), float(goal)), file=answers, flush=True)
        return
    import pandas as pd
    from common import keep

    for dataset in arguments.datasets:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "data.npz"
            np.savez(path, **splits(dataset))
            goal = 0.0
            for name in ("ours", "sktime", "aeon"):
                python = sys.executable if name == "ours" else PEERS
                command = [python, __file__, "--child", name, path, repr(goal)]
                output = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True)
                seconds, epochs, accuracy = map(float, output.stdout.split())
                goal = goal or accuracy
                row = {"dataset": dataset, "contender": name, "seconds": round(seconds, 1)}
                row |= {"epochs": int(epochs), "accuracy": accuracy, "goal": goal}
                keep(pd.DataFrame([row]), "race")
                print(*row.values(), flush=True)


def splits(dataset):
    """Return the splits of a dataset as arrays by name."""
    from common import load  # here, since a peer's environment lacks lstmfcn

    (train_X, train_y), (test_X, test_y) = load(dataset, "TRAIN"), load(dataset, "TEST")
    return {"train_X": train_X, "train_y": train_y, "test_X": test_X, "test_y": test_y}


def ours(data, _goal):
    """Fit our estimator's default; its test accuracy is the goal of the others."""
    from lstmfcn import LSTMFCNClassifier
    from lstmfcn.environment import load_backend

    load_backend()
    classifier = LSTMFCNClassifier(random_state=0)
    begun = time.perf_counter()
    classifier.fit(data["train_X"], data["train_y"])
    seconds = time.perf_counter() - begun
    epochs = sum(len(history.loss) for history in classifier.histories_)
    return seconds, epochs, (classifier.predict(data["test_X"]) == data["test_y"]).mean()


def sktime(data, goal):
    """Fit sktime's LSTMFCNClassifier."""
    from sktime.classification.deep_learning import LSTMFCNClassifier

    return _race(data, goal, lambda callbacks: LSTMFCNClassifier(verbose=0, callbacks=callbacks))


def aeon(data, goal):
    """Fit aeon's FCNClassifier."""
    from aeon.classification.deep_learning import FCNClassifier

    return _race(data, goal, lambda callbacks: FCNClassifier(verbose=False, callbacks=callbacks))


def _race(data, goal, make):
    import keras

    state = {"looking": 0.0, "next": 10, "best": 0.0}
    # Both feed their networks series of shape (length, channels).
    test_X = data["test_X"].transpose(0, 2, 1)

    class Judge(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, *_):
            if epoch + 1 < state["next"]:
                return
            begun = time.perf_counter()
            state["next"] = max(epoch + 2, round((epoch + 1) * 1.05))
            accuracy = (self.model(test_X, training=False).numpy().argmax(axis=1) == data["test_y"]).mean()
            state["best"] = max(state["best"], accuracy)
            state["epoch"] = epoch + 1
            state["looking"] += time.perf_counter() - begun
            self.model.stop_training = bool(accuracy >= goal)

    begun = time.perf_counter()
    make([Judge()]).fit(data["train_X"], data["train_y"])
    seconds = time.perf_counter() - begun - state["looking"]
    return seconds, state["epoch"], state["best"]


if __name__ == "__main__":
    main()
