"""The comparison of methods: among ourselves, and beside the paper's Table I."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lstmfcn.evaluation.metrics import binomial_interval, mean_per_class_error
from lstmfcn.evaluation.ranks import mean_ranks, ranks
from lstmfcn.evaluation.reference import PAPER_COLUMN, printed_methods
from lstmfcn.evaluation.significance import DIGITS, MIN_DATASETS, signed_rank, wilcoxon_table
from lstmfcn.files import write_json, write_text
from lstmfcn.report.summary import in_columns

METHOD = ["model", "phase"]


def read_results(path: Path) -> pd.DataFrame:
    """Read a table of results; a dataset called 101 or NA keeps its name.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    names = {"dataset": str, "recipe": str, "commit": str}
    return pd.read_csv(path, dtype=names, keep_default_na=False, na_values=[""])


@dataclass(frozen=True)
class Comparison:
    """What the results say, as tables.

    Attributes
    ----------
    beside_paper
        A row a dataset, method and protocol: our accuracy (the mean of the seeds) with its interval,
        the paper's, the difference, whether the paper's lies inside the interval, and whether the paper
        used the other edition's split. What was selected on the test split comes last.
    summary
        A row a method and protocol: datasets, mean accuracy, MPCE, mean ranks (the paper's rule for
        ties) over the datasets that all methods have. What was selected on the test split has no rank.
    wilcoxon
        See `lstmfcn.evaluation.significance.wilcoxon_table`; empty where there are too few datasets.
    scores
        Accuracies of our methods, the paper's Table I and the other classifiers, a row a dataset that
        all of them have, a column a method.
    wilcoxon_all
        The tests among all those methods.
    table2
        The paper's Table II: each printed p-value beside the one recomputed from Table I and the
        classifiers that `compare.references` names, where both methods are among them.
    fine_tuning
        See `fine_tuning`.
    notes
        What a reader has to know, in sentences.
    """

    beside_paper: pd.DataFrame
    summary: pd.DataFrame
    wilcoxon: pd.DataFrame
    scores: pd.DataFrame
    wilcoxon_all: pd.DataFrame
    table2: pd.DataFrame
    fine_tuning: pd.DataFrame
    notes: tuple[str, ...]


def compare(
    results: pd.DataFrame,
    table1: pd.DataFrame,
    table2: pd.DataFrame,
    references: pd.DataFrame,
    *,
    significance: float,
) -> Comparison:
    """Compare the methods of `results/results.csv`.

    Parameters
    ----------
    results
        As the `evaluate` stage writes them: a row a dataset, model, iteration and seed.
    table1, table2, references
        As `load_table1`, `load_table2` and `load_references` read them.
    significance
        The error rate of the tests.
    """
    order = ["selected_on", "dataset", *METHOD, "protocol"]
    every = (
        results[results["chosen"]]
        .groupby(order, sort=True, as_index=False)
        .agg(
            n_test=("n_test", "first"),
            n_classes=("n_classes", "first"),
            edition=("edition", "first"),
            seeds=("seed", "nunique"),
            accuracy=("accuracy", "mean"),
            pce=("pce", "mean"),
        )
    )
    every["accuracy"] = every["accuracy"].round(DIGITS)
    every = every.sort_values(order, ascending=[False, *[True] * (len(order) - 1)], kind="stable")
    means = every[every["selected_on"] == "train"]
    scores = means.pivot_table(index="dataset", columns=METHOD, values="accuracy")
    scores.columns = pd.Index([" ".join(column) for column in scores.columns])
    common = scores.dropna()
    notes = []
    if left_out := sorted(set(scores.index) - set(common.index)):
        notes.append(f"Not ranked, since a method lacks a result: {', '.join(left_out)}.")
    tests = _tests(common, significance)
    if tests.empty:
        notes.append(
            f"No Wilcoxon test: it takes {MIN_DATASETS} datasets and two methods before one can be "
            f"significant, and there are {len(common)} and {len(common.columns)}."
        )
    beside = _beside_paper(every, table1)
    if swapped := sorted(set(beside.loc[beside["split_sizes_swapped"], "dataset"])):
        notes.append(f"The paper used the 2015 edition's split of {', '.join(swapped)}; we used 2018's.")
    if len(means) < len(every):
        notes.append("What was selected on the test split (protocol: paper) stands apart and is not ranked.")
    printed = printed_methods(table1)
    among = _among_all(scores, printed, references)
    if references.shape[1] and (gone := sorted(set(common.index) - set(among.index))):
        notes.append(f"Not among all methods, since one lacks a result: {', '.join(gone)}.")
    return Comparison(
        beside,
        _summary(every, common),
        tests,
        among,
        _tests(among, significance),
        _beside_table2(table2, printed.join(references)),
        fine_tuning(results),
        tuple(notes),
    )


