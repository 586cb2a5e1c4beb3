"""References beside the networks of a dataset: who is better out of fold, beyond chance.

The tests are those of a promotion (`lstmfcn.evaluation.paired`), on the same out-of-fold predictions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from lstmfcn.evaluation.metrics import DEFAULT, Metric, all_metrics
from lstmfcn.evaluation.paired import Paired, beyond_chance, compare_predictions
from lstmfcn.runs.predictions import Predictions

Verdict = Literal["better", "as good", "behind"]


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A reference beside the networks of a dataset.

    Attributes
    ----------
    dataset, reference, network
        The network with the best evidence stands beside the reference.
    metric
        By which metric: the one that chooses or, where that needs probabilities, accuracy: most references
        name a class, and are sure of it.
    value, other
        The reference's and the network's, out of fold, on the same series.
    n_series
        How many these are.
    p, p_folds
        See `lstmfcn.evaluation.paired.Paired`; of the reference being better where it is ahead, of the
        network otherwise.
    verdict
        "better": than every network, beyond chance. "behind": a network is better, beyond chance. Else "as
        good": what difference there is may be chance.
    """

    dataset: str
    reference: str
    network: str
    metric: str
    value: float
    other: float
    n_series: int
    p: float
    p_folds: float
    verdict: Verdict

    def sentence(self, title: str, other: str, cost: str = "") -> str:
        """Say how it stands, where that is of use: nothing of a reference that is behind.

        Parameters
        ----------
        title, other
            What people call the reference and the network.
        cost
            What either took, as the end of the sentence.
        """
        metric = all_metrics().get(self.metric)
        if self.verdict == "behind" or metric is None:
            return ""
        figures = f"{metric.text(self.value)} beside {metric.text(self.other)} of {other}"
        end = f", {cost}" if cost else ""
        if self.verdict == "better":
            said = f"is better here beyond chance ({figures}, p = {self.p:.2g})"
        elif self.value == self.other:
            said = f"does as well here ({figures})"
        else:
            said = f"does as well here ({figures}, not beyond chance)"
        return f"{self.dataset}: {title} {said}{end}."


def metric_for(metric: Metric) -> Metric:
    """Return by which metric references are compared, where one chooses; see `Beside.metric`."""
    return all_metrics()[DEFAULT] if metric.needs_probabilities else metric


def beside(
    dataset: str,
    reference: tuple[str, Predictions],
    networks: Mapping[str, Predictions],
    metric: Metric,
    *,
    level: float,
) -> Beside | None:
    """Compare a reference with the networks of its dataset.

    Parameters
    ----------
    dataset
        Its name.
    reference
        The reference's name, and its out-of-fold predictions.
    networks
        Those of the best run of each network by its name, the best first.
    metric
        See `metric_for`.
    level
        That of a promotion.

    Returns
    -------
    Beside or None
        None where there is no network, or nothing that can be compared.
    """
    name, mine = reference
    pairs: dict[str, tuple[Paired, Paired]] = {}
    for network, theirs in networks.items():
        ahead, after = (compare_predictions(*two, metric) for two in ((mine, theirs), (theirs, mine)))
        if ahead is not None and after is not None:
            pairs[network] = ahead, after
    if not pairs:
        return None
    better = all(beyond_chance(ahead, level) for ahead, _ in pairs.values())
    behind = any(beyond_chance(after, level) for _, after in pairs.values())
    best, (ahead, after) = next(iter(pairs.items()))
    told = ahead if ahead.gain > 0 else after
    return Beside(
        dataset=dataset,
        reference=name,
        network=best,
        metric=metric.name,
        value=ahead.first,
        other=ahead.second,
        n_series=ahead.n,
        p=told.p,
        p_folds=told.p_folds,
        verdict="better" if better else "behind" if behind else "as good",
    )


def as_table(rows: list[Beside]) -> pd.DataFrame:
    """Return rows as a table, with the columns alone where there are none."""
    return pd.DataFrame([vars(row) for row in rows], columns=list(Beside.__annotations__))
