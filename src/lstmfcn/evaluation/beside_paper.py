"""Ours beside the paper's tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from lstmfcn.evaluation.pairs import pair_table
from lstmfcn.evaluation.resamples import SD
from lstmfcn.evaluation.scores import binomial_interval
from lstmfcn.evaluation.significance import MIN_DATASETS, signed_rank

ORDER = ["selected_on", "dataset", "model", "phase", "protocol"]
"""What tells the rows of the tables of means apart, and sorts them."""

PaperColumn = Callable[[str, str], str | None]
"""From a classifier and a phase to the column of Table I; None where the paper has none."""


def beside_paper(
    means: pd.DataFrame, over: pd.DataFrame, table1: pd.DataFrame, paper_column: PaperColumn
) -> pd.DataFrame:
    """Return our accuracies beside those of the paper's Table I; see `lstmfcn.evaluation.comparison`.

    Parameters
    ----------
    means
        The accuracy of each dataset, method and protocol on its own split, the mean of its seeds.
    over
        The same over the resamples, as `lstmfcn.evaluation.resamples.spread` returns it.
    table1
        As `load_table1` reads it.
    paper_column
        Which column stands beside a classifier and phase.
    """
    rows, by = [], over.set_index(ORDER)
    for mean in means.to_dict("records"):
        resamples = by.loc[tuple(mean[name] for name in ORDER)]
        dataset, column = mean["dataset"], paper_column(mean["model"], mean["phase"])
        known = dataset in table1.index and column is not None
        paper = float(table1.at[dataset, column]) if known else None  # type: ignore[arg-type]
        low, high = binomial_interval(round(mean["accuracy"] * mean["n_test"]), mean["n_test"])
        rows.append(
            {
                "dataset": dataset,
                "model": mean["model"],
                "phase": mean["phase"],
                "protocol": mean["protocol"],
                "selected_on": mean["selected_on"],
                "seeds": mean["seeds"],
                "ours": mean["accuracy"],
                "ours_low": low,
                "ours_high": high,
                "resamples": int(resamples["resamples"]),
                "ours_mean": resamples["accuracy"],
                "ours_sd": resamples["accuracy" + SD],
                "paper": paper,
                "difference": None if paper is None else mean["accuracy"] - paper,
                "inside_interval": None if paper is None else low <= paper <= high,
                "split_sizes_swapped": known
                and mean["edition"] != 2015
                and bool(table1.at[dataset, "split_sizes_swapped_2015_2018"]),
            }
        )
    return pd.DataFrame(rows)


def same_split(beside: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracies that can be set against Table I, a row a dataset, ours and the paper's by column.

    Without what was selected on the test split, and without datasets of which the paper used the other
    edition's split.

    Parameters
    ----------
    beside
        As `beside_paper` returns it.
    """
    alike = beside[(beside["selected_on"] == "train") & ~beside["split_sizes_swapped"].astype(bool)]
    alike = alike[alike["paper"].notna()]
    methods = alike.assign(method=alike["model"] + " " + alike["phase"])
    table = methods.pivot_table(index="dataset", columns="method", values=["ours", "paper"], aggfunc="mean")
    table.columns = pd.Index([", ".join(column) for column in table.columns], dtype=object)
    return table


def paper_pairs(beside: pd.DataFrame, *, alpha: float, rope: float) -> pd.DataFrame:
    """Compare each of our methods with the same method in the paper's Table I.

    Parameters
    ----------
    beside
        As `beside_paper` returns it.
    alpha, rope
        As for `lstmfcn.evaluation.pairs.pair_table`, which says what is returned.
    """
    scores = same_split(beside)
    pairs = [(f"ours, {name}", f"paper, {name}") for name in _methods(scores)]
    return pair_table(scores, pairs, alpha=alpha, rope=rope)


def _methods(scores: pd.DataFrame) -> list[str]:
    """Return the methods of `same_split`'s table."""
    return [name.removeprefix("ours, ") for name in scores.columns if name.startswith("ours, ")]


def beside_table2(table2: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Return each p-value that Table II prints beside the one recomputed, where both methods are known.

    Parameters
    ----------
    table2
        As `load_table2` reads it.
    scores
        Accuracies, a row a dataset, a column a method; NaN where there is none.
    """
    rows = []
    for row in table2.to_dict("records"):
        a, b = row["classifier_a"], row["classifier_b"]
        pair = scores[[a, b]].dropna() if {a, b} <= set(scores.columns) else pd.DataFrame()
        enough = len(pair) >= MIN_DATASETS
        rows.append(
            {
                "classifier_a": a,
                "classifier_b": b,
                "printed": row["wilcoxon_p"],
                "recomputed": signed_rank((pair[a] - pair[b]).to_numpy(np.float64)) if enough else None,
                "n_datasets": len(pair) if enough else None,
            }
        )
    return pd.DataFrame(rows).astype({"n_datasets": "Int64"})
