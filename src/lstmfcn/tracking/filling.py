"""What MLflow is told of a run: parameters, metrics of each epoch, tags, its data and its files."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lstmfcn.files import place_copy
from lstmfcn.runs.run import Run
from lstmfcn.tracking import sqlite
from lstmfcn.tracking.logged import BATCH, CLONE_TAG, EXPERIMENT_TAG, JOB_TAG, KEY_TAG, PARENT_TAG, retried
from lstmfcn.tracking.relocation import ARTIFACTS

# The history's columns beside their names in MLflow, where they stand next to oof_ and test_ metrics.
DEVICE_FACTS = ("backend", "device_memory", "device_load", "device_energy")
"""What is known of a device beside its name."""

METRIC_NAMES = {"loss": "train_loss", "accuracy": "train_accuracy"}

LONGEST_KEY, LONGEST_VALUE = 250, 500
"""Characters that any version of MLflow takes of a parameter."""

POINTS = 100
"""So many of the epochs that a training may have are logged, and its last; the history's file has all."""


def begin(
    client: Any,
    experiment: str,
    run: Run,
    *,
    name: str,
    parent: str,
    facts: Mapping[str, Any],
    clone: str,
    data: Any,
) -> str:
    """Make a run in MLflow, which is under way until it is filled and ended; return its id.

    Parameters
    ----------
    client, experiment
        MLflow's client, and the experiment's id.
    run
        The run.
    name
        What it is called.
    parent
        The id of the run that holds all of its classifier.
    facts
        When and how it is made.
    clone
        What tells this clone.
    data
        See `lstmfcn.tracking.inputs.input_of`.
    """
    tags = tags_of(run, facts, clone) | {PARENT_TAG: parent}
    made = client.create_run(experiment, start_time=times(facts)[0], run_name=name, tags=tags)
    run_id: str = made.info.run_id
    retried(lambda: client.log_inputs(run_id, [data]))
    return run_id


def params_of(run: Run) -> list[Any]:
    """Return the parameters of a run, and which run it is."""
    from mlflow.entities import Param

    one = run.identity
    told = {"dataset": one.dataset, "model": one.classifier, "seed": one.seed, **run.params}
    return [Param(k, str(v)) for k, v in told.items()]


def place_artifacts(client: Any, run_id: str, run: Run, folder: Path, artifacts: Path | None) -> None:
    """Log the files of a run.

    Parameters
    ----------
    client, run_id
        MLflow's client, and the id that `begin` gave.
    run, folder
        The run, and where its files lie.
    artifacts
        The folder of the store's artifacts, where it lies on this machine: they are placed there.
    """
    if artifacts is not None:
        for name in run.artifacts:
            place_copy(folder / name, artifacts / run_id / ARTIFACTS / name)
    else:
        for name in run.artifacts:
            client.log_artifact(run_id, str(folder / name))


def finish(
    client: Any,
    run_id: str,
    run: Run,
    folder: Path,
    *,
    facts: Mapping[str, Any],
    file: Path | None,
    epochs: int = 0,
) -> None:
    """Log parameters and metrics of a run, and end it: what is cut short before is known by that.

    Parameters
    ----------
    client, run_id, run, folder
        See `place_artifacts`.
    facts
        When and how it was made.
    file
        The store, where it is a SQLite database: there it is written at once.
    epochs
        How many epochs of its history are logged already.
    """
    started, ended = times(facts)
    params, final = params_of(run), final_metrics(run.metrics, ended)
    metrics = final + _history(folder, run, started, ended, epochs=epochs)
    if file is not None and _are_finite(metrics) and all(map(_is_taken, params)):
        sqlite.finish(file, run_id, params, metrics, ended)
        return
    room = BATCH - len(params)
    client.log_batch(run_id, params=params, metrics=metrics[:room])
    log_metrics(client, run_id, metrics[room:], file=None)
    client.set_terminated(run_id, end_time=ended)


def log_metrics(client: Any, run_id: str, metrics: Sequence[Any], *, file: Path | None) -> None:
    """Log metrics, of which there may be many; the parameters are those of `finish`."""
    if file is not None and _are_finite(metrics):
        sqlite.add_metrics(file, run_id, metrics)
    else:
        for first in range(0, len(metrics), BATCH):
            client.log_batch(run_id, metrics=metrics[first : first + BATCH])


def _is_taken(param: Any) -> bool:
    """Return whether MLflow surely takes a parameter; why it takes another not, it says itself."""
    return len(param.key) <= LONGEST_KEY and len(param.value) <= LONGEST_VALUE


def _are_finite(metrics: Sequence[Any]) -> bool:
    return all(math.isfinite(metric.value) for metric in metrics)


def is_shown(run: Run, epoch: int) -> bool:
    """Return whether an epoch of a run, from 1, is among the `POINTS` that are logged."""
    return (epoch - 1) % max(1, math.ceil(int(run.params.get("epochs") or 0) / POINTS)) == 0


def final_metrics(values: Mapping[str, float | None], ended: int) -> list[Any]:
    """Return metrics without a step, as MLflow has them; a None is left out."""
    from mlflow.entities import Metric

    return [Metric(name, value, ended, 0) for name, value in values.items() if value is not None]


def tags_of(run: Run, facts: Mapping[str, Any], clone: str) -> dict[str, str]:
    """Return the tags of a run."""
    one, seconds = run.identity, facts.get("seconds")
    tags = {
        "mlflow.source.name": "lstmfcn",
        "mlflow.user": str(facts.get("user", "")),
        "mlflow.source.git.commit": str(facts.get("commit") or "unknown"),
        KEY_TAG: run.key,
        CLONE_TAG: clone,
        JOB_TAG: run.job,
        "lstmfcn.upstream": run.upstream,
        "lstmfcn.data": run.data,
        "lstmfcn.version": str(facts.get("version") or "unknown"),
        "lstmfcn.device": str(facts.get("device") or "unknown"),
        **{f"lstmfcn.{name}": str(facts.get(name) or "") for name in DEVICE_FACTS},
        "lstmfcn.seconds": f"{seconds:.1f}" if seconds else "",
        EXPERIMENT_TAG: str(facts.get("experiment", "")),
        "dataset": one.dataset,
        "model": one.classifier,
        "phase": one.phase,
        "iteration": str(one.number) if one.step == "finetuned" else "",
        "seed": str(one.seed),
        "resample": str(one.resample),
        "protocol": run.protocol,
        "selected_on": run.selected_on,
    }
    return {name: value for name, value in tags.items() if value}


def _history(folder: Path, run: Run, started: int, ended: int, *, epochs: int) -> list[Any]:
    """Return the metrics of the epochs after so many, spread evenly over the run's time."""
    from mlflow.entities import Metric

    if not run.history:
        return []
    import pandas as pd

    history = pd.read_csv(folder / run.history).set_index("epoch")
    span = (ended - started) / max(len(history), 1)
    shown = {i for i in range(1, len(history) + 1) if is_shown(run, i)}
    missing = (shown | {len(history)}) - {i for i in shown if i <= epochs}
    return [
        Metric(METRIC_NAMES.get(str(name), str(name)), value, started + int(span * i), int(epoch))
        for name, column in history.items()
        for i, (epoch, value) in enumerate(zip(history.index, column.tolist(), strict=True), start=1)
        if i in missing
    ]


def times(facts: Mapping[str, Any]) -> tuple[int, int]:
    """Return start and end in milliseconds since the epoch; now, for a run that was made elsewhere."""
    now = int(time.time() * 1000)
    started = int(facts.get("started", now))
    return started, started + int(1000 * float(facts.get("seconds", 0)))