def _tests(scores: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Return the tests between all pairs of methods; none where no test could be significant."""
    enough = len(scores) >= MIN_DATASETS and len(scores.columns) > 1
    return wilcoxon_table(scores if enough else scores.iloc[:0, :0], alpha=alpha)


def _among_all(ours: pd.DataFrame, printed: pd.DataFrame, references: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracies of all methods on the datasets that all of them have."""
    named = ours.rename(columns=lambda method: f"ours, {method}")
    paper = printed.rename(columns=lambda method: f"paper, {method}")
    return named.join(paper).join(references).dropna()


def _beside_table2(table2: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
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


def fine_tuning(results: pd.DataFrame) -> pd.DataFrame:
    """Return what each iteration of Algorithm 1 gave: the paper's claim that accuracy does not fall.

    Parameters
    ----------
    results
        As for `compare`.

    Returns
    -------
    pandas.DataFrame
        A row a model, protocol and iteration (0 is phase 1), over the datasets and the mean of their
        seeds: n_datasets, oof_accuracy, accuracy (on the test split), and on how many datasets the test
        accuracy is higher, equal and lower than phase 1's, with Wilcoxon's p of that difference.
    """
    by = ["model", "protocol", "selected_on", "iteration"]
    means = (
        results.groupby(["dataset", *by], as_index=False)[["oof_accuracy", "accuracy"]].mean().round(DIGITS)
    )
    rows = []
    for key, group in means.groupby(by, sort=True):
        *method, iteration = key
        first = means[(means[by[:3]] == method).all(axis=1) & (means["iteration"] == 0)]
        pairs = group.set_index("dataset")["accuracy"].sub(first.set_index("dataset")["accuracy"]).dropna()
        enough = iteration != 0 and len(pairs) >= MIN_DATASETS
        rows.append(
            dict(zip(by, (*method, iteration), strict=True))
            | {
                "n_datasets": len(group),
                "oof_accuracy": group["oof_accuracy"].mean(),
                "accuracy": group["accuracy"].mean(),
                "n_higher": int((pairs > 0).sum()),
                "n_equal": int((pairs == 0).sum()),
                "n_lower": int((pairs < 0).sum()),
                "p": signed_rank(pairs.to_numpy()) if enough else None,
            }
        )
    return pd.DataFrame(rows)


def _summary(every: pd.DataFrame, common: pd.DataFrame) -> pd.DataFrame:
    rank = mean_ranks(ranks(common, ties="min")) if len(common) else pd.DataFrame()
    rows = []
    for (selected_on, model, phase, protocol), group in every.groupby(
        ["selected_on", *METHOD, "protocol"], sort=False
    ):
        at = f"{model} {phase}" if selected_on == "train" and len(rank) else None
        ranked = {f"{k}_mean_rank": rank.at[at, k] if at else None for k in ("arithmetic", "geometric")}
        rows.append(
            {
                "model": model,
                "phase": phase,
                "protocol": protocol,
                "selected_on": selected_on,
                "n_datasets": len(group),
                "mean_accuracy": group["accuracy"].mean(),
                "mpce": mean_per_class_error(group["pce"].to_numpy()),
                **ranked,
            }
        )
    return pd.DataFrame(rows)


def _beside_paper(means: pd.DataFrame, table1: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for mean in means.to_dict("records"):
        dataset, column = mean["dataset"], PAPER_COLUMN.get((mean["model"], mean["phase"]))
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
                "paper": paper,
                "difference": None if paper is None else mean["accuracy"] - paper,
                "inside_interval": None if paper is None else low <= paper <= high,
                "split_sizes_swapped": known
                and mean["edition"] != 2015
                and bool(table1.at[dataset, "split_sizes_swapped_2015_2018"]),
            }
        )
    return pd.DataFrame(rows)


TABLES = ("beside_paper", "summary", "wilcoxon", "wilcoxon_all", "table2", "fine_tuning")


def write(comparison: Comparison, folder: Path) -> None:
    """Write a CSV for each table, and `comparison.json` with the summary and the notes."""
    for name in TABLES:
        table: pd.DataFrame = getattr(comparison, name)
        write_text(folder / f"{name}.csv", table.to_csv(index=False, float_format="%.9g"))
    write_text(folder / "scores.csv", comparison.scores.to_csv(float_format="%.9g"))
    summary: list[dict[str, Any]] = json.loads(comparison.summary.to_json(orient="records"))
    write_json(folder / "comparison.json", {"summary": summary, "notes": list(comparison.notes)})


def table1_beside_ours(comparison: Comparison) -> str:
    """Return the paper's Table I beside ours as text for a terminal.

    Each row says how the paper's figure stands to the noise of a test split of that size: inside or
    outside the 95 % interval of ours.
    """
    shown = comparison.beside_paper
    lines = [
        ("DATASET", "MODEL", "PHASE", "PROTOCOL", "SEEDS", "OURS", "95 % INTERVAL", "PAPER", "DIFFERENCE", "")
    ]
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
                f"{row['paper']:.4f}" if known else "",
                f"{row['difference']:+.4f}" if known else "",
                verdict + (", other split" if row["split_sizes_swapped"] else ""),
            )
        )
    return in_columns(lines)
