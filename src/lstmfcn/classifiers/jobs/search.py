"""The search for the number of LSTM cells of one dataset and classifier."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lstmfcn.classifiers.jobs.common import SearchJob
from lstmfcn.classifiers.search import Trial, search_cells, trial_folder
from lstmfcn.files import to_json
from lstmfcn.runs.identity import TRIALS_FILE
from lstmfcn.runs.run import RUN_FILE, Bundle

if TYPE_CHECKING:
    from lstmfcn.evaluation.metrics import Metric


def search(job: SearchJob) -> Bundle:
    """Run one search; the bundle holds the table of trials, and a run for each."""
    seed = job.identity.seed
    trials = search_cells(
        job.train,
        job.network,
        job.recipe,
        cells=job.cells,
        n_folds=job.n_folds,
        seed=seed,
        directory=job.scratch,
        score=partial(_score, job.metric),
        selection=job.selection,
        progress=job.progress,
    )
    best = trials[0].cells
    if best in job.phase1:
        hand_over(trial_folder(job.scratch, best), job.phase1[best])
    table = {
        "dataset": job.identity.dataset,
        "model": job.identity.classifier,
        "seed": seed,
        "folds": job.n_folds,
        "selected_on": job.selected_on,
        "metric": job.metric.name,
        "best": best,
        "trials": [_as_measured(job.metric, trial) for trial in trials],
    }
    bundle = {TRIALS_FILE: to_json(table).encode()}
    evidence = "oof" if job.selection is None else "selection"
    for trial in trials:
        identity = job.identity.trial(trial.cells)
        width = replace(job, network=replace(job.network, cells=trial.cells))
        made = width.run(
            identity,
            metrics={
                f"{evidence}_accuracy": trial.accuracy,
                f"{evidence}_log_loss": trial.loss,
                f"{evidence}_{job.metric.name}": _as_measured(job.metric, trial)["score"],
            },
        )
        bundle[f"cells-{trial.cells}/{RUN_FILE}"] = made.file()
    return bundle


def _score(metric: Metric, y: NDArray[np.int64], probabilities: NDArray[np.float32]) -> float:
    value = metric.function(y, probabilities)
    return value if metric.higher_is_better else -value


def _as_measured(metric: Metric, trial: Trial) -> dict[str, float]:
    """Return a trial with its score as people know the metric."""
    return vars(trial) | {"score": trial.score if metric.higher_is_better else 0.0 - trial.score}


def hand_over(trial: Path, phase1: Path) -> None:
    """Give a trial's checkpoints to phase 1, which finds its folds trained.

    No result depends on it: trained anew, the folds end with the same bytes.
    """
    phase1.mkdir(parents=True, exist_ok=True)
    for checkpoint in trial.glob("*.npz"):
        checkpoint.replace(phase1 / checkpoint.name)
