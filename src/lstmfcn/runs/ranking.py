"""What may choose: out-of-fold predictions of the training split, and nothing else.

But for `protocol: paper`: its runs are judged on the test split, as the paper's are, shown apart and
never promoted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol

from lstmfcn.runs.run import Run


class Criterion(Protocol):
    """What chooses: a `lstmfcn.evaluation.metrics.Metric` is one."""

    @property
    def name(self) -> str:
        """It is the metric `oof_<name>` of a run."""

    @property
    def higher_is_better(self) -> bool:
        """The direction."""


def evidence(run: Run, metric: Criterion) -> tuple[float, float]:
    """Return what a run is chosen by: a metric out of fold, then the lower out-of-fold loss.

    Both are turned so that the higher is the better.

    A run in which the metric is not defined (without out-of-fold predictions, since each class has a single
    series) has the lowest. A run of `protocol: paper` has its accuracy on the test split instead.
    """
    if run.selected_on == "test":
        return (run.metrics["selection_accuracy"] or 0.0, 0.0)
    value, loss = run.metrics.get(f"oof_{metric.name}"), run.metrics.get("oof_log_loss")
    if value is None or loss is None or math.isnan(value):
        return (-math.inf, 0.0)
    return (value if metric.higher_is_better else -value, -loss)


def rank(runs: Iterable[Run], metric: Criterion) -> list[Run]:
    """Return runs by their evidence, the best first.

    Where evidence ties, the simpler goes first: fewer fine-tuning iterations, then fewer cells, then
    the lower seed.
    """

    def order(run: Run) -> tuple[float, ...]:
        value, negative_loss = evidence(run, metric)
        one = run.identity
        return (-value, -negative_loss, float(one.number), float(run.cells or 0), float(one.seed))

    return sorted(runs, key=order)
