"""The prepared splits, as the stages that come after `prepare` read them."""

from __future__ import annotations

from lstmfcn.config import Params
from lstmfcn.data.series import Split
from lstmfcn.errors import DataError
from lstmfcn.workspace import Workspace


def train_splits(workspace: Workspace, params: Params) -> dict[str, Split]:
    """Return the training split of each dataset of `params.yaml` that was prepared."""
    paths = {dataset: workspace.train_splits / f"{dataset}.npz" for dataset in params.datasets}
    found = {dataset: Split.load(path) for dataset, path in paths.items() if path.exists()}
    if not found:
        raise DataError(f"{workspace.train_splits} holds none of the datasets. Run `dvc repro prepare`.")
    return found


def selection_split(workspace: Workspace, params: Params, dataset: str) -> Split | None:
    """Return the split that the recipe selects on; None under the honest protocol."""
    if params.train.criterion != "test_accuracy":
        return None
    return Split.load(workspace.selection_splits / f"{dataset}.npz")


def hash_of_splits(train: Split, selection: Split | None) -> str:
    """Return the hash of all the data that a job reads which trains."""
    return train.hash if selection is None else f"{train.hash} {selection.hash}"
