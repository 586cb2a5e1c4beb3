"""Runs as files: what a run was, written beside what it gave.

A run is first a `run.json` next to its outputs; `lstmfcn.tracking.mlflow` fills MLflow from these files, at
once or later. The file holds no time, commit or machine: the same work gives the same bytes in every
clone. Those facts are the cache's, under the key of the job.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from lstmfcn.errors import DataError
from lstmfcn.files import hash_of, read_json, to_json

RUN_FILE = "run.json"

Phase = Literal["search", "phase1", "finetuned", "evaluation"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run.

    Attributes
    ----------
    job
        The key of the job that did the work (`lstmfcn.runs.cache.job_key`).
    name
        What a person reads in the list of runs.
    dataset, model, phase, protocol, seed
        What was run on what.
    split, data
        Which split it read, "train" or "test", and the hash of that split.
    params
        Every parameter that decided the result.
    metrics
        The final metrics; a None is left out.
    history
        The name of a CSV beside the run's file whose columns, but for `epoch`, are per-epoch metrics.
    artifacts
        The names of the files beside the run's file that belong to the run.
    upstream
        The key of the run this one built on, or an empty string.
    """

    job: str
    name: str
    dataset: str
    model: str
    phase: Phase
    protocol: str
    seed: int
    split: Literal["train", "test"]
    data: str
    params: Mapping[str, str | int | float | bool | None]
    metrics: Mapping[str, float | None]
    history: str | None = None
    artifacts: tuple[str, ...] = ()
    upstream: str = ""
    selected_on: Literal["train", "test"] = "train"
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", hash_of(self.job, self.phase, self.name))

    def file(self) -> bytes:
        """Return the content of the run's file."""
        return to_json(asdict(self)).encode()

    @classmethod
    def load(cls, path: Path) -> Run:
        """Read a run's file.

        Raises
        ------
        DataError
            If it is missing or is not one.
        """
        try:
            values = read_json(path)
            key = values.pop("key")
            run = cls(**values | {"artifacts": tuple(values["artifacts"])})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path} is not the file of a run ({error}). Run `dvc repro` to make it again."
            ) from error
        if run.key != key:
            raise DataError(f"{path} was changed by hand: its key does not fit. Run `dvc repro --force`.")
        return run


def find_runs(*folders: Path) -> Iterator[tuple[Path, Run]]:
    """Yield (folder, run) for each run's file under `folders`, in the order of their paths."""
    for folder in folders:
        for path in sorted(folder.rglob(RUN_FILE)):
            yield path.parent, Run.load(path)
