"""`compare`: ranks, significance tests, and the paper's Table I beside our results."""

from __future__ import annotations

from lstmfcn.errors import DataError
from lstmfcn.params import Params
from lstmfcn.stages.queue import say
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params) -> None:
    """Write `comparison/` from `results/results.csv`."""
    import pandas as pd

    from lstmfcn.compare import compare, write
    from lstmfcn.evaluation.reference import load_table1

    path = workspace.results / "results.csv"
    try:
        results = pd.read_csv(path)
    except FileNotFoundError:
        raise DataError(f"{path} is missing. Run `dvc repro evaluate`.") from None
    table1 = load_table1(workspace.reference / "table1.csv")
    comparison = compare(results, table1, significance=params.compare.significance)
    write(comparison, workspace.comparison)
    for note in comparison.notes:
        say(f"compare: {note}")
