"""Candidates for promotion, with out-of-fold predictions that nobody trained for."""

import dataclasses

import numpy as np

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.series import Split
from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.runs.predictions import Predictions
from lstmfcn.runs.run import RUN_FILE, Run, find_runs
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.registry.decision import Rule
from lstmfcn.tracking.registry.promotion import promote
from lstmfcn.tracking.registry.registration import Contents
from lstmfcn.tracking.registry.versions import registered

RULE = Rule(METRICS["accuracy"], 0.05)


def trained(workspace, right, *, data=None, sure=0.9):
    """Lay a run down as a training would that names the true class of the first `right` of 24 series.

    Those with an equal number are of different seeds, and predict equally.
    """
    folder, run = next(find_runs(workspace.phase1))
    seed = 100 + len(list(workspace.phase1.rglob(RUN_FILE)))
    train = Split.load(workspace.train_splits / "Bumps.npz")
    n, k = len(train.y), len(train.classes)
    p = np.full((n, k), (1 - sure) / (k - 1), np.float32)
    p[np.arange(n), np.where(np.arange(n) < right, train.y, (train.y + 1) % k)] = sure
    oof = Predictions(classes=train.classes, probabilities=p, labels=np.array(train.classes)[train.y])
    files = {name: (folder / name).read_bytes() for name in run.files} | {"oof.csv": oof.to_csv(digits=9)}
    run = dataclasses.replace(
        run,
        identity=dataclasses.replace(run.identity, seed=seed),
        job=f"{seed}, {right} right, {data}",
        key="",
        data=data or run.data,
        metrics={**run.metrics, "oof_accuracy": right / n},
    )
    folder = run.identity.folder(workspace)
    folder.mkdir()
    for name, content in run.with_files(files).items():
        (folder / name).write_bytes(content)
    return Run.load(folder / RUN_FILE)


def offer(workspace, run, rule=RULE, *, restore=False, **changes):
    train = Split.load(workspace.train_splits / "Bumps.npz")
    return promote(
        run,
        run.identity.folder(workspace),
        Contents(
            **{
                "classes": train.classes,
                "counts": [8, 8, 8],
                "example": train.X[:2],
                "preprocessing": Preprocessing.load(workspace.preprocessing("Bumps")),
                **changes,
            }
        ),
        rule=rule,
        tracker=Tracker(workspace, print),
        workspace=workspace,
        restore=restore,
    )


def aliases(workspace):
    return {alias: v.version for v in registered(workspace)["Bumps"] for alias in v.aliases}
