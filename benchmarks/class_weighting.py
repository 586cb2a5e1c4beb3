"""What class weights are worth where classes are unequal: the default recipe with and without them.

LSTM-FCN of 64 cells, phase 1 alone; test accuracy, balanced accuracy, macro F1 and log loss. Results are kept
as they come: the command goes on where it was stopped. Needs the UCR archive in LSTMFCN_UCR_DIR.
"""

import argparse
import time

import pandas as pd
from common import RESULTS, keep, load

TABLE = RESULTS / "class_weighting.csv"

COLUMNS = [
    "dataset", "weighted", "seed", "ratio", "majority", "accuracy", "balanced_accuracy", "macro_f1",
    "log_loss", "seconds",
]  # fmt: skip

UNEQUAL = (
    "SonyAIBORobotSurface1",
    "CBF",
    "DiatomSizeReduction",
    "FaceFour",
    "ECG200",
    "OliveOil",
    "Lightning2",
    "Herring",
    "MiddlePhalanxTW",
    "ProximalPhalanxTW",
    "DistalPhalanxOutlineAgeGroup",
    "MiddlePhalanxOutlineAgeGroup",
    "ProximalPhalanxOutlineAgeGroup",
    "ProximalPhalanxOutlineCorrect",
    "ECG5000",
    "OSULeaf",
    "WordSynonyms",
    "Worms",
    "Earthquakes",
    "ChlorineConcentration",
)
"""The largest class of each has at least half as many series again as the smallest; the quick ones first."""


def main():
    """Run what is missing, for so long, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", nargs="*", default=list(UNEQUAL))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=25, help="begin no dataset after so long")
    arguments = parser.parse_args()
    finished = set()
    if TABLE.exists():
        done = pd.read_csv(TABLE)
        finished = set(zip(done["dataset"], done["seed"], strict=True))
    end = time.monotonic() + 60 * arguments.minutes
    for seed in range(arguments.seeds):
        for dataset in arguments.datasets:
            if (dataset, seed) in finished or time.monotonic() > end:
                continue
            rows = [train(dataset, weighted, seed) for weighted in (True, False)]
            keep(pd.DataFrame(rows, columns=COLUMNS), "class_weighting")
            print(dataset, seed, *(f"{row[5]:.4f} {row[6]:.4f}" for row in rows), flush=True)
    tell(pd.read_csv(TABLE))


def train(dataset, weighted, seed):
    """Train once and measure on the test split; return a row of `COLUMNS`."""
    from lstmfcn.environment import load_backend

    load_backend()
    import numpy as np
    from sklearn.metrics import balanced_accuracy_score, f1_score

    from lstmfcn.classifiers.phase1 import reused_engine
    from lstmfcn.data.series import Split
    from lstmfcn.evaluation.scores import accuracy, log_loss
    from lstmfcn.networks.architecture import Architecture
    from lstmfcn.training.recipe import TrainingRecipe

    (X, y), (test_X, test_y) = load(dataset, "TRAIN"), load(dataset, "TEST")
    split = Split(X, y, tuple(map(str, range(y.max() + 1))))
    engine = reused_engine(split, Architecture(name="lstm_fcn", cells=64), seed=seed)
    begun = time.perf_counter()
    recipe = TrainingRecipe(class_weighting=weighted)
    engine.train(X, y, recipe, start=engine.initial, seed=seed)
    seconds = time.perf_counter() - begun
    probabilities = engine.predict(test_X)
    predicted = probabilities.argmax(axis=1)
    counts = np.bincount(y)
    return [
        dataset, weighted, seed, counts.max() / counts.min(), counts.max() / len(y),
        accuracy(test_y, predicted), balanced_accuracy_score(test_y, predicted),
        f1_score(test_y, predicted, average="macro"), log_loss(test_y, probabilities), round(seconds, 1),
    ]  # fmt: skip


def tell(table):
    """Print each dataset's mean over its seeds with weights less that without, and Wilcoxon's test of it."""
    from scipy.stats import wilcoxon

    measures = ["accuracy", "balanced_accuracy", "macro_f1", "log_loss"]
    means = table.groupby(["dataset", "weighted"])[measures].mean().unstack("weighted")
    gain = pd.DataFrame({m: means[m, True] - means[m, False] for m in measures}).round(6)
    gain.insert(0, "ratio", table.groupby("dataset")["ratio"].first())
    print(gain.sort_values("ratio").round(4).to_string())
    for m in measures:
        with_, without = means[m, True].mean(), means[m, False].mean()
        p = wilcoxon(gain[m]).pvalue if gain[m].any() else 1.0
        print(
            f"{m}: {with_:.4f} with weights, {without:.4f} without, over {len(gain)} datasets; higher on "
            f"{(gain[m] > 0).sum()}, lower on {(gain[m] < 0).sum()}; p = {p:.2g}"
        )


if __name__ == "__main__":
    main()
