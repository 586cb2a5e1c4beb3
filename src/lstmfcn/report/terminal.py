"""Tables as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lstmfcn.classifiers.table import has_phases
from lstmfcn.evaluation.comparison import Comparison
from lstmfcn.report.summary import in_columns

MOST_PAIRS = 15

_TESTED = ("95 % INTERVAL", "P", "P (HOLM)", "BETTER/EQUIVALENT/WORSE")

OURS = 7
"""So many columns are ours; those of the paper follow."""

OVER = "OVER THE RESAMPLES"
"""The column of means and standard deviations, where there are resamples."""


def table1_beside_ours(comparison: Comparison) -> str:
    """Return ours, and the paper's Table I beside it, as text for a terminal.

    Each row says how the paper's figure stands to the noise of a test split of that size: inside or
    outside the 95 % interval of ours. Where the paper has none of the datasets, its columns are left out.
    All of that is of the datasets' own splits; over the resamples stand mean, standard deviation and number.
    """
    shown = comparison.beside_paper
    resampled = bool((shown["resamples"] > 1).any())
    titles = ("DATASET", "MODEL", "PHASE", "PROTOCOL", "SEEDS", "OURS", "95 % INTERVAL")
    over = (OVER,) if resampled else ()
    lines = [(*titles, *over, "PAPER", "DIFFERENCE", "")]
    for row in shown.to_dict("records"):
        known = not pd.isna(row["paper"])
        verdict = "" if not known else "inside" if row["inside_interval"] else "outside"
        lines.append(
            (
                row["dataset"],
                row["model"],
                row["phase"],
                row["protocol"] + (" (selected on test)" if row["selected_on"] == "test" else ""),
                str(row["seeds"]),
                f"{row['ours']:.4f}",
                f"{row['ours_low']:.4f} to {row['ours_high']:.4f}",
                *((_over(row),) if resampled else ()),
                f"{row['paper']:.4f}" if known else "",
                f"{row['difference']:+.4f}" if known else "",
                verdict + (", other split" if row["split_sizes_swapped"] else ""),
            )
        )
    columns = None if shown["paper"].notna().any() else OURS + resampled
    return in_columns([line[:columns] for line in lines])


def pairs_of_methods(comparison: Comparison) -> str:
    """Return our methods against each other and against the references, as text for a terminal.

    At most `MOST_PAIRS` of them, the best methods' first; what few datasets do not allow has no column.
    """
    pairs = comparison.pairs
    shown = pairs[:MOST_PAIRS]
    tested = bool(shown["p"].notna().any())
    lines = [
        ("METHOD", "AGAINST", "DATASETS", "DIFFERENCE", "WINS/TIES/LOSSES", *(_TESTED if tested else ()))
    ]
    for row in shown.to_dict("records"):
        line = (
            _method(row["method_a"]),
            _method(row["method_b"]),
            str(row["n_datasets"]),
            f"{row['difference']:+.4f}",
            f"{row['wins']}/{row['ties']}/{row['losses']}",
        )
        lines.append(line + (_tests(row) if tested else ()))
    text = in_columns(lines)
    if len(pairs) > len(shown):
        text += f"\nand {len(pairs) - len(shown)} more in comparison/pairs.csv"
    return text


def _method(name: str) -> str:
    """Return the name of a method, its phase with it where it has one."""
    model, _, _ = name.partition(" ")
    return name if has_phases(model) else model


def _tests(row: Mapping[Any, Any]) -> tuple[str, ...]:
    """Return what the tests say of a pair; empty cells where it has too few datasets."""
    if pd.isna(row["p"]):
        return ("",) * len(_TESTED)
    outcomes = [row[name] for name in ("better", "equivalent", "worse")]
    return (
        f"{row['difference_low']:+.4f} to {row['difference_high']:+.4f}",
        f"{row['p']:.2g}",
        f"{row['p_holm']:.2g}",
        "/".join("-" if pd.isna(value) else f"{value:.2f}" for value in outcomes),
    )


def _over(row: Mapping[Any, Any]) -> str:
    """Return mean, standard deviation and number of the resamples of a row."""
    if row["resamples"] == 1:
        return "own split alone"
    return f"{row['ours_mean']:.4f} ± {row['ours_sd']:.4f} ({row['resamples']})"
