"""The share of series that are marked as unlike the training series: of test splits, and of changed ones.

No network is needed: what is looked at is the training split and the series. Archive series are normalised
already, so each change but the first four is followed by normalising the series again: what is seen then is
not their level or spread. Other datasets are resampled to the same length.
"""

import argparse
import os
from pathlib import Path

import numpy as np

from lstmfcn.data.lengths import resampled
from lstmfcn.data.normalisation import z_scores
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.readers import read_series
from lstmfcn.data.reference import LEVEL, Reference
from lstmfcn.evaluation.drift import changes, count

DATASETS = [
    "GunPoint",
    "ItalyPowerDemand",
    "ECG200",
    "ArrowHead",
    "Coffee",
    "CBF",
    "ECG5000",
    "OSULeaf",
    "FordA",
]
MOST = 500


def main():
    """Print a row for each dataset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", nargs="*", default=DATASETS)
    names = parser.parse_args().datasets
    tests = {name: read(name, "TEST") for name in names}
    first = True
    for name in names:
        train, test = read(name, "TRAIN"), tests[name]
        preprocessing = Preprocessing.fit(train, normalise="per_series")
        made = Reference.fit(train, preprocessing)

        def marked(X, made=made, preprocessing=preprocessing):
            return made.p_values(made.describe(X, preprocessing)) <= LEVEL

        shares = {"test split": marked(test)}
        others = [resampled(s, test.shape[-1]) for other in names if other != name for s in tests[other][:50]]
        for change, X in changed(test[:MOST], np.random.default_rng(0)).items():
            shares[change] = marked(X)
        shares["other datasets"] = marked(z_scores(np.stack(others)))
        judged = count(int(shares["test split"].sum()), len(test), n_known=len(made.farthest), level=LEVEL)
        names_of_channels = made.names_of_channels
        k = len(names_of_channels)
        found = made.describe(test, preprocessing)
        least = min(c.p for c in changes(made.statistics[:, :k], found[:, :k], names_of_channels))
        if first:
            print(f"| dataset | training series | {' | '.join(shares)} | p, marked | least p, KS |")
            print("|---" * (len(shares) + 4) + "|")
            first = False
        cells = [f"{share.mean():.2f}" for share in shares.values()]
        print(f"| {name} | {len(train)} | {' | '.join(cells)} | {judged.p:.2g} | {least:.2g} |", flush=True)


def read(dataset, split):
    """Return the raw series of a split."""
    return read_series(Path(os.environ["LSTMFCN_UCR_DIR"], dataset, f"{dataset}_{split}.tsv")).X


def changed(X, rng):
    """Return the series after each change."""
    spread = X.std(axis=-1, keepdims=True)
    length = X.shape[-1]
    spike = 5 * spread * (np.arange(length) == length // 3)
    return {
        "level + 0.2": X + 0.2 * spread,
        "level + 1": X + spread,
        "times 1.1": 1.1 * X,
        "times 2": 2 * X,
        "noise 0.2": z_scores(X + 0.2 * spread * rng.normal(size=X.shape)),
        "noise 0.5": z_scores(X + 0.5 * spread * rng.normal(size=X.shape)),
        "spike": z_scores(X + spike),
        "shifted by 10 %": z_scores(np.roll(X, length // 10, axis=-1)),
        "upside down": z_scores(-X),
    }


if __name__ == "__main__":
    main()
