"""Runs as files: what a run was, written beside what it gave.

A run is first a `run.json` next to its outputs; `lstmfcn.tracking` fills MLflow from these files, at
once or later. The file holds no time, commit or machine: the same work gives the same bytes in every
study. Those facts are the cache's, under the key of the job.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import TypeAdapter, ValidationError

from lstmfcn.errors import DataError
from lstmfcn.files import OutsideError, check_names, hash_bytes, hash_of, is_name, read_json, to_json
from lstmfcn.runs.identity import Identity

RUN_FILE = "run.json"
WEIGHTS_FILE = "weights.npz"

Bundle = Mapping[str, bytes]
"""What a job gave: files by their relative name."""

BY_ESTIMATOR = "estimator"
"""The protocol of a fit by one's own hand: see `lstmfcn.tracking.fits`."""

SCHEMA = 3
"""What the fields of a run's file are. Read as well: files of schema 1, which bore no number, and of schema
2, which knew no hashes."""

SEAL = "sha256"
"""The hash of all other fields, in a run's file: a changed one is noticed."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run.

    Attributes
    ----------
    identity
        Which run it is.
    job
        The key of the job that did the work (`lstmfcn.runs.cache.job_key`).
    protocol
        "honest", "paper" or "estimator".
    data
        The hash of the split that the run is about: the test split where it only measured.
    params
        Every parameter that decided the result, and no more.
    sizes
        What it was run on: n_train, n_test, n_classes, n_channels, length, as far as they are known.
    metrics
        The final metrics; a None is left out.
    history
        The name of a CSV beside the run's file whose columns, but for `epoch`, are per-epoch metrics.
    artifacts
        The names of the files beside the run's file that are logged with the run.
    files
        The SHA-256 of each file that the run left, by its name; empty in files of an older schema.
    upstream
        The key of the run this one built on, or an empty string.
    selected_on
        Which split chose its weights and cells.
    key
        What tells it from all others.

    Raises
    ------
    ValueError
        If a name is none of a file beside the run's file.
    """

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}  # of what is read

    identity: Identity
    job: str
    protocol: str
    data: str
    params: Mapping[str, str | int | float | bool | None]
    metrics: Mapping[str, float | None]
    sizes: Mapping[str, int] = field(default_factory=dict)
    history: str | None = None
    artifacts: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    upstream: str = ""
    selected_on: Literal["train", "test"] = "train"
    key: str = ""

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", hash_of(self.job, self.identity.as_json()))
        names = {*self.artifacts, *self.files} | ({self.history} if self.history is not None else set())
        if found := sorted(repr(name) for name in names if not is_name(name) or name == RUN_FILE):
            raise ValueError(f"{found[0]:.100} is no name of a file of a run")

    @property
    def name(self) -> str:
        """What a person reads in the list of runs."""
        return self.identity.name

    @property
    def split(self) -> Literal["train", "test"]:
        """Which split it read."""
        return "test" if self.identity.tested else "train"

    @property
    def cells(self) -> int | None:
        """The units of the LSTM; None where there is none."""
        cells = self.params.get("cells")
        return None if cells is None else int(cells)

    def file(self) -> bytes:
        """Return the content of the run's file."""
        values = {"schema": SCHEMA, **asdict(self)}
        return to_json(values | {SEAL: hash_of(values)}).encode()

    def with_files(self, files: Bundle) -> dict[str, bytes]:
        """Return what the run left, and beside it the run's file, which knows their hashes."""
        hashes = {name: hash_bytes(content) for name, content in files.items()}
        return {**files, RUN_FILE: replace(self, files=hashes).file()}

    @classmethod
    def load(cls, path: Path) -> Run:
        """Read a run's file.

        Raises
        ------
        DataError
            If it is missing, is not one, was changed by hand, or was written by a later version.
        """
        try:
            values = read_json(path)
            schema = values.get("schema", 1)
            if type(schema) is not int:
                raise TypeError("its schema is no number")
            if schema > SCHEMA:
                raise DataError(
                    f"{path} was written by a later version of lstmfcn (schema {schema}; this one reads up "
                    f"to {SCHEMA}). Upgrade it: pip install --upgrade lstmfcn."
                )
            if schema == 1:
                return _valid(_of_schema_1(values))
            if schema == SCHEMA and values.pop(SEAL) != hash_of(values):
                raise ValueError("it was changed by hand, or damaged: its hash does not fit")
            del values["schema"]
            key = values.pop("key")
            run = _valid(values)
            if run.key != key:
                raise ValueError("it was changed by hand: its key does not fit")
        except (OSError, OutsideError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{path} is not the file of a run ({_said(error)}). Make it anew: "
                f"`dvc repro --force --single-item {_stage_of(path)}`; what was computed is kept."
            ) from error
        return run


@functools.cache
def _adapter() -> TypeAdapter[Run]:
    return TypeAdapter(Run)


def _valid(values: Mapping[str, Any]) -> Run:
    """Return a run of values as JSON has them, each of its type."""
    run = _adapter().validate_python(values)
    check_names({RUN_FILE, *run.artifacts, *run.files})
    return run


def _said(error: Exception) -> str:
    """Return what is wrong, in a line."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:200]
    return str(error)[:200]


def _stage_of(path: Path) -> str:
    """Return the stage that writes a run's file, by its place."""
    for folder, stage in (("search", "search"), ("phase1", "train"), ("finetuned", "finetune")):
        if folder in path.parts and "predictions" not in path.parts:
            return stage
    return "evaluate"


def _of_schema_1(old: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a file whose parameters held its identity and sizes too; it keeps its key."""
    if old["key"] != hash_of(old["job"], old["phase"], old["name"]):
        raise ValueError("it was changed by hand: its key does not fit")
    params = dict(old["params"])
    index, evaluated = params.pop("iteration", 0), params.pop("evaluated", None)
    params.pop("chosen", None)
    sizes = {
        name: params.pop(name) for name in ("n_train", "n_test", "n_classes", "length") if name in params
    }
    one = Identity(dataset=old["dataset"], classifier=old["model"], seed=old["seed"])
    if old["phase"] == "search":
        identity = one.trial(params["cells"])
    else:
        identity = one.iteration(index)
        identity = identity.test() if evaluated else identity
    renamed = {"oof_loss": "oof_log_loss"}
    metrics = {renamed.get(name, name): value for name, value in old["metrics"].items()}
    kept = ("job", "protocol", "data", "history", "upstream", "selected_on", "key")
    return {name: old[name] for name in kept} | {
        "identity": identity.as_json(),
        "params": params,
        "sizes": sizes,
        "metrics": metrics,
        "artifacts": tuple(old["artifacts"]),
    }


def members_of(run: Run) -> list[Identity]:
    """Return the runs of phase 1 whose networks vote in an ensemble; none for another run."""
    words, seeds = (str(run.params.get(name, "")).split() for name in ("members", "seeds"))
    names = dict.fromkeys(word.partition("/")[0] for word in words)
    return [replace(run.identity, classifier=name, seed=int(seed)) for name in names for seed in seeds]


def find_runs(*folders: Path) -> Iterator[tuple[Path, Run]]:
    """Yield (folder, run) for each run's file under `folders`, in the order of their paths."""
    for folder in folders:
        for path in sorted(folder.rglob(RUN_FILE)):
            yield path.parent, Run.load(path)
