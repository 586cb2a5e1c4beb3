"""Test accuracy by each policy for unequal lengths, on two datasets of the aeon wheel, beside MiniRocket's.

LSTM-FCN with 64 cells by the default recipe, phase 1; MiniRocket sees series that are resampled, as it takes
no others. JapaneseVowels has 12 channels of 7 to 29 values, PickupGestureWiimoteZ one of 29 to 361.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from aeon.classification.convolution_based import MiniRocketClassifier
from aeon.datasets import load_classification

from lstmfcn.classifiers.phase1 import new_engine
from lstmfcn.data.series import LabelledSeries
from lstmfcn.networks.architecture import Architecture
from lstmfcn.pipeline.stages.prepare import split
from lstmfcn.training.recipe import TrainingRecipe

DATASETS = {
    "JapaneseVowels": [
        {"normalise": normalise, **own}
        for normalise in ("per_series", "none")
        for own in ({"lengths": "resample"}, {"lengths": "truncate"}, {"lengths": "pad", "length": 29})
    ],
    "PickupGestureWiimoteZ": [
        {"normalise": "per_series", "lengths": lengths} for lengths in ("truncate", "pad", "resample")
    ],
}
NETWORKS = {"LSTM-FCN": Architecture(name="lstm_fcn", cells=64), "FCN": Architecture(name="fcn")}


def main():
    """Print a row for each dataset, policy and classifier."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--networks", nargs="*", default=["LSTM-FCN"], choices=NETWORKS)
    parser.add_argument("--datasets", nargs="*", default=list(DATASETS), choices=DATASETS)
    arguments = parser.parse_args()
    print("| dataset | normalise | lengths | values | classifier | seed | test accuracy | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for dataset in arguments.datasets:
        raw = [read(dataset, part) for part in ("train", "test")]
        for own in DATASETS[dataset]:
            train, test, preprocessing = split(*raw, **own)
            for seed in range(arguments.seeds):
                for name in arguments.networks:
                    began = time.monotonic()
                    engine = new_engine(train, NETWORKS[name], seed=seed)
                    engine.train(train.X, train.y, TrainingRecipe(), start=engine.initial, seed=seed)
                    predicted = engine.predict(test.X).argmax(axis=1)
                    tell(dataset, own, preprocessing, name, seed, predicted == test.y, began)
                if own["lengths"] == "resample":
                    began = time.monotonic()
                    peer = MiniRocketClassifier(random_state=seed).fit(train.X, train.y)
                    right = peer.predict(test.X) == test.y
                    tell(dataset, own, preprocessing, "MiniRocket", seed, right, began)


def read(dataset, part):
    """Return a split of the aeon wheel, NaN after the end of each series."""
    series, labels = load_classification(dataset, split=part, load_equal_length=False)
    X = np.full((len(series), len(series[0]), max(one.shape[1] for one in series)), np.nan)
    for place, one in zip(X, series, strict=True):
        place[:, : one.shape[1]] = one
    return LabelledSeries(X, labels.astype(np.str_), np.arange(1, len(X) + 1), Path(dataset, part))


def tell(dataset, own, preprocessing, name, seed, right, began):
    """Print a row."""
    seconds = time.monotonic() - began
    print(
        f"| {dataset} | {own['normalise']} | {own['lengths']} | {preprocessing.length} | {name} | {seed} "
        f"| {right.mean():.3f} | {seconds:.0f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
