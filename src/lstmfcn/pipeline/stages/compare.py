"""`compare`: ranks, tests, methods pair by pair, and the paper's Table I beside our results."""

from __future__ import annotations

from lstmfcn.classifiers.table import paper_column
from lstmfcn.config import Params
from lstmfcn.errors import DataError
from lstmfcn.pipeline.progress import say
from lstmfcn.runs.outputs import check_rows
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params) -> None:
    """Write `comparison/` from `results/results.csv`."""
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
    )
    write_comparison(comparison, workspace.comparison)
    say(table1_beside_ours(comparison))
    if len(comparison.pairs):
        say("\n" + pairs_of_methods(comparison) + "\n")
    for note in comparison.notes:
        say(f"compare: {note}")
