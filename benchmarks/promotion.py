"""How often a twin takes a champion's place, and how often a better candidate does.

A twin is as good in truth: the same training with another seed. Twins are drawn (each series has a chance of
its own to be predicted right, by whatever run; a run's folds are trained more or less luckily besides), and
trained: every ordered pair of the seeds of a study, or of small dense networks. A better candidate is
drawn like a twin, with a higher chance for each series. What decides is `lstmfcn.tracking.registry.decision`.
"""

import argparse
import warnings
from collections import defaultdict
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pandas as pd
from common import keep, load
from scipy.stats import binom
from scipy.stats import t as student
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from lstmfcn.data.folds import stratified_folds
from lstmfcn.evaluation.evidence import OOF_FILE
from lstmfcn.evaluation.metrics import metric_named
from lstmfcn.evaluation.paired import level_over_folds
from lstmfcn.runs.predictions import Predictions
from lstmfcn.runs.run import find_runs
from lstmfcn.tracking.registry.decision import Judged, Rule, decide
from lstmfcn.workspace import Workspace

SIZES, GAINS = (50, 100, 500, 2000), (0.0, 0.01, 0.02, 0.05, 0.10)
CLASSES, FOLDS = ("a", "b"), 3
CHECKED = 100
"""So many draws of each kind are held to what decides."""

AGREEMENT = 0.6
"""The correlation of whether two twins are right for a series."""


