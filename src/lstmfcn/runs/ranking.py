"""What may choose: out-of-fold predictions of the training split, and nothing else.

But for `protocol: paper`: its runs are judged on the test split, as the paper's are, shown apart and
never promoted.
"""

from __future__ import annotations

from collections.abc import Iterable

from lstmfcn.runs.run import Run


def evidence(run: Run) -> tuple[float, float]:
    """Return what a run is chosen by: out-of-fold accuracy, then the lower out-of-fold loss.

    A run without out-of-fold predictions (each class has a single series) has the lowest. A run of
    `protocol: paper` has its accuracy on the test split instead.
    """
    if run.selected_on == "test":
        return (run.metrics["selection_accuracy"] or 0.0, 0.0)
    accuracy, loss = run.metrics.get("oof_accuracy"), run.metrics.get("oof_log_loss")
    if accuracy is None or loss is None:
        return (-1.0, 0.0)
    return (accuracy, -loss)


def rank(runs: Iterable[Run]) -> list[Run]:
    """Return runs by their evidence, the best first.

    Where evidence ties, the simpler goes first: fewer fine-tuning iterations, then fewer cells, then
    the lower seed.
    """

    def order(run: Run) -> tuple[float, ...]:
        accuracy, negative_loss = evidence(run)
        one = run.identity
        return (-accuracy, -negative_loss, float(one.number), float(run.cells or 0), float(one.seed))

    return sorted(runs, key=order)
