"""What averaging members gives: accuracy and seconds of combinations, beside published accuracies.

It trains nothing: it reads what `members.py` has kept in a folder. A combination is shown over the datasets
that all its members have, and so is what it is compared with.
"""

import argparse
import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from common import RESULTS
from members import TUNING

from lstmfcn.data.readers import read_series

LARGE = ("ElectricDevices", "FordA", "HandOutlines")
"""Left out of the means, as they take hours each."""


class Kept:
    """What each member said of the test series of each dataset, and the truth."""

    def __init__(self, folder, temperatures=()):
        self.temperatures = {name: float(value) for name, value in (t.split("=") for t in temperatures)}
        self.paths = {(path.parent.name, path.stem): path for path in sorted(folder.glob("*/*.npz"))}
        self.truths = {}

    def datasets(self, members):
        """Return the datasets that all of some members have."""
        have = [{dataset for member, dataset in self.paths if member == one} for one in members]
        return sorted(set.intersection(*have) - set(LARGE))

    def accuracies(self, members, datasets):
        """Return the accuracy of the members' mean on each dataset."""
        return np.array([self._accuracy(members, dataset) for dataset in datasets])

    def _accuracy(self, members, dataset):
        mean = sum(self._voice(one, dataset) for one in members)
        return float((mean.argmax(axis=1) == self._truth(dataset)).mean())

    def _voice(self, member, dataset):
        kept = np.load(self.paths[member, dataset])["probabilities"].astype(float)
        if temperature := self.temperatures.get(member):
            kept = np.maximum(kept, 0.5) ** (1 / temperature)  # it is kept in steps of 1 in 255
        return kept / kept.sum(axis=1, keepdims=True)

    def _truth(self, dataset):
        if dataset not in self.truths:
            root = Path(os.environ["LSTMFCN_UCR_DIR"], dataset)
            train, test = (read_series(root / f"{dataset}_{split}.tsv").labels for split in ("TRAIN", "TEST"))
            self.truths[dataset] = np.searchsorted(np.unique(train), test)
        return self.truths[dataset]


def seconds_of(members, datasets):
    """Return the processor seconds that the members took, a dataset on average."""
    rows = pd.read_csv(RESULTS / "members.csv").drop_duplicates(["dataset", "member", "seed"], keep="last")
    rows = rows.assign(name=rows["member"] + "-" + rows["seed"].astype(str)).set_index(["name", "dataset"])
    return np.mean([sum(rows.loc[(one, dataset), "seconds"] for one in members) for dataset in datasets])


def interval(differences, rng):
    """Return the 95 % bootstrap interval of a mean difference, over datasets."""
    means = rng.choice(differences, (9999, len(differences))).mean(axis=1)
    return np.quantile(means, [0.025, 0.975])


def main():
    """Print a row for each combination; with published accuracies, the difference from each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where `members.py` keeps the probabilities")
    parser.add_argument("--of", nargs="+", required=True, help="the members, each with its seed: lite-0")
    parser.add_argument("--sizes", nargs="+", type=int, default=None, help="of combinations; all together")
    parser.add_argument("--half", choices=["tuning", "other", "all"], default="tuning")
    parser.add_argument("--beside", type=Path, help="a CSV of published accuracies: dataset, then methods")
    parser.add_argument("--methods", nargs="*", default=["InceptionTime", "MR-Hydra", "HC2"])
    parser.add_argument("--temperatures", nargs="*", default=[], help="how sure a voice is: lite-0=1.5")
    parser.add_argument("--each", action="store_true", help="the accuracy on each dataset, too")
    arguments = parser.parse_args()
    kept, rng = Kept(arguments.folder, arguments.temperatures), np.random.default_rng(0)
    halves = {"tuning": set(TUNING), "all": {dataset for _, dataset in kept.paths}}
    halves["other"] = halves["all"] - halves["tuning"]
    datasets = [d for d in kept.datasets(arguments.of) if d in halves[arguments.half]]
    published = pd.read_csv(arguments.beside, index_col="dataset") if arguments.beside else None
    print(f"{len(datasets)} datasets")
    rows = []
    for size in arguments.sizes or [len(arguments.of)]:
        for members in combinations(arguments.of, size):
            accuracies = kept.accuracies(members, datasets)
            row = {"members": " + ".join(members), "accuracy": accuracies.mean()}
            row["seconds"] = seconds_of(members, datasets)
            for method in arguments.methods if published is not None else ():
                both = [d for d in datasets if d in published.index]
                ours = accuracies[[datasets.index(d) for d in both]]
                theirs = published.loc[both, method].to_numpy()
                low, high = interval(ours - theirs, rng)
                wins, losses = (ours > theirs + 1e-9).sum(), (ours < theirs - 1e-9).sum()
                row[method] = f"{(ours - theirs).mean():+.4f} [{low:+.4f}, {high:+.4f}] "
                row[method] += f"{wins}/{len(both) - wins - losses}/{losses}"
            rows.append(row)
            if arguments.each:
                for dataset, accuracy in zip(datasets, accuracies, strict=True):
                    print(f"  {dataset:32} {accuracy:.4f}")
    table = pd.DataFrame(rows).sort_values("accuracy", ascending=False)
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4f}"))


if __name__ == "__main__":
    main()
