"""The comparison of methods: among ourselves, and beside the paper's Table I."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd

from lstmfcn.errors import DataError
from lstmfcn.evaluation.beside_paper import ORDER, PaperColumn, beside_paper, beside_table2, paper_pairs
from lstmfcn.evaluation.metrics import Metric, headline_metrics
from lstmfcn.evaluation.pairs import MIN_PAIRED, beside_references, pair_table, pairs_with
from lstmfcn.evaluation.ranks import mean_ranks, ranks
from lstmfcn.evaluation.reference import printed_methods
from lstmfcn.evaluation.resamples import has_resamples, own_split, spread
from lstmfcn.evaluation.scores import mean_per_class_error
from lstmfcn.evaluation.significance import DIGITS, MIN_DATASETS, signed_rank, wilcoxon_table

METHOD = ["model", "phase"]

CLASS_ERROR = "mean_class_error"
"""The column of the mean over the datasets of the classes' mean error, 1 - balanced accuracy; not MPCE."""


@dataclass(frozen=True)
class Comparison:
    """What the results say, as tables.

    Attributes
    ----------
    beside_paper
        A row a dataset, method and protocol: our accuracy (the mean of the seeds) with its interval,
        the paper's, the difference, whether the paper's lies inside the interval, and whether the paper
        used the other edition's split; all on the dataset's own split. Beside it how many resamples there
        are, and mean and standard deviation of our accuracy over them. What was selected on the test split
        comes last.
    summary
        A row a method and protocol: datasets, the mean of each headline metric (see `mean_of`), the mean
        error of the classes (`CLASS_ERROR`), mean ranks (the paper's rule for ties) over the datasets that
        all methods have. Of a dataset the mean over its resamples counts. What was selected on the test
        split has no rank.
    wilcoxon
        See `lstmfcn.evaluation.significance.wilcoxon_table`, of means over the resamples; empty where there
        are too few datasets.
    scores
        Accuracies of our methods, the paper's Table I and the other classifiers, a row a dataset that
        all of them have, a column a method. What others have published is of the datasets' own splits, and
        so is ours here.
    wilcoxon_all
        The tests among all those methods.
    table2
        The paper's Table II: each printed p-value beside the one recomputed from Table I and the
        classifiers that `compare.references` names, where both methods are among them.
    fine_tuning
        See `fine_tuning`.
    accuracies
        Accuracies of our methods and of the classifiers that `compare.references` names: see
        `lstmfcn.evaluation.pairs.beside_references`.
    pairs
        Our methods against each other and against those: see `lstmfcn.evaluation.pairs.pair_table`.
    paper_pairs
        Our methods against the same ones in Table I, as `pairs` has it.
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
    accuracies: pd.DataFrame
    pairs: pd.DataFrame
    paper_pairs: pd.DataFrame
    notes: tuple[str, ...]


def compare(
    results: pd.DataFrame,
    table1: pd.DataFrame,
    table2: pd.DataFrame,
    references: pd.DataFrame,
    *,
    significance: float,
    rope: float,
    paper_column: PaperColumn,
    others: Collection[str] = (),
) -> Comparison:
    """Compare the methods of `results/results.csv`.

    Parameters
    ----------
    results
        As the `evaluate` stage writes them: a row a dataset, resample, model, iteration and seed.
    table1, table2, references
        As `load_table1`, `load_table2` and `load_references` read them.
    significance
        The error rate of the tests.
    rope
        Within how much two accuracies are practically equivalent.
    paper_column
        Which column of Table I stands beside a classifier and phase.
    others
        The classifiers that were run as references. One that lacks a dataset that every other classifier has
        is not ranked, so that it costs these no dataset; and none is fine-tuned.

    Raises
    ------
    DataError
        If a reference has the name of a method of ours or of Table I.
    """
    chosen = results[results["chosen"]]
    every, own = _means(chosen), _means(own_split(chosen))
    means = every[every["selected_on"] == "train"]
    notes = []
    if has_resamples(chosen):
        n = spread(chosen, ["dataset"], ["accuracy"]).set_index("dataset")["resamples"]
        fewer = [f" {name} has {n[name]} alone." for name in n.index if n[name] < n.max()]
        notes.append(
            f"Of a dataset the mean over its {n.max()} resamples counts; beside the paper's figures, and "
            f"others that were published, stand those of its own split.{''.join(fewer)}"
        )
    scores = _scores(every)
    whose = {name: "here" if _model(name) in others else "ours" for name in map(str, scores)}
    needed = scores[[name for name in whose if whose[name] == "ours"]].dropna().index
    if lacking := [n for n in whose if whose[n] == "here" and scores.loc[needed, n].isna().any()]:
        named = ", ".join(map(_model, lacking))
        notes.append(f"Not ranked, since it lacks a dataset that the others have: {named}.")
    scores = scores.drop(columns=lacking)
    common, own_scores = scores.dropna(), _scores(own).reindex(columns=scores.columns)
    if left_out := sorted(set(scores.index) - set(common.index)):
        notes.append(f"Not ranked, since a method lacks a result: {', '.join(left_out)}.")
    tests = _tests(common, significance)
    if tests.empty:
        notes.append(
            f"No Wilcoxon test: it takes {MIN_DATASETS} datasets and two methods before one can be "
            f"significant, and there are {len(common)} and {len(common.columns)}."
        )
    beside = beside_paper(own, spread(chosen, ORDER, ["accuracy"]), table1, paper_column)
    if swapped := sorted(set(beside.loc[beside["split_sizes_swapped"], "dataset"])):
        notes.append(f"The paper used the 2015 edition's split of {', '.join(swapped)}; we used 2018's.")
    if len(means) < len(every):
        notes.append("What was selected on the test split (protocol: paper) stands apart and is not ranked.")
    printed = printed_methods(table1)
    if taken := sorted(map(str, set(references) & {*printed, *scores})):
        raise DataError(
            f"compare.references: {', '.join(taken)} is a method of the paper's Table I or of this study. "
            "Give the other one another name."
        )
    among = _among_all(own_scores, whose, printed, references)
    if references.shape[1] and len(among) and (gone := sorted(set(common.index) - set(among.index))):
        notes.append(f"Not among all methods, the paper's too, since one lacks a result: {', '.join(gone)}.")
    # Published figures are of the own splits.
    paired = own_scores.reindex(common.index) if references.shape[1] else common
    accuracies = beside_references(paired, references)
    notes += _notes_on_pairs(paired, references)
    return Comparison(
        beside,
        _summary(every, common),
        tests,
        among,
        _tests(among, significance),
        beside_table2(table2, printed.join(references)),
        fine_tuning(results),
        accuracies,
        pair_table(accuracies, pairs_with(paired, accuracies), alpha=significance, rope=rope),
        paper_pairs(beside, alpha=significance, rope=rope),
        tuple(notes),
    )


def _notes_on_pairs(ours: pd.DataFrame, references: pd.DataFrame) -> list[str]:
    """Say what the pairs of methods lack, and why."""
    notes = []
    known = references.reindex(ours.index).notna().sum()
    several = len(ours.columns) + (known > 0).sum() > 1
    if several and len(ours) < MIN_PAIRED:
        notes.append(f"No pairs of methods: they take {MIN_PAIRED} datasets, and there are {len(ours)}.")
    elif several and len(ours) < MIN_DATASETS:
        notes.append(
            "No interval of a mean difference, and no Bayesian test: "
            f"these take {MIN_DATASETS} datasets, too."
        )
    for name, count in known[known < len(ours)].items():
        notes.append(
            f"{name} has results on {count} of the {len(ours)} datasets"
            + (": it is compared on these" if count >= MIN_PAIRED else ": it is in no pair")
            + (", without tests." if MIN_PAIRED <= count < MIN_DATASETS <= len(ours) else ".")
        )
    return notes


def _means(chosen: pd.DataFrame) -> pd.DataFrame:
    """Return the means of each dataset, method and protocol over rows, those of seeds and resamples."""
    every = chosen.groupby(ORDER, sort=True, as_index=False).agg(
        n_test=("n_test", "first"),
        n_classes=("n_classes", "first"),
        edition=("edition", "first"),
        seeds=("seed", "nunique"),
        **{metric.name: (metric.name, "mean") for metric in _shown(chosen)},
    )
    every["accuracy"] = every["accuracy"].round(DIGITS)
    return every.sort_values(ORDER, ascending=[False, *[True] * (len(ORDER) - 1)], kind="stable")


def _scores(means: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracies that nothing was selected for on the test split, a row a dataset."""
    honest = means[means["selected_on"] == "train"]
    scores = honest.pivot_table(index="dataset", columns=METHOD, values="accuracy")
    scores.columns = pd.Index([" ".join(column) for column in scores.columns])
    return scores


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


