"""All that is measured of predictions, and what the columns are called in which it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from lstmfcn.evaluation.calibration import calibrated
from lstmfcn.evaluation.measures import sensitivities
from lstmfcn.evaluation.metrics import Labels, Probabilities, all_metrics, score

CALIBRATED = "calibrated_"
"""How the names of metrics of calibrated predictions begin."""

SENSITIVITY = "sensitivity_"
"""How the names of the classes' sensitivities begin."""


def measure(y: Labels, probabilities: Probabilities, classes: Sequence[str]) -> dict[str, float]:
    """Return `score`, the ends of each interval as `<name>_low` and `<name>_high`, and the sensitivities.

    Parameters
    ----------
    y, probabilities
        As for `score`.
    classes
        The labels, in the order of the probabilities. See `sensitivity_names`; a class without series has
        none.
    """
    found: dict[str, float] = {}
    for name, value in score(y, probabilities).items():
        found[name] = value
        if (interval := all_metrics()[name].interval) is not None:
            found |= zip(ends_of(name), interval(y, probabilities), strict=True)
    shares = sensitivities(y, probabilities.argmax(axis=1), len(classes))
    named = zip(sensitivity_names(classes), shares.tolist(), strict=True)
    return found | {name: share for name, share in named if not np.isnan(share)}


def measure_calibrated(y: Labels, probabilities: Probabilities, temperature: float) -> dict[str, float]:
    """Measure predictions as a temperature makes them, by each metric that needs probabilities.

    Returns
    -------
    dict of str to float
        By the names of `calibrated_columns`.
    """
    after = calibrated(probabilities, temperature)
    return {
        CALIBRATED + name: float(metric.function(y, after))
        for name, metric in all_metrics().items()
        if metric.needs_probabilities
    }


def calibrated_columns() -> list[str]:
    """Return the columns of a table of results that hold metrics of the calibrated test predictions."""
    return [CALIBRATED + name for name, metric in all_metrics().items() if metric.needs_probabilities]


def ends_of(name: str) -> tuple[str, str]:
    """Return what the ends of a metric's interval are called."""
    return f"{name}_low", f"{name}_high"


def sensitivity_names(classes: Sequence[str]) -> list[str]:
    """Return what the sensitivities of classes are called: by their labels, where every tracker takes these.

    Otherwise, that is where one holds more than letters, digits, - and _, by their numbers, counted from 1.
    """
    plain = all(re.fullmatch(r"[\w-]+", label, re.ASCII) for label in classes)
    labels = classes if plain else [f"class_{k}" for k in range(1, len(classes) + 1)]
    return [SENSITIVITY + label for label in labels]


def columns() -> list[str]:
    """Return the columns of a table of results that hold metrics: out of fold, then of the test split."""
    names = [
        column
        for name, metric in all_metrics().items()
        for column in (name, *(ends_of(name) if metric.interval else ()))
    ]
    return [*(f"oof_{name}" for name in names), *names]


def no_better_than(majority_rate: float | None, accuracies: Mapping[str, float | None]) -> str:
    """Say of which predictions an accuracy does not exceed the majority rate; nothing where all do.

    Parameters
    ----------
    majority_rate
        The share of the largest class of the training split; None where it is not known.
    accuracies
        By what they were measured on, in words.
    """
    if majority_rate is None or np.isnan(majority_rate):
        return ""
    low = [
        f"{where} ({value:.4f})"
        for where, value in accuracies.items()
        if value is not None and not np.isnan(value) and value <= majority_rate
    ]
    if not low:
        return ""
    return (
        f"no better than the majority rate: always naming the largest class of the training split is right "
        f"for {majority_rate:.4f} of it, and the accuracy is not above that {' and '.join(low)}"
    )
