"""A training on disk, so that one that was killed goes on as if it had not been.

A checkpoint bears a hash of its arrays and of the training that it is of. One that was damaged, or is another
training's, is not gone on from: the training starts anew, and ends with the same bytes.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.files import hash_bytes, hash_of, read_arrays, write_arrays
from lstmfcn.training.weights import Weights

SECONDS = float(os.environ.get("LSTMFCN_CHECKPOINT_SECONDS", "5"))
"""How much work a kill costs at most, but for what one epoch takes."""

CURVE = ("loss", "accuracy", "rate", "watched")

SEAL = "sha256"
"""The array that holds the hash."""


@dataclass
class TrainingState:
    """What a training has come to; the learning rate follows from what was watched.

    Attributes
    ----------
    loss, accuracy, rate
        See `History`.
    watched
        What decides which weights are kept and what the plateau schedule waits for: the lower, the better.
    kept_epoch, kept
        The weights that are to be kept so far, and since when; None for the latest ones.
    before
        The weights that the last epoch left, where the criterion needs them.
    network
        See `CompiledEpoch.state`.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    watched: list[float] = field(default_factory=list)
    kept_epoch: int = 0
    kept: Weights | None = None
    before: Weights | None = None
    network: dict[str, NDArray[Any]] = field(default_factory=dict)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays."""
        flat = {name: np.array(getattr(self, name), np.float64) for name in CURVE}
        flat["kept_epoch"] = np.array(self.kept_epoch)
        for group in ("kept", "before", "network"):
            flat |= {f"{group}:{name}": value for name, value in (getattr(self, group) or {}).items()}
        return flat

    @classmethod
    def from_arrays(cls, flat: dict[str, NDArray[Any]]) -> TrainingState:
        """Return the state that `arrays` described; see `Checkpoint.load`."""
        groups: dict[str, dict[str, NDArray[Any]]] = {"kept": {}, "before": {}, "network": {}}
        for key, value in flat.items():
            group, separator, name = key.partition(":")
            if separator:
                groups[group][name] = value
        return cls(
            **{name: flat[name].tolist() for name in CURVE},
            kept_epoch=int(flat["kept_epoch"]),
            kept=groups["kept"] or None,
            before=groups["before"] or None,
            network=groups["network"],
        )


class Checkpoint:
    """The file of one training.

    Parameters
    ----------
    path
        The file. It is this training's alone: a job's key and what of the job is trained name it.

    Attributes
    ----------
    training
        A hash of all that decides the training; `Engine.train` sets it. A file of another does not count.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.training = ""
        self._saved = time.monotonic()

    def load(self) -> TrainingState | None:
        """Return what was saved of this training; None where there is nothing.

        Raises
        ------
        ValueError
            If the file is damaged, or another training's.
        """
        try:
            arrays = read_arrays(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ValueError(str(error)) from error
        seal = arrays.pop(SEAL, None)
        if seal is None or seal.tolist() != _hash(self.training, arrays):
            raise ValueError("it is another training's, or was changed")
        return TrainingState.from_arrays(arrays)

    def due(self) -> bool:
        """Return whether `SECONDS` have passed since the last time."""
        return time.monotonic() - self._saved >= SECONDS

    def keep(self, weights: Weights) -> Path:
        """Keep the last finite weights of a training that cannot go on; return the file."""
        path = self.path.with_suffix(".diverged.npz")
        write_arrays(path, weights)
        return path

    def save(self, state: TrainingState) -> None:
        """Save, over what was saved before."""
        arrays = state.arrays()
        write_arrays(self.path, arrays | {SEAL: np.array(_hash(self.training, arrays))})
        self._saved = time.monotonic()


def training_hash(recipe: str, seed: int, start: Weights, *series: NDArray[Any]) -> str:
    """Return the SHA-256, in hex, of all that decides a training; see `Engine.train`."""
    arrays = {f"series:{i}": array for i, array in enumerate(series)}
    return _hash(f"{seed} {recipe}", {**start, **arrays})


def _hash(training: str, arrays: Weights) -> str:
    contents = [
        [name, value.dtype.str, list(value.shape), hash_bytes(np.ascontiguousarray(value).data)]
        for name, value in sorted(arrays.items())
    ]
    return hash_of(training, contents)
