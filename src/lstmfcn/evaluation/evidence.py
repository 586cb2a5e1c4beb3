"""The evidence of a run: every metric, and the temperature, of its out-of-fold predictions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lstmfcn.evaluation.calibration import TEMPERATURE, fitted_temperature
from lstmfcn.evaluation.metrics import score
from lstmfcn.runs.outputs import read_output
from lstmfcn.runs.predictions import Predictions
from lstmfcn.runs.run import Run
from lstmfcn.workspace import Workspace

OOF_FILE = "oof.csv"


def with_evidence(workspace: Workspace, run: Run) -> Run:
    """Return a run with every metric of the table, out of fold, as `oof_<name>`, and its temperature.

    Its own figures stay.

    Parameters
    ----------
    workspace, run
        What was trained, and where. Without out-of-fold predictions it is returned as it is.

    Raises
    ------
    DataError
        If the file of predictions is damaged, or gone.
    """
    if OOF_FILE not in run.artifacts:
        return run
    oof = Predictions.from_csv(read_output(workspace, run, OOF_FILE))
    if not oof.held.any():
        return run
    y, probabilities = oof.y[oof.held], oof.probabilities[oof.held]
    scores = score(y, probabilities).items()
    found = {f"oof_{name}": value for name, value in scores if not np.isnan(value)}
    found |= {TEMPERATURE: fitted_temperature(y, probabilities)}
    return replace(run, metrics=found | dict(run.metrics))
