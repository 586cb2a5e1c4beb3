"""One iteration of Algorithm 1."""

from __future__ import annotations

from lstmfcn.classifiers.finetuning import iterate
from lstmfcn.classifiers.jobs.common import FinetuneJob
from lstmfcn.classifiers.outcome import fold_weights, unpack_weights
from lstmfcn.classifiers.phase1 import reused_engine
from lstmfcn.runs.run import Bundle


def finetune(job: FinetuneJob) -> Bundle:
    """Run one iteration; the bundle holds its outcome's files and its run."""
    engine = reused_engine(job.train, job.network, seed=job.identity.seed)
    outcome = iterate(
        engine,
        job.train,
        job.recipe,
        index=job.identity.number,
        start=unpack_weights(job.weights["weights.npz"]),
        fold_starts=fold_weights(job.weights),
        n_folds=job.n_folds,
        seed=job.identity.seed,
        selection=job.selection,
        progress=job.progress,
        scratch=job.scratch,
    )
    made = job.run(
        metrics=outcome.metrics,
        history="history.csv",
        artifacts=("weights.npz", "history.csv", "oof.csv"),
        upstream=job.upstream,
    )
    return made.with_files(outcome.files(job.train.classes, folds=job.keeps_folds))
