"""The vote of what phase 1 has trained, with its out-of-fold predictions: nothing is trained here."""

from __future__ import annotations

from lstmfcn.classifiers.ensemble import louder, mean_out_of_fold, merged
from lstmfcn.classifiers.jobs.common import VoteJob, sizes_of
from lstmfcn.classifiers.outcome import Outcome, fold_weights, unpack_weights
from lstmfcn.classifiers.table import classifier_named, member_of
from lstmfcn.errors import DataError
from lstmfcn.networks.architecture import Architecture
from lstmfcn.runs.left_out import RefusedError
from lstmfcn.runs.predictions import Predictions
from lstmfcn.runs.run import Bundle, Run


def vote(job: VoteJob) -> Bundle:
    """Put networks together; the bundle holds their weights, their mean evidence, and its run.

    Raises
    ------
    DataError
        If they were not trained on the split that is given.
    RefusedError
        If there are none, since all that would vote are left out.
    """
    if not job.members:
        raise RefusedError("All that would vote are left out.", job.identity)
    words, weights = [], []
    voices = [classifier_named(run.identity.classifier).voice for run, _ in job.members]
    for (run, files), voice in zip(job.members, voices, strict=True):
        if run.data != job.train.hash:
            raise DataError(f"{run.name} was trained on other series. `dvc repro` trains it anew.")
        networks = [unpack_weights(files["weights.npz"]), *(fold_weights(files) if job.folds else [])]
        words += [member_of(run.identity.classifier, run.cells)] * len(networks)
        weights += [louder(network, voice) for network in networks]
    evidence = mean_out_of_fold([Predictions.from_csv(files["oof.csv"]) for _, files in job.members], voices)
    outcome = Outcome(merged(weights), (), None, evidence)
    first = job.members[0][0]
    seeds = dict.fromkeys(str(run.identity.seed) for run, _ in job.members)
    trained = next((run.params for run, _ in job.members if "dropout" in run.params), first.params)
    defaults = Architecture(name=job.identity.classifier).params()
    shared = {name: trained.get(name, value) for name, value in defaults.items()} | {"cells": None}
    made = Run(
        identity=job.identity,
        job=job.key,
        protocol=job.protocol,
        data=job.train.hash,
        params=shared
        | {"members": " ".join(words), "seeds": " ".join(seeds), "folds": first.params["folds"]},
        sizes=sizes_of(job.train),
        metrics=outcome.metrics,
        artifacts=("weights.npz", "oof.csv"),
    )
    return made.with_files(outcome.files(job.train.classes))
