"""`compare`: ranks, tests, methods pair by pair, references and the paper's Table I beside ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lstmfcn.classifiers.table import paper_column, references, title_of
from lstmfcn.config import Params
from lstmfcn.errors import DataError
from lstmfcn.files import write_text
from lstmfcn.pipeline.progress import say
from lstmfcn.runs.identity import identity_of
from lstmfcn.runs.outputs import check_rows, load_run, read_output
from lstmfcn.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from lstmfcn.evaluation.beside import Beside
    from lstmfcn.runs.predictions import Predictions


def run(workspace: Workspace, params: Params) -> None:
    """Write `comparison/` from `results/results.csv` and what the runs predicted out of fold."""
    from lstmfcn.evaluation.beside import as_table
    from lstmfcn.evaluation.comparison import compare
    from lstmfcn.evaluation.reference import load_references, load_table1, load_table2
    from lstmfcn.evaluation.results import read_results, write_comparison
    from lstmfcn.report.data import records
    from lstmfcn.report.terminal import pairs_of_methods, table1_beside_ours

    path = workspace.results / "results.csv"
    try:
        results = read_results(path)
        check_rows(workspace, records(results))
    except FileNotFoundError:
        raise DataError(f"{path} is missing. Run `dvc repro evaluate`.") from None
    comparison = compare(
        results,
        load_table1(),
        load_table2(),
        load_references(params.compare.references, workspace.root),
        significance=params.compare.significance,
        rope=params.compare.rope,
        paper_column=paper_column,
        others=references(),
    )
    write_comparison(comparison, workspace.comparison)
    rows = list(_beside(workspace, params, results))
    write_text(workspace.beside, as_table(rows).to_csv(index=False, float_format="%.9g"))
    say(table1_beside_ours(comparison))
    if len(comparison.pairs):
        say("\n" + pairs_of_methods(comparison) + "\n")
    told = (row.sentence(title_of(row.reference), title_of(row.network)) for row in rows)
    for note in [*comparison.notes, *filter(None, told)]:
        say(f"compare: {note}")


def _beside(workspace: Workspace, params: Params, results: pd.DataFrame) -> Iterator[Beside]:
    """Yield each reference beside the networks of its dataset, each by its best run."""
    from lstmfcn.evaluation.beside import beside, metric_for
    from lstmfcn.evaluation.metrics import metric_named
    from lstmfcn.evaluation.resamples import own_split
    from lstmfcn.report.data import leading

    metric = metric_named(params.promote.metric)
    own = own_split(results)
    honest = own[own["selected_on"] == "train"]
    for dataset in dict.fromkeys(honest["dataset"]):
        mine = honest[honest["dataset"] == dataset]
        if not mine["model"].isin(list(references())).any():
            continue
        found = {
            row["model"]: predictions
            for row in leading(mine, metric).to_dict("records")
            if (predictions := _out_of_fold(workspace, row)) is not None
        }
        networks = {name: one for name, one in found.items() if name not in references()}
        for name in [name for name in found if name in references()]:
            reference = name, found[name]
            row = beside(dataset, reference, networks, metric_for(metric), level=params.promote.level)
            if row is not None:
                yield row


def _out_of_fold(workspace: Workspace, row: Mapping[Any, Any]) -> Predictions | None:
    """Return what the run of a row predicted out of fold; None where it has not predicted any series so."""
    from lstmfcn.evaluation.evidence import OOF_FILE
    from lstmfcn.runs.predictions import Predictions

    run = load_run(workspace, identity_of(row))
    if OOF_FILE not in run.artifacts:
        return None
    found = Predictions.from_csv(read_output(workspace, run, OOF_FILE))
    return found if found.held.any() else None
