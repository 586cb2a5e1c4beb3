"""What each kind of job needs, as values that are sent to a worker: cheap to import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from lstmfcn.classifiers.base import Classifier
from lstmfcn.data.series import Split
from lstmfcn.networks.architecture import Architecture
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.run import Run

if TYPE_CHECKING:  # the table of metrics is not among the code that training depends on
    from lstmfcn.evaluation.metrics import Metric
    from lstmfcn.training.recipe import TrainingRecipe


@dataclass(frozen=True, kw_only=True)
class TrainJob:
    """One training of phase 1.

    Attributes
    ----------
    key
        See `lstmfcn.runs.cache.job_key`.
    identity
        Which run it is.
    classifier, network, recipe
        What is trained and how; a classifier that is no network looks at neither of the latter.
    protocol
        "honest" or "paper".
    train
        The training split.
    selection
        The split that `protocol: paper` selects on; None otherwise.
    n_folds
        The folds of the out-of-fold predictions.
    progress
        Called with a line of text now and then.
    scratch
        Where checkpoints are kept.
    keeps_folds
        Whether something uses the weights of the folds' networks, so that they are kept.
    """

    key: str
    identity: Identity
    classifier: Classifier
    network: Architecture
    recipe: TrainingRecipe
    protocol: str
    train: Split
    selection: Split | None
    n_folds: int
    progress: Callable[[str], None]
    scratch: Path
    keeps_folds: bool = True

    def places(self) -> list[Path]:
        """Return the folders of checkpoints that it reads and writes."""
        return [self.scratch]

    def moved(self, places: Mapping[Path, Path]) -> Self:
        """Return the same job with other folders in place of `places`."""
        return replace(self, scratch=places[self.scratch])

    @property
    def selected_on(self) -> Literal["train", "test"]:
        """Which split chooses weights and cells."""
        return "train" if self.selection is None else "test"

    def run(self, identity: Identity | None = None, **values: Any) -> Run:
        """Return the record of this job, or of another run that it made."""
        given: dict[str, Any] = {
            "identity": identity or self.identity,
            "job": self.key,
            "protocol": self.protocol,
            "data": self.train.hash,
            "params": self.params(),
            "sizes": sizes_of(self.train),
            "selected_on": self.selected_on,
        }
        return Run(**given | values)

    def params(self) -> dict[str, Any]:
        """Return every parameter that decides the result."""
        own = self.classifier.settings()
        if not own:
            own = dict(vars(self.recipe)) | self.network.params()
        return own | {"folds": self.n_folds}


@dataclass(frozen=True, kw_only=True)
class SearchJob(TrainJob):
    """One search; its network's own width is not looked at.

    Attributes
    ----------
    cells
        The values to try.
    metric
        What chooses, and what it is called in the table of trials.
    phase1
        Where phase 1 of each width has its checkpoints; empty where it trains otherwise than the trials.
    """

    cells: tuple[int, ...]
    metric: Metric
    phase1: Mapping[int, Path]

    def places(self) -> list[Path]:
        """Return the folders of checkpoints that it reads and writes."""
        return [self.scratch, *self.phase1.values()]

    def moved(self, places: Mapping[Path, Path]) -> Self:
        """Return the same job with other folders in place of `places`."""
        phase1 = {cells: places[path] for cells, path in self.phase1.items()}
        return replace(super().moved(places), phase1=phase1)


@dataclass(frozen=True, kw_only=True)
class FinetuneJob(TrainJob):
    """One iteration; `recipe` is that of the first.

    Attributes
    ----------
    weights
        The files of weights to start from, by name.
    upstream
        The key of the run that made them: of phase 1, or of the iteration before.
    """

    weights: Mapping[str, bytes]
    upstream: str

    def params(self) -> dict[str, Any]:
        """Return every parameter that decides the result, with the rates and batch size of the iteration."""
        recipe = self.recipe.iteration(self.identity.number)
        return dict(vars(recipe)) | self.network.params() | {"folds": self.n_folds}


@dataclass(frozen=True, kw_only=True)
class VoteJob:
    """Networks that are to vote.

    Attributes
    ----------
    key
        See `lstmfcn.runs.cache.job_key`.
    identity
        Which run it is.
    protocol
        "honest": what was selected on the test split does not vote.
    train
        The training split.
    members
        The runs of phase 1, each with its files by name.
    folds
        Whether the networks of their folds vote, too.
    """

    key: str
    identity: Identity
    protocol: str
    train: Split
    members: tuple[tuple[Run, Mapping[str, bytes]], ...]
    folds: bool


@dataclass(frozen=True, kw_only=True)
class EvaluateJob:
    """The evaluation of one training.

    Attributes
    ----------
    key
        See `lstmfcn.runs.cache.job_key`.
    classifier
        Whose runs they are.
    trained
        Phase 1 and every fine-tuning iteration, each with its files by name.
    train, test
        The two splits.
    """

    key: str
    classifier: Classifier
    trained: tuple[tuple[Run, Mapping[str, bytes]], ...]
    train: Split
    test: Split


def sizes_of(train: Split) -> dict[str, int]:
    """Return the sizes of a training split."""
    n_train, n_channels, length = train.X.shape
    return {"n_train": n_train, "n_channels": n_channels, "length": length, "n_classes": len(train.classes)}
