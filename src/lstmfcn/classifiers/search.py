"""The search for the number of LSTM cells, through Keras Tuner.

The grid is small and Keras Tuner's own grid search cannot go on after a kill, so the oracle here
simply proposes, in order, each value that no finished trial has tried.

A trial trains as phase 1 does unless told otherwise. Trained for less, all widths are still far from
where they end, and the wide ones, which learn faster, win: on FaceFour 20 epochs choose 128 cells (test
accuracy 0.864 after phase 1, three seeds), whole trainings 8 (0.943).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial as TunerTrial
from keras_tuner.engine.trial import TrialStatus
from numpy.typing import NDArray

from lstmfcn.classifiers.outcome import cross_validate
from lstmfcn.classifiers.phase1 import folds_of, labelled, reused_engine
from lstmfcn.data.series import Split
from lstmfcn.evaluation.scores import accuracy, log_loss
from lstmfcn.networks.architecture import Architecture
from lstmfcn.training.checkpoint import Checkpoint
from lstmfcn.training.loop import Progress
from lstmfcn.training.recipe import TrainingRecipe

Score = Callable[[NDArray[np.int64], NDArray[np.float32]], float]
"""From class indices and probabilities to what a search chooses by: the higher, the better."""


@dataclass(frozen=True)
class Trial:
    """One cell count and what was found of it: out-of-fold accuracy, loss (in nats) and score.

    Under `protocol: paper` they are those of the split that is selected on. All are 0 where no class
    has two series, so that nothing could be held out, and a score that is not defined is.
    """

    cells: int
    accuracy: float
    loss: float
    score: float

    @property
    def evidence(self) -> tuple[float, float, int]:
        """Sorts trials: score, then loss where scores tie, then the smaller network."""
        return (self.score, -self.loss, -self.cells)


def right(y: NDArray[np.int64], probabilities: NDArray[np.float32]) -> float:
    """Return the accuracy: what a search chooses by where it is told nothing else."""
    return accuracy(y, probabilities.argmax(axis=1))


class GridOracle(keras_tuner.Oracle):
    """Proposes each of `cells` once; what a killed search has finished is not proposed again."""

    def __init__(self, cells: Sequence[int]) -> None:
        space = keras_tuner.HyperParameters()
        space.Choice("cells", list(cells))
        self._cells = list(cells)
        super().__init__(
            objective=keras_tuner.Objective("score", "max"),
            max_trials=len(self._cells),
            hyperparameters=space,
            max_retries_per_trial=0,
            max_consecutive_failed_trials=1,
        )

    def populate_space(self, _trial_id: str) -> dict[str, Any]:
        """Return the next value, or that there is none."""
        tried = {trial.hyperparameters.get("cells") for trial in self.trials.values()}
        left = [c for c in self._cells if c not in tried]
        return {"status": "RUNNING", "values": {"cells": left[0]}} if left else {"status": "STOPPED"}

    def reload(self) -> None:
        """Take up the finished trials, in order, as far as their files are whole.

        Keras Tuner writes its files in place, one after the other, so that a kill may tear any of them or
        leave them at odds. The trials' own files say all there is to say: no other is read. What comes after
        a torn one is tried again, from its checkpoints.
        """
        for file in sorted(Path(self._project_dir).glob("trial_*/trial.json")):
            try:
                trial = TunerTrial.load(str(file))
            except (ValueError, KeyError, TypeError):
                break
            if trial.status != TrialStatus.COMPLETED or int(trial.trial_id) != len(self.trials):
                break
            self.trials[trial.trial_id] = trial
            self.start_order.append(trial.trial_id)
            self.end_order.append(trial.trial_id)


class _CellTuner(keras_tuner.Tuner):
    """Runs a trial: a cross-validation instead of Keras Tuner's build and fit."""

    def __init__(self, oracle: GridOracle, evaluate: Callable[[int], Trial], directory: Path) -> None:
        self._evaluate = evaluate
        super().__init__(oracle=oracle, directory=str(directory), project_name="cells", overwrite=False)
        oracle.reload()

    def reload(self) -> None:
        """Keep no state but the oracle's."""

    def run_trial(self, trial: Any, *_args: Any, **_kwargs: Any) -> dict[str, float]:
        try:
            found = self._evaluate(trial.hyperparameters.get("cells"))
        except Exception as error:
            # The only kind that Keras Tuner lets through: any other it takes for a bad hyperparameter's.
            raise keras_tuner.errors.FatalError(str(error)) from error
        return {"accuracy": found.accuracy, "loss": found.loss, "score": found.score}

    def load_model(self, _trial: Any) -> None:
        """Trials keep no model: phase 1 trains the chosen width anew."""

    def save_model(self, *_args: Any) -> None:
        """Trials keep no model."""


