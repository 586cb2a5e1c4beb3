"""Runs in the making: which trainings are under way, and the epochs that they have come to.

A training keeps a checkpoint every few seconds, and in it its learning curve so far. It is read there, from
outside: so a training knows of no tracker, and looking at it costs it nothing.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lstmfcn.runs.run import Run

INTERVAL = 4.0
"""So many seconds lie between two looks. A checkpoint is 5 s old at most, so an epoch is seen within ten."""

CURVES = {"loss": "train_loss", "accuracy": "train_accuracy", "rate": "learning_rate"}
"""The arrays of a checkpoint that are logged, and the names of their metrics."""

Epochs = list[tuple[str, int, float]]
"""Metric, epoch from 1, value."""


@dataclass
class UnderWay:
    """A run that may be in the making.

    Attributes
    ----------
    run
        What is known of it before it has ended.
    folder
        Where its trainings have their checkpoints.
    facts
        As the run will have them.
    run_id
        MLflow's; None until it is logged.
    epochs
        How many epochs of each training are logged, by the names of their checkpoints.
    monitor
        MLflow's, of the machine's load; None where nobody asked for it.
    """

    run: Run
    folder: Path
    facts: Mapping[str, object]
    run_id: str | None = None
    epochs: dict[str, int] = field(default_factory=dict)
    monitor: Any = None
    _seen: dict[str, int] = field(default_factory=dict)

    def begin(self, run_id: str) -> str:
        """Note that it is logged, and return its id.

        The load of the machine is logged with it, where MLflow's own variable asks for that.
        """
        from mlflow.environment_variables import MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING

        self.run_id = run_id
        if MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING.get():
            from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

            self.monitor = SystemMetricsMonitor(run_id)
            self.monitor.start()
        return run_id

    def end(self) -> None:
        """End what `begin` began."""
        if self.monitor is not None:
            self.monitor.finish()

    def new_epochs(self) -> Epochs:
        """Return the epochs that no look before has seen."""
        found: Epochs = []
        for path in sorted(self.folder.glob("*.npz")):
            if path.stem == "whole" or re.fullmatch(r"fold-\d+", path.stem):
                found += self._of(path)
        return found

    def _of(self, path: Path) -> Iterator[tuple[str, int, float]]:
        try:
            changed = path.stat().st_mtime_ns
            if changed == self._seen.get(path.stem):
                return
            curves = _curves(path)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):  # it has ended, or is none of ours
            return
        self._seen[path.stem] = changed
        begun = self.epochs.get(path.stem, 0)
        for metric, values in curves.items():
            name = metric if path.stem == "whole" else f"folds/{metric}_{int(path.stem[5:]) + 1}"
            # As the history has them: nine digits.
            yield from ((name, i + 1, float(f"{values[i]:.9g}")) for i in range(begun, len(values)))
        self.epochs[path.stem] = max(begun, *map(len, curves.values()))


def epochs_in(path: Path) -> int:
    """Return how many epochs a checkpoint has come to; 0 where it is none, or has just been removed."""
    try:
        return len(_curves(path)["train_loss"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return 0


def _curves(path: Path) -> dict[str, list[float]]:
    """Return the learning curve in a checkpoint; its weights are not read."""
    with np.load(path, allow_pickle=False) as arrays:
        return {metric: arrays[name].tolist() for name, metric in CURVES.items()}
