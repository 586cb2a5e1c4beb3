"""Which run it is: dataset, resample, classifier, seed and step, and all that follows from them.

A run's folder, name, title and order come from here and from nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lstmfcn.errors import DataError
from lstmfcn.files import is_name, member

if TYPE_CHECKING:  # where things lie decides no result
    from lstmfcn.workspace import Workspace

Step = Literal["search", "phase1", "finetuned"]

TRIALS_FILE = "trials.json"

STAGE_OF: Mapping[Step, str] = {"search": "search", "phase1": "train", "finetuned": "finetune"}
"""The stage that makes the runs of a step."""

PHASE_TITLES: Mapping[str, str] = {"phase1": "phase 1", "finetuned": "fine-tuned"}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The identity of a run.

    Attributes
    ----------
    dataset, classifier
        What was run on what.
    seed
        What every random choice follows from.
    resample
        Which split of the dataset into training and test series; 0 is the archive's own.
    step
        "search", a trial of the search; "phase1", the first training; "finetuned", an iteration of
        Algorithm 1.
    number
        The cells of a trial; which iteration, from 1; else 0.
    tested
        Whether the run only measured, on the test split, what the step had trained.

    Raises
    ------
    ValueError
        If dataset or classifier are no names of a folder, or a number is negative: identities are read from
        files, and folders are made of them.
    """

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}  # of what is read

    dataset: str
    classifier: str
    seed: int
    resample: int = 0
    step: Step = "phase1"
    number: int = 0
    tested: bool = False

    def __post_init__(self) -> None:
        for value in (self.dataset, self.classifier):
            if not is_name(value):
                raise ValueError(f"{value!r:.100} is no name for a dataset or a classifier")
        for number in (self.seed, self.resample, self.number):
            if type(number) is not int or number < 0:
                raise ValueError(f"{number!r:.100} is no seed, resample or number of a run")
        if self.step not in STAGE_OF or type(self.tested) is not bool:
            raise ValueError(f"{self.step!r:.100} is no step of a run")

    def trial(self, cells: int) -> Identity:
        """Return the trial of the search that belongs to this dataset, resample and classifier."""
        return replace(self, step="search", number=cells, tested=False)

    def iteration(self, index: int) -> Identity:
        """Return the fine-tuning iteration `index` of this training; 0 for phase 1."""
        return replace(self, step="finetuned" if index else "phase1", number=index, tested=False)

    def test(self) -> Identity:
        """Return the run that measures this one on the test split."""
        return replace(self, tested=True)

    @property
    def trained(self) -> Identity:
        """The run whose weights were measured, if this one only measured."""
        return replace(self, tested=False)

    @property
    def stage(self) -> str:
        """The stage that makes this run."""
        return "evaluate" if self.tested else STAGE_OF[self.step]

    @property
    def phase(self) -> str:
        """The step, or "evaluation" for a run that only measured."""
        return "evaluation" if self.tested else self.step

    @property
    def subject(self) -> str:
        """What a person calls the dataset, resample and classifier."""
        resample = f" resample {self.resample}" if self.resample else ""
        return f"{self.dataset}{resample} {self.classifier}"

    @property
    def name(self) -> str:
        """What a person reads in a list of runs."""
        what = {
            "search": f" search, {self.number} cells",
            "phase1": f" phase 1, seed {self.seed}",
            "finetuned": f" fine-tuning {self.number}, seed {self.seed}",
        }[self.step]
        return self.subject + what + (", test" if self.tested else "")

    @property
    def file_name(self) -> str:
        """The name without commas and blanks."""
        return self.name.replace(", ", "-").replace(" ", "-")

    @property
    def title(self) -> str:
        """What a person calls the step."""
        if self.step == "search":
            return f"search, {self.number} cells"
        return PHASE_TITLES[self.step] + (f" {self.number}" if self.number else "")

    @property
    def step_folder(self) -> str:
        """The name of the step's folder among those of other steps."""
        return {
            "search": f"cells-{self.number}",
            "phase1": "phase1",
            "finetuned": f"iteration-{self.number}",
        }[self.step]

    @property
    def order(self) -> tuple[str, int, str, int, int, int, bool]:
        """Sorts runs: by dataset, resample, classifier, seed, then as the steps follow each other."""
        step = list(STAGE_OF).index(self.step)
        return (
            self.dataset,
            self.resample,
            self.classifier,
            self.seed,
            step,
            self.number,
            self.tested,
        )

    def folder(self, workspace: Workspace) -> Path:
        """Return where the run's files lie."""
        subject = Path(
            self.dataset, *([f"resample-{self.resample}"] if self.resample else []), self.classifier
        )
        if self.step == "search":
            return workspace.search / subject / self.step_folder
        place = subject / f"seed-{self.seed}"
        if self.tested:
            return workspace.predictions / place / self.step_folder
        return workspace.finetuned / place / self.step_folder if self.number else workspace.phase1 / place

    def search_table(self, workspace: Workspace) -> Path:
        """Return the file with all trials of the search of this dataset, resample and classifier."""
        return self.trial(0).folder(workspace).with_name(TRIALS_FILE)

    def as_json(self) -> dict[str, Any]:
        """Return the identity as JSON-able values."""
        return asdict(self)


def identity_of(row: Mapping[str, Any]) -> Identity:
    """Return the trained run that a row of a table of results is about, or an entry of `promotions.json`.

    On the dataset's own split: `lstmfcn.runs.rows.run_of` knows of others.

    Raises
    ------
    DataError
        If it is about none.
    """
    try:
        one = Identity(dataset=row["dataset"], classifier=row["model"], seed=int(row["seed"]))
        return one.iteration(int(row["iteration"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"A row of results or promotions is about no run ({error}). Make them anew: `dvc repro --force "
            "--single-item evaluate`, then `dvc repro`."
        ) from error


def folders_of(workspace: Workspace, dataset: str) -> tuple[Path, Path]:
    """Return the folders that hold all that was trained on a dataset."""
    return member(workspace.phase1, dataset), member(workspace.finetuned, dataset)


def search_tables(workspace: Workspace, dataset: str) -> list[Path]:
    """Return the tables of all searches on a dataset; see `Identity.search_table`."""
    return sorted(member(workspace.search, dataset).glob(f"*/{TRIALS_FILE}"))
