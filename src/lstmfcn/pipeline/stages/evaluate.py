"""`evaluate`: the only stage that opens the test split. Nothing that chooses comes after it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lstmfcn.config import Params
from lstmfcn.data.catalogue import lookup
from lstmfcn.data.series import Split
from lstmfcn.networks.architecture import Architecture
from lstmfcn.pipeline.jobs import Job, run_queue
from lstmfcn.pipeline.stages.prepare import train_splits
from lstmfcn.runs.cache import Bundle, job_key
from lstmfcn.runs.code import code_hash
from lstmfcn.runs.predictions import Predictions
from lstmfcn.runs.ranking import rank
from lstmfcn.runs.run import RUN_FILE, Run, find_runs
from lstmfcn.workspace import Workspace

CODE = ("lstmfcn.classifiers.phase1", "lstmfcn.evaluation.metrics")


@dataclass(frozen=True)
class EvaluateJob:
    """What one evaluation needs.

    Attributes
    ----------
    trained
        The trained runs, each with its weights' file: phase 1 and every fine-tuning iteration.
    chosen
        The keys of those that stand for their phase: phase 1, and the iteration with the best evidence.
    """

    trained: tuple[tuple[Run, bytes], ...]
    key: str
    chosen: frozenset[str]
    n_train: int
    test: Split


def run(workspace: Workspace, params: Params) -> None:
    """Evaluate phase 1 and each iteration of each dataset, model and seed; write the tables."""
    code = code_hash(*CODE)
    predictions = workspace.results / "predictions"
    jobs = []
    oof: dict[str, Path] = {}
    for dataset, train in train_splits(workspace, params).items():
        test = Split.load(workspace.test_splits / f"{dataset}.npz")
        for model in params.models:
            for seed in params.seeds:
                place = Path(dataset, model, f"seed-{seed}")
                folders = _trained(workspace, place, params.finetune.iterations)
                trained = [Run.load(folder / RUN_FILE) for folder in folders]
                oof |= {run.key: folder / "oof.csv" for run, folder in zip(trained, folders, strict=True)}
                upstream = " ".join(run.key for run in trained)
                key = job_key(stage="evaluate", data=test.hash, recipe=[], upstream=upstream, code=code)
                jobs.append(
                    Job(
                        name=f"{dataset} {model} seed {seed}",
                        key=key,
                        arguments=partial(_job, folders, key, _chosen(trained), len(train.y), test),
                        folder=predictions / place,
                        size=test.X.size,
                    )
                )
    run_queue("evaluate", evaluate_job, jobs, workspace)
    edition = params.prepare.edition
    rows = [
        _row(run, oof[run.upstream]) | {"edition": edition if lookup(run.dataset) else None}
        for job in jobs
        for _, run in find_runs(job.folder)
        if run.job == job.key  # more iterations may have been evaluated before
    ]
    from lstmfcn.evaluation.results import write_results

    write_results(workspace.results, rows)


def _trained(workspace: Workspace, place: Path, iterations: int) -> list[Path]:
    """Return the folders of phase 1 and of each iteration."""
    finetuned = [workspace.finetuned / place / f"iteration-{i}" for i in range(1, iterations + 1)]
    return [workspace.phase1 / place, *finetuned]


def _job(folders: list[Path], *arguments: Any) -> EvaluateJob:
    """Return a job that evaluates the weights in `folders`."""
    trained = [(Run.load(folder / RUN_FILE), (folder / "weights.npz").read_bytes()) for folder in folders]
    return EvaluateJob(tuple(trained), *arguments)


def _chosen(runs: list[Run]) -> frozenset[str]:
    """Return the keys of phase 1 and of the iteration that the evidence prefers."""
    iterations = rank(run for run in runs if run.phase == "finetuned")
    return frozenset(run.key for run in (runs[0], *iterations[:1]))


def _folder(run: Run) -> str:
    return f"iteration-{run.params['iteration']}" if run.phase == "finetuned" else "phase1"


def evaluate_job(job: EvaluateJob) -> Bundle:
    """Predict the test split with each candidate; the bundle holds predictions and a run for each."""
    import numpy as np
    import pandas as pd

    from lstmfcn.classifiers.outcome import unpack_weights
    from lstmfcn.classifiers.phase1 import reused_engine
    from lstmfcn.evaluation.metrics import score
    from lstmfcn.training.weights import set_weights

    test, first = job.test, job.trained[0][0]
    engine = reused_engine(test, Architecture.of(first.model, first.params), seed=first.seed)
    bundle: dict[str, bytes] = {}
    for run, weights in job.trained:
        set_weights(engine.model, unpack_weights(weights))
        probabilities = engine.predict(test.X)
        predicted = probabilities.argmax(axis=1)
        classes = np.array(test.classes)
        table = pd.DataFrame(
            {
                "series": np.arange(1, len(test.y) + 1),
                "label": classes[test.y],
                "predicted": classes[predicted],
            }
        )
        for k, label in enumerate(test.classes):
            table[f"p:{label}"] = probabilities[:, k]
        made = Run(
            job=job.key,
            name=f"{run.name}, test",
            dataset=run.dataset,
            model=run.model,
            phase="evaluation",
            protocol=run.protocol,
            seed=run.seed,
            split="test",
            data=test.hash,
            params=dict(run.params)
            | {
                "evaluated": run.phase,
                "chosen": run.key in job.chosen,
                "n_train": job.n_train,
                "n_test": len(test.y),
                "n_classes": len(test.classes),
                "length": int(test.X.shape[-1]),
            },
            metrics={
                **{f"test_{name}": value for name, value in score(test.y, probabilities).items()},
                "oof_accuracy": run.metrics["oof_accuracy"],
                "oof_loss": run.metrics["oof_loss"],
            },
            artifacts=("predictions.csv",),
            upstream=run.key,
            selected_on=run.selected_on,
        )
        csv = io.StringIO()
        table.to_csv(csv, index=False, float_format="%.7g")
        bundle[f"{_folder(run)}/predictions.csv"] = csv.getvalue().encode()
        bundle[f"{_folder(run)}/{RUN_FILE}"] = made.file()
    return bundle


def _oof_scores(path: Path) -> dict[str, float]:
    """Return every metric of out-of-fold predictions; none where nothing could be held out."""
    from lstmfcn.evaluation.metrics import score

    oof = Predictions.from_csv(path)
    found = score(oof.y[oof.held], oof.probabilities[oof.held]) if oof.held.any() else {}
    return {f"oof_{name}": value for name, value in found.items()}


def _row(run: Run, oof: Path) -> dict[str, Any]:
    from lstmfcn.evaluation.metrics import all_metrics

    params, metrics = run.params, run.metrics
    return {
        "dataset": run.dataset,
        "model": run.model,
        "phase": params["evaluated"],
        "seed": run.seed,
        "iteration": params.get("iteration", 0),
        "chosen": params["chosen"],
        "cells": params["cells"],
        "protocol": run.protocol,
        "selected_on": run.selected_on,
        **{name: params[name] for name in ("n_train", "n_test", "n_classes", "length")},
        **_oof_scores(oof),
        **{name: metrics[f"test_{name}"] for name in all_metrics()},
        "key": run.upstream,
    }
