"""Phase 1 with its out-of-fold predictions."""

from __future__ import annotations

from lstmfcn.classifiers.jobs.common import TrainJob
from lstmfcn.runs.run import Bundle


def train(job: TrainJob) -> Bundle:
    """Run one training; the bundle holds its outcome's files and its run."""
    outcome = job.classifier.at_work().train(job.classifier, job)
    files = outcome.files(job.train.classes, folds=job.keeps_folds)
    made = job.run(
        metrics=outcome.metrics,
        history="history.csv" if "history.csv" in files else None,
        artifacts=tuple(name for name in ("weights.npz", "history.csv", "oof.csv") if name in files),
    )
    return made.with_files(files)
