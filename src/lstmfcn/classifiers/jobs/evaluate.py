"""Measuring what was trained, on the test split: nothing that chooses comes after it."""

from __future__ import annotations

import numpy as np

from lstmfcn.classifiers.jobs.common import EvaluateJob, sizes_of
from lstmfcn.evaluation.calibration import TEMPERATURE, fitted_temperature
from lstmfcn.evaluation.measurement import measure, measure_calibrated
from lstmfcn.evaluation.measures import majority_rate
from lstmfcn.runs.predictions import Predictions
from lstmfcn.runs.run import Bundle, Run

PREDICTIONS_FILE = "predictions.csv"


def evaluate(job: EvaluateJob) -> Bundle:
    """Predict the test split by each run; the bundle holds predictions and a run for each.

    Every metric of the table is taken of the test split's predictions, and of the out-of-fold ones that the
    training left, with its interval; and the majority rate of the training split.
    """
    test, rate = job.test, majority_rate(job.train.y)
    bundle: dict[str, bytes] = {}
    every = job.classifier.at_work().predict(job.classifier, job.trained, job.train, test.X)
    for (run, files), probabilities in zip(job.trained, every, strict=True):
        labels = np.array(test.classes)[test.y]
        predictions = Predictions(classes=test.classes, probabilities=probabilities, labels=labels)
        found = measure(test.y, probabilities, test.classes)
        evidence = _out_of_fold(files["oof.csv"], run)
        if (temperature := evidence.get(TEMPERATURE)) is not None:
            found |= measure_calibrated(test.y, probabilities, temperature)
        metrics = {"majority_rate": rate} | {f"test_{name}": _defined(value) for name, value in found.items()}
        made = Run(
            identity=run.identity.test(),
            job=job.key,
            protocol=run.protocol,
            data=test.hash,
            params=run.params,
            sizes=sizes_of(job.train) | {"n_test": len(test.y)},
            metrics=metrics | evidence,
            artifacts=(PREDICTIONS_FILE,),
            upstream=run.key,
            selected_on=run.selected_on,
        )
        place = run.identity.step_folder
        left = made.with_files({PREDICTIONS_FILE: predictions.to_csv()})
        bundle |= {f"{place}/{name}": content for name, content in left.items()}
    return bundle


def _out_of_fold(file: bytes, run: Run) -> dict[str, float | None]:
    """Return every metric of out-of-fold predictions and the temperature that is fitted on them.

    Where there are no such predictions, what the run says of them.
    """
    oof = Predictions.from_csv(file)
    if not oof.held.any():
        return {name: value for name, value in run.metrics.items() if name.startswith("oof_")}
    y, probabilities = oof.y[oof.held], oof.probabilities[oof.held]
    found = measure(y, probabilities, oof.classes)
    evidence = {f"oof_{name}": _defined(value) for name, value in found.items()}
    return evidence | {TEMPERATURE: fitted_temperature(y, probabilities)}


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else value
