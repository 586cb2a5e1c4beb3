"""The table of metrics: what every evaluated run is measured by, a row each.

Results, their comparison, the report, the summary and what chooses go through this table; a metric of
another package joins it through an entry point of the group `lstmfcn.metrics`. Training does not import the
table, so that a new row reruns no training: a search that chooses by a metric is handed it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lstmfcn.errors import LstmfcnError
from lstmfcn.evaluation import intervals, measures, scores
from lstmfcn.evaluation.intervals import Counts
from lstmfcn.plugins import points

GROUP = "lstmfcn.metrics"
"""The entry points under which other packages offer metrics."""

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float32]
Function = Callable[[Labels, Probabilities], float]
Interval = Callable[[Labels, Probabilities], tuple[float, float]]

DEFAULT = "accuracy"
"""The metric that chooses where nobody says another."""


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes
    ----------
    name
        Names the columns: `<name>` on the test split, `oof_<name>` out of fold.
    title
        What people read.
    function
        From class indices, int64 (n_series,), and probabilities, float32 (n_series, n_classes), to a
        number; NaN where it is not defined. A function of a module, so that workers can be sent it.
    format
        How the number is written, as Python's `format` takes it.
    higher_is_better
        The direction.
    headline
        Whether it stands in the comparison, the report's lists and the summary's test figures, or in the full
        tables alone.
    needs_probabilities
        Whether it looks at more than the predicted classes.
    class_balanced
        Whether every class counts alike in it, however many series it has: `train.class_weighting: auto`
        weighs the classes where such a metric chooses.
    interval
        Its 95 % interval, see `lstmfcn.evaluation.intervals`; None where none is defined.

    Raises
    ------
    ValueError
        If the name cannot name a column.
    """

    name: str
    title: str
    function: Function
    format: str = ".4f"
    higher_is_better: bool = True
    headline: bool = True
    needs_probabilities: bool = False
    class_balanced: bool = False
    interval: Interval | None = None

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"{self.name!r} names no metric: letters, digits and underscores do.")

    def text(self, value: float | None, missing: str = "–") -> str:
        """Return a value as people read it; `missing` for None and NaN."""
        return missing if value is None or np.isnan(value) else format(value, self.format)


def _accuracy(y: Labels, p: Probabilities) -> float:
    return scores.accuracy(y, p.argmax(axis=1))


def _accuracy_interval(y: Labels, p: Probabilities) -> tuple[float, float]:
    return intervals.of_share(y, p.argmax(axis=1))


def _pce(y: Labels, p: Probabilities) -> float:
    return scores.per_class_error(_accuracy(y, p), p.shape[1])


def _pce_interval(y: Labels, p: Probabilities) -> tuple[float, float]:
    low, high = _accuracy_interval(y, p)
    return (1 - high) / p.shape[1], (1 - low) / p.shape[1]


def _balanced_accuracy(y: Labels, p: Probabilities) -> float:
    return measures.balanced_accuracy(y, p.argmax(axis=1))


def _balanced_accuracy_interval(y: Labels, p: Probabilities) -> tuple[float, float]:
    return intervals.of_counts(y, p.argmax(axis=1), p.shape[1], _shares_found)


def _shares_found(counts: Counts) -> NDArray[np.float64]:
    return counts.hits / counts.actual


def _macro_f1(y: Labels, p: Probabilities) -> float:
    return measures.macro_f1(y, p.argmax(axis=1))


def _macro_f1_interval(y: Labels, p: Probabilities) -> tuple[float, float]:
    return intervals.of_counts(y, p.argmax(axis=1), p.shape[1], _f1s)


def _f1s(counts: Counts) -> NDArray[np.float64]:
    return 2 * counts.hits / (counts.actual + counts.predicted)


def _lowest_sensitivity(y: Labels, p: Probabilities) -> float:
    return float(np.nanmin(measures.sensitivities(y, p.argmax(axis=1), p.shape[1])))


