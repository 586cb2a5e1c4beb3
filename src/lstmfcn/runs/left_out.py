"""What was left out, with its reason: a run that a library refuses to make is no failure of a study.

The reason lies where the run would, as a file of its own: it is evidence like others, and kept as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lstmfcn.errors import DataError, LstmfcnError
from lstmfcn.files import read_json, to_json
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.run import Bundle

if TYPE_CHECKING:  # where things lie decides no result
    from lstmfcn.workspace import Workspace

LEFT_OUT_FILE = "left_out.json"


class RefusedError(LstmfcnError):
    """A run cannot be made of these series, and the study goes on without it.

    Parameters
    ----------
    reason
        Why, in a sentence or more.
    identity
        Which run it would be.
    """

    def __init__(self, reason: str, identity: Identity) -> None:
        super().__init__(reason, identity)
        self.reason, self.identity = reason, identity

    def __str__(self) -> str:
        """Return the reason."""
        return self.reason


@dataclass(frozen=True)
class LeftOut:
    """A run that was left out, and why."""

    identity: Identity
    reason: str


def bundle_of(refused: RefusedError) -> Bundle:
    """Return what stands in place of a run's files."""
    values = {"identity": refused.identity.as_json(), "reason": refused.reason}
    return {LEFT_OUT_FILE: to_json(values).encode()}


def is_left_out(folder: Path) -> bool:
    """Return whether a folder holds no run, but why there is none."""
    return (folder / LEFT_OUT_FILE).exists()


def left_out(workspace: Workspace) -> Iterator[LeftOut]:
    """Yield what was left out of a study, by `train` or by `evaluate`, in the order of the paths.

    Raises
    ------
    DataError
        If a file of them is damaged.
    """
    for folder in (workspace.phase1, workspace.predictions):
        for path in sorted(folder.rglob(LEFT_OUT_FILE)):
            try:
                values = read_json(path)
                yield LeftOut(Identity(**values["identity"]), str(values["reason"]))
            except (OSError, ValueError, KeyError, TypeError) as error:
                stage = "train" if folder == workspace.phase1 else "evaluate"
                raise DataError(
                    f"{path} is damaged ({error}). Make it anew: `dvc repro --force --single-item {stage}`; "
                    "what was computed is kept."
                ) from error
