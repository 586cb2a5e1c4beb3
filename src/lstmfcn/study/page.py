"""The tables of `docs/reproduction.md`, from the results of `lstmfcn reproduce`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pandas as pd

from lstmfcn.classifiers.table import paper_column, title_of
from lstmfcn.errors import DataError
from lstmfcn.evaluation.comparison import fine_tuning
from lstmfcn.evaluation.significance import DIGITS, MIN_DATASETS, wilcoxon_table


def tables(results: pd.DataFrame, table1: pd.DataFrame) -> dict[str, str]:
    """Return each table as Markdown, by the name of its place on the page.

    Parameters
    ----------
    results
        As `lstmfcn reproduce` keeps them. Of each protocol, the recipe with the most datasets is shown.
    table1
        The paper's Table I.
    """
    results = _one_recipe_a_protocol(results)
    found = {f"accuracy {model}": _accuracy(results, table1, model) for model in ("lstm_fcn", "alstm_fcn")}
    return found | {"fine-tuning": _fine_tuning(results), "models": _models(results)}


def _one_recipe_a_protocol(results: pd.DataFrame) -> pd.DataFrame:
    counts = results.groupby(["protocol", "recipe"])["dataset"].nunique()
    shown = counts.groupby("protocol").idxmax()
    return results[[key in set(shown) for key in zip(results["protocol"], results["recipe"], strict=True)]]


def fill_in(page: str, found: Mapping[str, str]) -> str:
    """Put each table between `<!-- table: NAME -->` and `<!-- end -->` of a page.

    Raises
    ------
    DataError
        If the page lacks the place of a table.
    """
    for name, table in found.items():
        place = re.compile(rf"(<!-- table: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        page, count = place.subn(lambda m, table=table: f"{m[1]}{table}\n{m[2]}", page)  # type: ignore[misc]
        if not count:
            raise DataError(f"The page of the reproduction lacks the line <!-- table: {name} -->.")
    return page


def _accuracy(results: pd.DataFrame, table1: pd.DataFrame, model: str) -> str:
    """Lay the paper, ours (honest, mean of seeds) and ours (paper's protocol) side by side."""
    in_table = results["dataset"].isin(table1.index)  # datasets of one's own are not
    mine = results[(results["model"] == model) & results["chosen"] & in_table]
    grouped = mine.groupby(["dataset", "protocol", "phase"])["accuracy"].agg(["mean", "min", "max", "count"])
    ours: dict[Any, Any] = grouped.to_dict("index")
    columns = list(product(("table", "honest", "paper"), ("phase1", "finetuned")))
    means = pd.DataFrame(index=sorted(set(mine["dataset"])), columns=columns, dtype=float)
    rows: list[list[str]] = []
    for dataset in means.index:
        cells = [dataset + (" *" if table1.at[dataset, "split_sizes_swapped_2015_2018"] else "")]
        for source, phase in columns:
            if source == "table":
                mean = float(table1.at[dataset, paper_column(model, phase)])  # type: ignore[arg-type]
                spread = ""
            elif found := ours.get((dataset, source, phase)):
                mean = found["mean"]
                spread = f" ({found['min']:.3f} to {found['max']:.3f})" if found["count"] > 1 else ""
            else:
                cells.append("")
                continue
            means.at[dataset, (source, phase)] = mean
            cells.append(f"{mean:.4f}{spread}")
        rows.append(cells)
    shared = means.dropna()
    rows.append(["**mean**", *(_bold(means[c].mean()) if means[c].notna().all() else "" for c in columns)])
    if 0 < len(shared) < len(means):
        label = f"**mean of the {len(shared)} run by both protocols**"
        rows.append([label, *(_bold(shared[c].mean()) for c in columns)])
    header = [
        "dataset",
        "Table I, phase 1",
        "Table I, fine-tuned",
        "ours, honest, phase 1",
        "ours, honest, fine-tuned",
        "ours, paper's protocol, phase 1",
        "ours, paper's protocol, fine-tuned",
    ]
    return _markdown(header, rows)


def _bold(value: float) -> str:
    return f"**{value:.4f}**"


def _fine_tuning(results: pd.DataFrame) -> str:
    header = [
        "model",
        "protocol",
        "iteration",
        "datasets",
        "OOF accuracy",
        "test accuracy",
        "higher",
        "equal",
        "lower",
        "p",
    ]
    rows = []
    for row in fine_tuning(results).to_dict("records"):
        first = row["iteration"] == 0
        rows.append(
            [
                title_of(row["model"]),
                row["protocol"],
                "phase 1" if first else str(row["iteration"]),
                str(row["n_datasets"]),
                "" if pd.isna(row["oof_accuracy"]) else f"{row['oof_accuracy']:.4f}",
                f"{row['accuracy']:.4f}",
                *("" if first else str(row[f"n_{k}"]) for k in ("higher", "equal", "lower")),
                "" if pd.isna(row["p"]) else f"{row['p']:.2g}",
            ]
        )
    return _markdown(header, rows)


def _models(results: pd.DataFrame) -> str:
    """Test what the LSTM branch is worth: the models against each other, honest, by phase."""
    honest = results[(results["protocol"] == "honest") & results["chosen"]]
    rows = []
    for phase in ("phase1", "finetuned"):
        mine = honest[honest["phase"] == phase]
        scores = mine.pivot_table(index="dataset", columns="model", values="accuracy").dropna().round(DIGITS)
        if len(scores) < MIN_DATASETS:
            continue
        for row in wilcoxon_table(scores).to_dict("records"):
            a, b = row["method_a"], row["method_b"]
            rows.append(
                [
                    "phase 1" if phase == "phase1" else "fine-tuned",
                    f"{title_of(a)} ({scores[a].mean():.4f})",
                    f"{title_of(b)} ({scores[b].mean():.4f})",
                    str(row["n_datasets"]),
                    *(str(int(n)) for n in ((scores[a] > scores[b]).sum(), row["n_ties"])),
                    str(int((scores[a] < scores[b]).sum())),
                    f"{row['p']:.2g}",
                    f"{row['p_holm']:.2g}",
                ]
            )
    header = ["phase", "method", "against", "datasets", "wins", "ties", "losses", "p", "p (Holm)"]
    return _markdown(header, rows)


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
