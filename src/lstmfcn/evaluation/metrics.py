"""The table of metrics: what every evaluated run is measured by, a row each.

Results, their comparison, the report and the summary go through this table; a metric of another
package joins it through an entry point of the group `lstmfcn.metrics`. Training chooses by
`lstmfcn.evaluation.scores` and does not import the table, so that a new row reruns no training.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lstmfcn.errors import LstmfcnError
from lstmfcn.evaluation import scores

GROUP = "lstmfcn.metrics"
"""The entry points under which other packages offer metrics."""

Function = Callable[[NDArray[np.int64], NDArray[np.float32]], float]


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
        number.
    format
        How the number is written, as Python's `format` takes it.
    higher_is_better
        The direction.
    headline
        Whether it stands in `metrics.json`, the comparison, the list of champions and the summary, or
        in the full tables alone.

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

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"{self.name!r} names no metric: letters, digits and underscores do.")

    def text(self, value: float | None, missing: str = "–") -> str:
        """Return a value as people read it; `missing` for None and NaN."""
        return missing if value is None or np.isnan(value) else format(value, self.format)


def _accuracy(y: NDArray[np.int64], probabilities: NDArray[np.float32]) -> float:
    return scores.accuracy(y, probabilities.argmax(axis=1))


def _pce(y: NDArray[np.int64], probabilities: NDArray[np.float32]) -> float:
    return scores.per_class_error(_accuracy(y, probabilities), probabilities.shape[1])


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric("accuracy", "accuracy", _accuracy),
            Metric("pce", "PCE", _pce, higher_is_better=False),
            Metric("log_loss", "log loss", scores.log_loss, higher_is_better=False, headline=False),
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
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        metric = _load(point)
        if metric.name in found:
            raise LstmfcnError(
                f"The entry point {point.value} ({GROUP}) offers a second metric called {metric.name!r}. "
                "Rename it, or uninstall its package."
            )
        found[metric.name] = metric
    return MappingProxyType(found)


def headline_metrics() -> list[Metric]:
    """Return those of `all_metrics` that stand everywhere."""
    return [metric for metric in all_metrics().values() if metric.headline]


def score(y: NDArray[np.int64], probabilities: NDArray[np.float32]) -> dict[str, float]:
    """Measure predictions by every metric, in the order of the table.

    Parameters
    ----------
    y
        Class indices, int64, shape (n_series,).
    probabilities
        float32, shape (n_series, n_classes), nothing missing.
    """
    return {name: float(metric.function(y, probabilities)) for name, metric in all_metrics().items()}


def columns() -> list[str]:
    """Return the columns of a table of results that hold metrics: out of fold, then of the test split."""
    names = list(all_metrics())
    return [*(f"oof_{name}" for name in names), *names]


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