def _model(method: str) -> str:
    """Return the classifier of a method, which is its name and its phase."""
    return method.partition(" ")[0]


def _among_all(
    ours: pd.DataFrame, whose: Mapping[str, str], printed: pd.DataFrame, references: pd.DataFrame
) -> pd.DataFrame:
    """Return the accuracies of all methods on the datasets that all of them have.

    Methods that were run here are called "ours", or as `whose` has it: a reference's are not.
    """
    named = ours.rename(columns=lambda method: f"{whose[method]}, {method}")
    paper = printed.rename(columns=lambda method: f"paper, {method}")
    return named.join(paper).join(references).dropna()


OF_AN_ITERATION = ("n_datasets", "oof_accuracy", "accuracy", "n_higher", "n_equal", "n_lower", "p")


def fine_tuning(results: pd.DataFrame) -> pd.DataFrame:
    """Return what each iteration of Algorithm 1 gave: the paper's claim that accuracy does not fall.

    Parameters
    ----------
    results
        As for `compare`.

    Returns
    -------
    pandas.DataFrame
        A row a model that was fine-tuned, protocol and iteration (0 is phase 1), over the datasets and the
        mean of their seeds and resamples: n_datasets, oof_accuracy, accuracy (on the test split), and on how
        many datasets the test accuracy is higher, equal and lower than phase 1's, with Wilcoxon's p of that
        difference.
    """
    by = ["model", "protocol", "selected_on", "iteration"]
    results = results[results.groupby(by[:3])["iteration"].transform("max") > 0]
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
    return pd.DataFrame(rows, columns=[*by, *OF_AN_ITERATION])


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