def _log_loss_interval(y: Labels, p: Probabilities) -> tuple[float, float]:
    return intervals.of_mean(scores.losses(y, p))


def _brier(y: Labels, p: Probabilities) -> float:
    return float(measures.squared_errors(y, p).mean())


def _brier_interval(y: Labels, p: Probabilities) -> tuple[float, float]:
    return intervals.of_mean(measures.squared_errors(y, p))


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric("accuracy", "accuracy", _accuracy, interval=_accuracy_interval),
            Metric("pce", "PCE", _pce, higher_is_better=False, interval=_pce_interval),
            Metric(
                "balanced_accuracy",
                "balanced accuracy",
                _balanced_accuracy,
                class_balanced=True,
                interval=_balanced_accuracy_interval,
            ),
            Metric(
                "macro_f1",
                "macro F1",
                _macro_f1,
                headline=False,
                class_balanced=True,
                interval=_macro_f1_interval,
            ),
            Metric(  # no interval: a bootstrap of a lowest value lies below it
                "lowest_sensitivity",
                "lowest sensitivity",
                _lowest_sensitivity,
                headline=False,
                class_balanced=True,
            ),
            Metric(
                "auroc",
                "AUROC",
                measures.auroc,
                headline=False,
                needs_probabilities=True,
                class_balanced=True,
                interval=intervals.of_auroc,
            ),
            Metric(
                "log_loss",
                "log loss",
                scores.log_loss,
                higher_is_better=False,
                headline=False,
                needs_probabilities=True,
                interval=_log_loss_interval,
            ),
            Metric(
                "brier",
                "Brier score",
                _brier,
                higher_is_better=False,
                headline=False,
                needs_probabilities=True,
                interval=_brier_interval,
            ),
            Metric(  # no interval: its bootstrap lies above it (Kumar et al., 2019)
                "calibration_error",
                "calibration error",
                measures.calibration_error,
                higher_is_better=False,
                headline=False,
                needs_probabilities=True,
            ),
        )
    }
)
"""The package's own metrics, by name, in the order in which they are shown."""


@functools.cache
def all_metrics() -> Mapping[str, Metric]:
    """Return the package's metrics and those of other installed packages, by name, in order.

    Raises
    ------
    LstmfcnError
        Naming the entry point that offers no metric, or one whose name is taken.
    """
    found = dict(METRICS)
    for point in points(GROUP):
        metric = _load(point)
        if metric.name in found:
            raise LstmfcnError(
                f"The entry point {point.value} ({GROUP}) offers a second metric called {metric.name!r}. "
                "Rename it, or uninstall its package."
            )
        found[metric.name] = metric
    return MappingProxyType(found)


def metric_named(name: str) -> Metric:
    """Return one of `all_metrics`; `lstmfcn.config` has checked the names of `params.yaml`."""
    return all_metrics()[name]


def headline_metrics() -> list[Metric]:
    """Return those of `all_metrics` that stand everywhere."""
    return [metric for metric in all_metrics().values() if metric.headline]


def score(y: Labels, probabilities: Probabilities) -> dict[str, float]:
    """Measure predictions by every metric, in the order of the table.

    Parameters
    ----------
    y
        Class indices, int64, shape (n_series,).
    probabilities
        float32, shape (n_series, n_classes), nothing missing.
    """
    return {name: float(metric.function(y, probabilities)) for name, metric in all_metrics().items()}


def _load(point: EntryPoint) -> Metric:
    try:
        metric = point.load()
    except Exception as error:
        raise LstmfcnError(
            f"The entry point {point.value} ({GROUP}) cannot be loaded: {error}. Mend its package or take it "
            "out."
        ) from error
    if not isinstance(metric, Metric):
        raise LstmfcnError(
            f"The entry point {point.value} ({GROUP}) is no lstmfcn.evaluation.metrics.Metric but a "
            f"{type(metric).__name__}. Mend its package or take it out."
        )
    return metric