def search_cells(
    train: Split,
    architecture: Architecture,
    recipe: TrainingRecipe,
    *,
    cells: Sequence[int],
    n_folds: int,
    seed: int,
    directory: Path,
    score: Score = right,
    selection: Split | None = None,
    progress: Progress | None = None,
) -> list[Trial]:
    """Try each cell count by stratified cross-validation on the training split.

    Parameters
    ----------
    train
        The training split; nothing else is looked at, unless `selection` is given.
    architecture
        A network with an LSTM; its own width is not looked at.
    recipe
        How each trial trains.
    cells
        The values to try.
    n_folds, seed
        As in phase 1; all trials share the folds.
    directory
        Where Keras Tuner keeps its state, and the trainings their checkpoints; a search that was killed
        goes on from there.
    score
        What chooses.
    selection
        The split that `protocol: paper` scores trials on, as the paper did, instead of by
        cross-validation; None otherwise.
    progress
        Called with a line of text now and then.

    Returns
    -------
    list of Trial
        One a value, the best first.
    """
    fold = folds_of(train, n_folds, seed, selection)

    def evaluate(width: int) -> Trial:
        engine = reused_engine(train, replace(architecture, cells=width), seed=seed)
        tell = (lambda message: progress(f"{width} cells, {message}")) if progress else None
        scratch = trial_folder(directory, width)
        if selection is not None:
            given = labelled(selection)
            engine.train(
                train.X,
                train.y,
                recipe,
                start=engine.initial,
                seed=seed,
                selection=given,
                progress=tell,
                checkpoint=Checkpoint(scratch / "whole.npz"),
            )
            return _trial(width, selection.y, engine.predict(selection.X), score)
        oof, _ = cross_validate(
            engine,
            train.X,
            train.y,
            recipe,
            fold=fold,
            starts=[engine.initial] * (int(fold.max()) + 1),
            seed=seed,
            progress=tell,
            scratch=scratch,
        )
        held = oof.fold >= 0
        return _trial(width, oof.y[held], oof.probabilities[held], score)

    oracle = GridOracle(cells)
    tuner = _CellTuner(oracle, evaluate, directory)
    try:
        tuner.search(verbose=0)
    except keras_tuner.errors.FatalError as error:
        raise error.__cause__ or error from None
    found = [
        Trial(t.hyperparameters.get("cells"), *(_last(t, m) for m in ("accuracy", "loss", "score")))
        for t in oracle.trials.values()
    ]
    return sorted(found, key=lambda trial: trial.evidence, reverse=True)


def _trial(width: int, y: NDArray[np.int64], probabilities: NDArray[np.float32], score: Score) -> Trial:
    if not len(y):
        return Trial(width, 0.0, 0.0, 0.0)
    found = score(y, probabilities)
    return Trial(
        width, right(y, probabilities), log_loss(y, probabilities), 0.0 if np.isnan(found) else found
    )


def trial_folder(directory: Path, cells: int) -> Path:
    """Return where a trial has its checkpoints, in the folder of its search."""
    return directory / f"cells-{cells}"


def _last(trial: Any, metric: str) -> float:
    return float(trial.metrics.get_best_value(metric))
