"""The prepared splits, as the stages that come after `prepare` read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lstmfcn.config import Params
from lstmfcn.data.series import Split
from lstmfcn.errors import DataError
from lstmfcn.runs.grid import Place
from lstmfcn.workspace import Workspace

J = TypeVar("J")


def prepared(workspace: Workspace, params: Params) -> list[Place]:
    """Return the datasets of `params.yaml` that were prepared, each with its resamples.

    Raises
    ------
    DataError
        If there is none.
    """
    asked = [(dataset, number) for dataset in params.datasets for number in range(params.resamples)]
    found = [place for place in asked if workspace.train_split(*place).exists()]
    if not found:
        raise DataError(f"{workspace.train_splits} holds none of the datasets. Run `dvc repro prepare`.")
    return found


def train_splits(workspace: Workspace, params: Params) -> dict[str, Split]:
    """Return the own training split of each dataset of `params.yaml` that was prepared."""
    places = prepared(workspace, params)
    return {dataset: Split.load(workspace.train_split(dataset)) for dataset, number in places if not number}


@dataclass(frozen=True)
class Laid:
    """A split as a file: what is known of it without having it in memory.

    Attributes
    ----------
    path
        The file.
    hash
        See `Split.hash`.
    size
        How many values it holds.
    """

    path: Path
    hash: str
    size: int

    @classmethod
    def at(cls, path: Path) -> Laid:
        """Look at a file; its series are let go again."""
        split = Split.load(path)
        return cls(path, split.hash, split.X.size)


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

    train: Laid
    selection: Laid | None

    @property
    def hash(self) -> str:
        """The hash of all the data that the job reads."""
        return self.train.hash if self.selection is None else f"{self.train.hash} {self.selection.hash}"

    @property
    def splits(self) -> Mapping[str, Laid | None]:
        """What `with_splits` takes, by the names of `TrainJob`."""
        return {"train": self.train, "selection": self.selection}


def given_splits(workspace: Workspace, params: Params) -> dict[Place, Given]:
    """Return what jobs that train are given of each dataset that was prepared, by dataset and resample."""
    selects = params.train.criterion == "test_accuracy"
    return {
        place: Given(
            Laid.at(workspace.train_split(*place)),
            Laid.at(workspace.selection_split(*place)) if selects else None,
        )
        for place in prepared(workspace, params)
    }


def with_splits(make: Callable[..., J], splits: Mapping[str, Laid | None], **values: object) -> J:
    """Return what `make` makes of splits, read now: a job has them shortly before it is sent to a worker.

    Parameters
    ----------
    make
        Called with the splits, by the names in `splits`, and with `values`.
    splits
        Where they lie; None stays None.
    """
    loaded = {name: None if laid is None else Split.load(laid.path) for name, laid in splits.items()}
    return make(**loaded, **values)