def main():
    """Print a table of drawn candidates, and one of a study's own twins."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--accuracy", type=float, nargs="+", default=[0.7, 0.9])
    parser.add_argument(
        "--luck", type=float, nargs="+", default=[0.0, 0.1, 0.2], help="of a fold, in log odds"
    )
    parser.add_argument(
        "--best-of",
        type=int,
        nargs=2,
        default=[1, 1],
        help="runs of which candidate and champion are the best",
    )
    parser.add_argument("--level", type=float, default=0.05)
    parser.add_argument("--study", type=Path, help="twins are those of a study with many seeds")
    parser.add_argument(
        "--dense", nargs="+", metavar="DATASET", help="twins are dense networks, trained here"
    )
    parser.add_argument("--seeds", type=int, default=30, help="of those")
    arguments = parser.parse_args()
    rule = Rule(metric_named("accuracy"), arguments.level)
    if arguments.study is not None or arguments.dense:
        groups = (
            of_dense_networks(arguments.dense, arguments.seeds)
            if arguments.study is None
            else of_study(Workspace(arguments.study))
        )
        table = pd.DataFrame(real_twins(groups, rule))
        print(table.to_markdown(index=False, floatfmt=".3f"))
        keep(table, "promotion_twins")
        return
    rows = []
    for accuracy in arguments.accuracy:
        for luck in arguments.luck:
            for n in SIZES:
                row = {"accuracy": accuracy, "luck": luck, "n": n, "draws": arguments.draws}
                row["best_of"] = "{} and {}".format(*arguments.best_of)
                for gain in GAINS:
                    setting = (accuracy, gain, luck, arguments.best_of)
                    row[f"+{gain:.2f}"] = drawn(rule, n, *setting, draws=arguments.draws)
                rows.append(row)
                print(row, flush=True)
    table = pd.DataFrame(rows).assign(level=arguments.level)
    print(table.to_markdown(index=False, floatfmt=".3f"))
    keep(table, "promotion")


def drawn(rule, n, accuracy, gain, luck, best_of, *, draws):
    """Return the share of drawn candidates, better by `gain` in truth, that take the champion's place.

    What `decide` says is worked out for all draws at once; the first are held to `decide` itself.
    """
    rng = np.random.default_rng(0)
    promoted = []
    for size in [CHECKED, *[max(1, 10**6 // n)] * draws]:
        if (size := min(size, draws - sum(map(len, promoted)))) == 0:
            break
        spread = 1 / AGREEMENT - 1  # of a beta distribution whose variance is that share of p (1 - p)
        chance = rng.beta(accuracy * spread, (1 - accuracy) * spread, (size, n))
        better = chance + (1 - chance) * gain / (1 - accuracy)
        pair = [drawn_runs(rng, p, luck, k) for p, k in zip((better, chance), best_of, strict=True)]
        promoted.append(take_over(*pair, rule.level))
        if len(promoted) == 1:
            verdicts = [decide(*(judged(*run) for run in one), rule).moves for one in each(pair)]
            assert promoted[0].tolist() == verdicts
    return float(np.concatenate(promoted).mean())


def drawn_runs(rng, chance, luck, best_of):
    """Return for which series runs are right, bool (n_runs, n), each the best of several; and the folds."""
    chance = np.clip(chance, 1e-6, 1 - 1e-6)
    odds, (size, n) = np.log(chance / (1 - chance)), chance.shape
    fold = rng.permuted(np.tile(np.arange(n) % FOLDS, (size, 1)), axis=1)
    best = np.zeros((size, n), bool)
    for _ in range(best_of):
        lucky = odds + luck * np.take_along_axis(rng.normal(size=(size, FOLDS)), fold, axis=1)
        right = rng.random((size, n)) < 1 / (1 + np.exp(-lucky))
        best = np.where((right.sum(axis=1) > best.sum(axis=1))[:, None], right, best)
    return best, fold


def take_over(candidate, champion, level):
    """Return which candidates take over by accuracy: McNemar's test, and Student's over either's folds."""
    (right, fold), (other, other_fold) = candidate, champion
    difference = right.astype(int) - other
    only = (difference == 1).sum(axis=1)
    p = binom.sf(only - 1, only + (difference == -1).sum(axis=1), 0.5)
    over_folds = []
    for folds in (fold, other_fold):
        gains = np.stack([difference.mean(axis=1, where=folds == k) for k in range(FOLDS)], axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = gains.mean(axis=1) / (gains.std(axis=1, ddof=1) / np.sqrt(FOLDS))
        over_folds.append(student.sf(t, FOLDS - 1))
    return (p <= level) & (np.maximum(*over_folds) <= level_over_folds(level, len(fold[0])))


def each(pair):
    """Yield candidate and champion of each draw, as `judged` takes them."""
    for k in range(len(pair[0][0])):
        yield [(right[k], fold[k]) for right, fold in pair]


def judged(right, fold):
    """Return a run of two classes as what is judged."""
    y = np.arange(len(right)) % 2
    p = np.full((len(y), 2), 0.2, np.float32)
    p[np.arange(len(y)), np.where(right, y, 1 - y)] = 0.8
    predictions = Predictions(classes=CLASSES, probabilities=p, labels=np.array(CLASSES)[y], fold=fold)
    return Judged(key=str(id(p)), data="", predictions=predictions)


def of_study(workspace):
    """Return the runs of a study that differ in their seed alone, as what is judged, by what they share."""
    groups = defaultdict(list)
    for folder, run in find_runs(workspace.phase1, workspace.finetuned):
        one, oof = run.identity, Predictions.from_csv(folder / OOF_FILE)
        name = f"{one.subject}, {one.title}"
        groups[name].append(Judged(key=run.key, data=run.data, predictions=oof))
    return groups


def of_dense_networks(datasets, seeds):
    """Return dense networks of scikit-learn, trained with many seeds on both splits of some datasets."""
    groups = defaultdict(list)
    for dataset, seed in product(datasets, range(seeds)):
        (X, y), (more, labels) = load(dataset, "TRAIN"), load(dataset, "TEST")
        X, y = np.concatenate([X, more])[:, 0], np.concatenate([y, labels])
        fold, p = stratified_folds(y, FOLDS, seed), np.zeros((len(y), y.max() + 1), np.float32)
        for k in range(FOLDS):
            network = MLPClassifier((64,), max_iter=60, random_state=seed * FOLDS + k)
            with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
                p[fold == k] = network.fit(X[fold != k], y[fold != k]).predict_proba(X[fold == k])
        classes = tuple(map(str, range(p.shape[1])))
        oof = Predictions(classes=classes, probabilities=p, labels=np.array(classes)[y], fold=fold)
        groups[f"{dataset}, dense"].append(Judged(key=str(seed), data="", predictions=oof))
    return groups


def real_twins(groups, rule):
    """Yield how often one of some runs that differ in their seed alone takes the place of another."""
    for name, runs in groups.items():
        outcomes = [decide(a, b, rule).moves for a, b in permutations(runs, 2)]
        right = np.array([r.predictions.predicted_y == r.predictions.y for r in runs])
        yield {
            "runs": name,
            "n": right.shape[1],
            "seeds": len(runs),
            "twins": len(outcomes),
            "accuracy": right.mean(),
            "deviation": right.mean(axis=1).std(ddof=1),
            "agreement": agreement(right),
            "promoted": np.mean(outcomes),
        }


def agreement(right):
    """Return the correlation of whether two runs are right for a series, over all pairs of runs."""
    k, share = len(right), right.mean()
    of_series = right.mean(axis=0)
    both = (k * of_series**2 - of_series).mean() / (k - 1)
    return (both - share**2) / (share * (1 - share))


if __name__ == "__main__":
    main()
