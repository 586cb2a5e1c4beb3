"""The prepared splits, as the stages that come after `prepare` read them."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Given:
    """The splits that a job which trains is given.

    Attributes
    ----------
    train
        The training split.
    selection
        The split that `protocol: paper` selects on; None under the honest protocol.
    """

    train: Split
    selection: Split | None

    @property
    def hash(self) -> str:
        """The hash of all the data that the job reads."""
        return self.train.hash if self.selection is None else f"{self.train.hash} {self.selection.hash}"


def given_splits(workspace: Workspace, params: Params) -> dict[str, Given]:
    """Return what jobs that train are given of each dataset that was prepared."""
    selects = params.train.criterion == "test_accuracy"
    return {
        dataset: Given(train, Split.load(workspace.selection_splits / f"{dataset}.npz") if selects else None)
        for dataset, train in train_splits(workspace, params).items()
    }
