"""What there is to say of the references of a study, from its files."""

from __future__ import annotations

import pandas as pd

from lstmfcn.evaluation.beside import Beside
from lstmfcn.evaluation.results import read_results
from lstmfcn.runs.left_out import LeftOut, left_out
from lstmfcn.workspace import Workspace


def references_beside(workspace: Workspace, dataset: str) -> list[Beside]:
    """Return how the references of a dataset compare with its networks; none where `compare` has not run."""
    try:
        table = read_results(workspace.beside)
    except (FileNotFoundError, pd.errors.EmptyDataError):
        return []
    rows = table[table["dataset"] == dataset].to_dict("records")
    return [Beside(**{str(name): value for name, value in row.items()}) for row in rows]


def left_out_of(workspace: Workspace, dataset: str) -> list[LeftOut]:
    """Return what was left out of a dataset's runs: each classifier once, whatever its seeds."""
    found = {one.identity.classifier: one for one in left_out(workspace) if one.identity.dataset == dataset}
    return list(found.values())
