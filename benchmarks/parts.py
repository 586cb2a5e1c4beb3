"""What each part of an ensemble adds: members, seeds, the networks of the folds, fine-tuning.

It trains nothing: it reads a finished study (`dvc repro`) whose `params.yaml` has several seeds, predicts
each test split with every network that was kept, and averages. Accuracies are means over the datasets, and
over the seeds where a variant has one; the interval is that of the difference from the first row.
"""

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from lstmfcn import config
from lstmfcn.classifiers.outcome import unpack_weights
from lstmfcn.classifiers.table import architecture_of
from lstmfcn.data.series import Split
from lstmfcn.environment import load_backend
from lstmfcn.pipeline.recipes import grid_of
from lstmfcn.runs.outputs import load_run, read_output
from lstmfcn.workspace import Workspace


class Voices:
    """The probabilities of the test series of a dataset by each network that a study has kept."""

    def __init__(self, workspace, params, dataset):
        self.train = Split.load(workspace.train_split(dataset))
        self.test = Split.load(workspace.test_split(dataset))
        grid = grid_of(params, [(dataset, 0)])
        self.found = {}
        for classifier, first in grid.trainings():
            if classifier.name not in params.members:
                continue
            for one in grid.trained(classifier, first):
                run = load_run(workspace, one)
                names = sorted(name for name in run.files if name.endswith(".npz"))
                for name in names:
                    key = one.classifier, one.seed, one.number, name.removesuffix(".npz")
                    self.found[key] = self._predicted(workspace, run, name)

    def _predicted(self, workspace, run, name):
        from lstmfcn.classifiers.phase1 import reused_engine
        from lstmfcn.training.weights import set_weights

        engine = reused_engine(self.train, architecture_of(run.identity.classifier, run.params), seed=0)
        set_weights(engine.model, unpack_weights(read_output(workspace, run, name)))
        return engine.predict(self.test.X)

    def accuracy(self, classifiers, seeds, *, number=0, folds=False):
        """Return the accuracy of the mean of some networks."""
        voices = [
            probabilities
            for (classifier, seed, iteration, name), probabilities in self.found.items()
            if classifier in classifiers
            and seed in seeds
            and iteration == (number if self.has(classifier, number) else 0)
            and (folds or name == "weights")
        ]
        return float((np.mean(voices, axis=0).argmax(axis=1) == self.test.y).mean())

    def has(self, classifier, number):
        """Return whether a classifier was fine-tuned so often."""
        return any(key[0] == classifier and key[2] == number for key in self.found)


def variants(members, seeds, iterations):
    """Yield the name of each variant, its classifiers and how many seeds, and what else it has."""
    for size in range(1, len(members) + 1):
        for some in combinations(members, size):
            yield " + ".join(some), some, 1, {}
    for n in range(2, len(seeds) + 1):
        yield f"all, {n} seeds", members, n, {}
    yield "all, with the networks of the folds", members, 1, {"folds": True}
    yield f"all, {len(seeds)} seeds, with the networks of the folds", members, len(seeds), {"folds": True}
    for number in range(1, iterations + 1):
        yield f"all, fine-tuned {number}", members, 1, {"number": number}


def main():
    """Print a row a variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    workspace = Workspace(parser.parse_args().study)
    params = config.load(workspace.params)
    load_backend()
    voices = [Voices(workspace, params, dataset) for dataset in params.datasets]
    rng, rows, first = np.random.default_rng(0), [], None
    for name, members, n, options in variants(params.members, params.seeds, params.finetune.iterations):
        groups = [params.seeds[i : i + n] for i in range(0, len(params.seeds) - n + 1, n)]
        accuracies = np.array(
            [np.mean([one.accuracy(members, seeds, **options) for seeds in groups]) for one in voices]
        )
        first = accuracies if first is None else first
        means = rng.choice(accuracies - first, (9999, len(first))).mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975])
        gain = f"{(accuracies - first).mean():+.4f} [{low:+.4f}, {high:+.4f}]"
        rows.append({"variant": name, "accuracy": accuracies.mean(), "from the first": gain})
    print(f"{len(voices)} datasets, {len(params.seeds)} seeds")
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda value: f"{value:.4f}"))


if __name__ == "__main__":
    main()
