"""Whether a candidate serves in place of a champion: from evidence to a verdict and its reason.

Pure functions: nothing is read or written here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from lstmfcn.evaluation.metrics import Metric
from lstmfcn.evaluation.paired import Paired, compare_predictions, level_over_folds
from lstmfcn.runs.predictions import Predictions

Outcome = Literal["first", "same", "renewed", "promoted", "new_data", "challenger", "rejected"]

MOVING = ("first", "renewed", "promoted", "new_data")
"""The outcomes after which the candidate serves."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What is judged.

    Attributes
    ----------
    key
        Of the run.
    data
        The hash of the training split.
    predictions
        Those out of fold, with labels, a row a training series; None where nobody has them.
    """

    key: str
    data: str
    predictions: Predictions | None


@dataclass(frozen=True)
class Rule:
    """By what a candidate replaces a champion.

    Attributes
    ----------
    metric
        What chooses.
    level
        The paired test's: how often a candidate that is no better takes over, at most.
    tolerance
        It must be better by more than this, too.
    withheld
        Why nothing may serve that does not yet, whatever the evidence; empty where it may.
    """

    metric: Metric
    level: float
    tolerance: float = 0.0
    withheld: str = ""


@dataclass(frozen=True)
class Verdict:
    """What becomes of a candidate, and why."""

    outcome: Outcome
    reason: str

    @property
    def moves(self) -> bool:
        """Whether the candidate serves from now on."""
        return self.outcome in MOVING


def decide(candidate: Judged, champion: Judged | None, rule: Rule, *, held: str = "") -> Verdict:
    """Decide whether a candidate serves.

    Parameters
    ----------
    candidate, champion
        Two runs, or packages of the same run. None: nothing serves.
    rule
        By what.
    held
        What a person has decided about what serves; empty where nobody has.
    """
    if held or rule.withheld:
        return Verdict("challenger", held or rule.withheld)
    weak = _weakness(candidate, rule.metric)
    if champion is None:
        return Verdict("first", f"there is no other{f', though it is {weak}' if weak else ''}")
    if champion.key == candidate.key:
        return Verdict("renewed", "it is the champion's run in a newer package")
    if weak:
        return Verdict("challenger", f"it is {weak}")
    if champion.data != candidate.data:
        return Verdict(
            "new_data", "the champion before was judged on other training data, so they are not compared"
        )
    paired = compared(candidate, champion, rule.metric)
    if paired is None:
        whose = "it has" if candidate.predictions is None else "the champion has"
        return Verdict(
            "challenger", f"{whose} no out-of-fold predictions in the store that the other's can be held to"
        )
    return _by_test(paired, rule)


def compared(first: Judged, second: Judged, metric: Metric) -> Paired | None:
    """Compare two on the series that both have predictions of; None where there are none, or not the same."""
    a, b = first.predictions, second.predictions
    if a is None or b is None or first.data != second.data:
        return None
    return compare_predictions(a, b, metric)


def sentence(paired: Paired, metric: Metric) -> str:
    """Say what a comparison found."""
    figures = f"{metric.text(paired.first)} beside {metric.text(paired.second)}"
    return f"out-of-fold {metric.title} {figures} on the same {paired.n} series"


def _by_test(paired: Paired, rule: Rule) -> Verdict:
    said = sentence(paired, rule.metric)
    if not paired.gain > 0:
        return Verdict("challenger", f"{said}: not better")
    found = f"p = {paired.p:.2g}, level {rule.level:g}"
    if paired.p > rule.level:
        return Verdict("challenger", f"{said}: no more than chance gives ({found})")
    if paired.p_folds > level_over_folds(rule.level, paired.n):
        reason = f"{said}: the folds do not agree, so lucky trainings may have given it"
        return Verdict("challenger", f"{reason} (p = {paired.p_folds:.2g})")
    if paired.gain <= rule.tolerance:
        return Verdict("challenger", f"{said}: not better by more than {rule.tolerance:g}")
    return Verdict("promoted", f"{said}: more than chance gives ({found})")


def _weakness(candidate: Judged, metric: Metric) -> str:
    """Say that a candidate is no better than always naming the largest class; nothing where it is."""
    predictions = candidate.predictions
    if predictions is None or not predictions.held.any():
        return ""
    y, probabilities = predictions.y[predictions.held], predictions.probabilities[predictions.held]
    naming = np.zeros_like(probabilities)
    naming[:, np.bincount(y).argmax()] = 1
    own, trivial = metric.function(y, probabilities), metric.function(y, naming)
    if own > trivial if metric.higher_is_better else own < trivial:
        return ""
    figures = f"out-of-fold {metric.title} {metric.text(own)} beside {metric.text(trivial)}"
    return f"no better than always naming the largest class ({figures})"
