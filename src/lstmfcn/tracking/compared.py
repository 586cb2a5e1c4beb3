"""How the classifiers of a dataset stand, by the files of a study: what their rows in MLflow show.

A classifier is judged by its chosen step: of its seeds, phases and iterations the one with the best evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstmfcn.evaluation.evidence import OOF_FILE, with_evidence
from lstmfcn.evaluation.measurement import columns
from lstmfcn.evaluation.metrics import Metric
from lstmfcn.evaluation.paired import Paired, compare
from lstmfcn.runs.outputs import measured_on, read_output, trained_on
from lstmfcn.runs.predictions import Predictions
from lstmfcn.runs.ranking import evidence, rank
from lstmfcn.runs.run import Run
from lstmfcn.workspace import Workspace

RANK, BEHIND, BEHIND_P = "rank", "behind_best", "behind_best_p"
CHANCE_P, GAIN = "majority_p", "finetuning_gain"

SECONDS = "seconds"
"""How long it took to come to the chosen run: a fact, not of the files of the runs."""


@dataclass(frozen=True)
class Standing:
    """One classifier on one dataset.

    Attributes
    ----------
    chosen
        The run of its chosen step, with what the test split says of it where that was measured.
    steps
        The runs of the chosen seed: phase 1, then its iterations.
    metrics
        Those of the chosen run that a table shows, and, all out of fold: `rank`, from 1, the best;
        `majority_p`, how likely who only knows the share of the largest class is right as often;
        `finetuning_gain`, by how much the best iteration is better than phase 1; `behind_best`, by how much
        the best classifier of the dataset is better, and `behind_best_p`, the p-value of that (see
        `lstmfcn.evaluation.paired`).
    """

    chosen: Run
    steps: tuple[Run, ...]
    metrics: Mapping[str, float]


def standings(workspace: Workspace, dataset: str, resample: int, metric: Metric) -> dict[str, Standing]:
    """Return how each classifier stands that was trained on a dataset, the best first.

    Parameters
    ----------
    workspace
        The study.
    dataset, resample
        Which dataset, and which of its splits.
    metric
        What chooses.

    Raises
    ------
    DataError
        If a file of a run is damaged, or gone.
    """
    ranked = rank(_trained(workspace, dataset, resample, metric), metric)
    best = {run.identity.classifier: run for run in reversed(ranked)}
    names = dict.fromkeys(run.identity.classifier for run in ranked)
    return {
        name: _standing(workspace, best[name], ranked, metric, place=place)
        for place, name in enumerate(names, start=1)
    }


def _trained(workspace: Workspace, dataset: str, resample: int, metric: Metric) -> Iterator[Run]:
    """Yield each trained run, with what was measured of it; none that an older recipe has left."""
    trained: dict[str, Run] = {}
    for run in sorted(trained_on(workspace, dataset, resample), key=lambda run: run.identity.number):
        if not run.identity.number or run.upstream in trained:
            trained[run.key] = run
    measured = {run.upstream: run for run in measured_on(workspace, dataset, resample)}
    for key, run in trained.items():
        if key in measured:
            yield replace(run, metrics={**run.metrics, **measured[key].metrics})
        elif f"oof_{metric.name}" in run.metrics:
            yield run
        else:
            yield with_evidence(workspace, run)


def _standing(
    workspace: Workspace, chosen: Run, ranked: Sequence[Run], metric: Metric, *, place: int
) -> Standing:
    one = chosen.identity
    steps = sorted(
        (run for run in ranked if run.identity.iteration(0) == one.iteration(0)),
        key=lambda run: run.identity.number,
    )
    shown = {"majority_rate", *columns()[: len(columns()) // 2]}
    shown |= {f"test_{name}" for name in columns()[len(columns()) // 2 :]}
    metrics = {name: value for name, value in chosen.metrics.items() if name in shown and value is not None}
    metrics[RANK] = float(place)
    if chosen.selected_on == "train":
        metrics |= _compared(workspace, chosen, ranked[0], metric)
    first, *iterations = steps
    if not first.identity.number and iterations:
        gain = max(evidence(run, metric)[0] for run in iterations) - evidence(first, metric)[0]
        metrics |= {GAIN: gain} if np.isfinite(gain) else {}
    return Standing(chosen, tuple(steps), metrics)


def _compared(workspace: Workspace, chosen: Run, best: Run, metric: Metric) -> dict[str, float]:
    """Return how a run compares with chance, and with the best run of its dataset."""
    found: dict[str, float] = {}
    ours, theirs = _out_of_fold(workspace, chosen), _out_of_fold(workspace, best)
    if ours is None:
        return found
    right, rate = ours.predicted_y[ours.held] == ours.y[ours.held], chosen.metrics.get("majority_rate")
    if rate is not None and not np.isnan(rate):
        found[CHANCE_P] = _p_of_share(int(right.sum()), len(right), rate)
    if chosen is best:
        found[BEHIND] = 0.0
    elif theirs is not None and theirs.classes == ours.classes and (theirs.y == ours.y).all():
        both = ours.held & theirs.held
        pair = compare(ours.y[both], theirs.probabilities[both], ours.probabilities[both], metric)
        found |= _behind(pair)
    return found


def _behind(pair: Paired) -> dict[str, float]:
    return {} if np.isnan(pair.gain) else {BEHIND: pair.gain, BEHIND_P: pair.p}


def _p_of_share(n_right: int, n: int, rate: float) -> float:
    from scipy.stats import binomtest

    return float(binomtest(n_right, n, rate, alternative="greater").pvalue)


def _out_of_fold(workspace: Workspace, run: Run) -> Predictions | None:
    if OOF_FILE not in run.artifacts:
        return None
    oof = Predictions.from_csv(read_output(workspace, run, OOF_FILE))
    return oof if oof.held.any() else None
