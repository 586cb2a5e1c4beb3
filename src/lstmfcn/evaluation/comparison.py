"""The comparison of methods: among ourselves, and beside the paper's Table I."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lstmfcn.evaluation.metrics import Metric, headline_metrics
from lstmfcn.evaluation.ranks import mean_ranks, ranks
from lstmfcn.evaluation.reference import printed_methods
from lstmfcn.evaluation.scores import binomial_interval, mean_per_class_error
from lstmfcn.evaluation.significance import DIGITS, MIN_DATASETS, signed_rank, wilcoxon_table

METHOD = ["model", "phase"]

CLASS_ERROR = "mean_class_error"
"""The column of the mean over the datasets of the classes' mean error, 1 - balanced accuracy; not MPCE."""

PaperColumn = Callable[[str, str], str | None]
"""From a classifier and a phase to the column of Table I; None where the paper has none."""


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
        A row a method and protocol: datasets, the mean of each headline metric (see `mean_of`), the mean
        error of the classes (`CLASS_ERROR`), mean ranks (the paper's rule for ties) over the datasets that
        all methods have. What was selected on the test split has no rank.
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
    paper_column: PaperColumn,
    others: Collection[str] = (),
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
    paper_column
        Which column of Table I stands beside a classifier and phase.
    others
        The classifiers that were run as references. One that lacks a dataset that every other classifier has
        is not ranked, so that it costs these no dataset; and none is fine-tuned.
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
            **{metric.name: (metric.name, "mean") for metric in _shown(results)},
        )
    )
    every["accuracy"] = every["accuracy"].round(DIGITS)
    every = every.sort_values(order, ascending=[False, *[True] * (len(order) - 1)], kind="stable")
    means = every[every["selected_on"] == "train"]
    notes = []
    scores = means.pivot_table(index="dataset", columns=METHOD, values="accuracy")
    whose = {column: "here" if column[0] in others else "ours" for column in scores.columns.tolist()}
    needed = scores[[column for column in whose if whose[column] == "ours"]].dropna().index
    lacking = [c for c in whose if whose[c] == "here" and scores.loc[needed, [c]].isna().any(axis=None)]
    if lacking:
        named = ", ".join(str(column[0]) for column in lacking)
        notes.append(f"Not ranked, since it lacks a dataset that the others have: {named}.")
    scores = scores.drop(columns=lacking)
    called = {" ".join(column): name for column, name in whose.items() if column not in lacking}
    scores.columns = pd.Index(list(called))
    common = scores.dropna()
    if left_out := sorted(set(scores.index) - set(common.index)):
        notes.append(f"Not ranked, since a method lacks a result: {', '.join(left_out)}.")
    tests = _tests(common, significance)
    if tests.empty:
        notes.append(
            f"No Wilcoxon test: it takes {MIN_DATASETS} datasets and two methods before one can be "
            f"significant, and there are {len(common)} and {len(common.columns)}."
        )
    beside = _beside_paper(every, table1, paper_column)
    if swapped := sorted(set(beside.loc[beside["split_sizes_swapped"], "dataset"])):
        notes.append(f"The paper used the 2015 edition's split of {', '.join(swapped)}; we used 2018's.")
    if len(means) < len(every):
        notes.append("What was selected on the test split (protocol: paper) stands apart and is not ranked.")
    printed = printed_methods(table1)
    among = _among_all(scores, called, printed, references)
    if references.shape[1] and (gone := sorted(set(common.index) - set(among.index))):
        notes.append(f"Not among all methods, since one lacks a result: {', '.join(gone)}.")
    return Comparison(
        beside,
        _summary(every, common),
        tests,
        among,
        _tests(among, significance),
        _beside_table2(table2, printed.join(references)),
        fine_tuning(results[~results["model"].isin(list(others))]),
        tuple(notes),
    )


def mean_of(metric: Metric) -> tuple[str, str]:
    """Return the name and the title of a metric's mean over datasets: the paper calls that of PCE MPCE."""
    return ("mpce", "MPCE") if metric.name == "pce" else (f"mean_{metric.name}", f"mean {metric.title}")


def _shown(results: pd.DataFrame) -> list[Metric]:
    """Return the headline metrics that results have: those made before a metric was added lack it."""
    return [metric for metric in headline_metrics() if metric.name in results]


def _tests(scores: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Return the tests between all pairs of methods; none where no test could be significant."""
    enough = len(scores) >= MIN_DATASETS and len(scores.columns) > 1
    return wilcoxon_table(scores if enough else scores.iloc[:0, :0], alpha=alpha)


def _among_all(
    ours: pd.DataFrame, whose: Mapping[str, str], printed: pd.DataFrame, references: pd.DataFrame
) -> pd.DataFrame:
    """Return the accuracies of all methods on the datasets that all of them have.

    Methods that were run here are called "ours", or as `whose` has it: a reference's are not.
    """
    named = ours.rename(columns=lambda method: f"{whose[method]}, {method}")
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
        at = f"{model} {phase}" if selected_on == "train" else None
        is_ranked = at in rank.index
        ranked = {
            f"{k}_mean_rank": rank.at[at, k] if is_ranked else None for k in ("arithmetic", "geometric")
        }
        rows.append(
            {
                "model": model,
                "phase": phase,
                "protocol": protocol,
                "selected_on": selected_on,
                "n_datasets": len(group),
                **{mean_of(metric)[0]: group[metric.name].mean() for metric in _shown(group)},
                "mpce": mean_per_class_error(group["pce"].to_numpy()),
                **(
                    {CLASS_ERROR: 1 - group["balanced_accuracy"].mean()}
                    if "balanced_accuracy" in group
                    else {}
                ),
                **ranked,
            }
        )
    return pd.DataFrame(rows)


def _beside_paper(means: pd.DataFrame, table1: pd.DataFrame, paper_column: PaperColumn) -> pd.DataFrame:
    rows = []
    for mean in means.to_dict("records"):
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
                "paper": paper,
                "difference": None if paper is None else mean["accuracy"] - paper,
                "inside_interval": None if paper is None else low <= paper <= high,
                "split_sizes_swapped": known
                and mean["edition"] != 2015
                and bool(table1.at[dataset, "split_sizes_swapped_2015_2018"]),
            }
        )
    return pd.DataFrame(rows)
