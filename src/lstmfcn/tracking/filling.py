"""What MLflow is told of a run: parameters, metrics of each epoch, tags, its data and its files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lstmfcn.evaluation.metrics import all_metrics
from lstmfcn.files import to_json
from lstmfcn.runs.run import BY_ESTIMATOR, Run
from lstmfcn.tracking.logged import BATCH, CLONE_TAG, EXPERIMENT_TAG, KEY_TAG, PARENT_TAG, retried
from lstmfcn.tracking.relocation import ARTIFACTS

# The history's columns beside their names in MLflow, where they stand next to oof_ and test_ metrics.
METRIC_NAMES = {"loss": "train_loss", "accuracy": "train_accuracy"}

SHOWN_BY_PARENT = ("oof_", "test_")
"""How the metrics begin that a parent's row shows."""


def fill(
    client: Any,
    experiment: str,
    run: Run,
    folder: Path,
    *,
    parent: str,
    facts: Mapping[str, Any],
    clone: str,
    artifacts: Path | None,
) -> tuple[str, list[Any]]:
    """Log a run but for its end, so that one which is cut short is known by that.

    Parameters
    ----------
    client, experiment
        MLflow's client, and the experiment's id.
    run, folder
        The run, and where its files lie.
    parent
        The id of the run that holds all of its model.
    facts
        When and how it was made.
    clone
        What tells this clone.
    artifacts
        The folder of the store's artifacts, where it lies on this machine: they are copied there.

    Returns
    -------
    run_id : str
    shown : list of mlflow.entities.Metric
        What the parent's row shows of it.
    """
    from mlflow.entities import Metric, Param

    started, ended = times(facts)
    tags = _tags(run, facts, clone) | {PARENT_TAG: parent}
    run_id = client.create_run(experiment, start_time=started, run_name=run.name, tags=tags).info.run_id
    one = run.identity
    told = {"dataset": one.dataset, "model": one.classifier, "seed": one.seed, **run.params}
    params = [Param(k, str(v)) for k, v in told.items()]
    metrics = _metrics(folder, run, started, ended)
    room = BATCH - len(params)
    client.log_batch(run_id, metrics=metrics[:room], params=params)
    for first in range(room, len(metrics), BATCH):
        client.log_batch(run_id, metrics=metrics[first : first + BATCH])
    retried(lambda: client.log_inputs(run_id, [_data(run)]))
    if artifacts is not None:
        place = artifacts / run_id / ARTIFACTS
        place.mkdir(parents=True)
        for name in run.artifacts:
            shutil.copyfile(folder / name, place / name)
    else:
        for name in run.artifacts:
            client.log_artifact(run_id, str(folder / name))
    if one.step == "search":
        return run_id, []
    # A step an iteration of fine-tuning.
    return run_id, [
        Metric(m.key, m.value, m.timestamp, one.number)
        for m in metrics
        if m.key.startswith(SHOWN_BY_PARENT) and m.key.partition("_")[2] in all_metrics()
    ]


def _tags(run: Run, facts: Mapping[str, Any], clone: str) -> dict[str, str]:
    one, seconds = run.identity, facts.get("seconds")
    tags = {
        "mlflow.source.name": "lstmfcn",
        "mlflow.source.git.commit": str(facts.get("commit") or "unknown"),
        KEY_TAG: run.key,
        CLONE_TAG: clone,
        "lstmfcn.job": run.job,
        "lstmfcn.upstream": run.upstream,
        "lstmfcn.data": run.data,
        "lstmfcn.version": str(facts.get("version") or "unknown"),
        "lstmfcn.device": str(facts.get("device") or "unknown"),
        "lstmfcn.seconds": f"{seconds:.1f}" if seconds else "",
        EXPERIMENT_TAG: str(facts.get("experiment", "")),
        "dataset": one.dataset,
        "model": one.classifier,
        "phase": one.phase,
        "iteration": str(one.number) if one.step == "finetuned" else "",
        "seed": str(one.seed),
        "protocol": run.protocol,
        "selected_on": run.selected_on,
    }
    return {name: value for name, value in tags.items() if value}


def _data(run: Run) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    by_hand = run.protocol == BY_ESTIMATOR
    data = Dataset(
        f"{run.identity.dataset} ({run.split} split)",
        run.data[:32],
        "code" if by_hand else "dvc",
        "given to fit" if by_hand else f"data/prepared/{run.split}",
        profile=to_json(dict(run.sizes)),
    )
    return DatasetInput(data, [InputTag("mlflow.data.context", run.split)])


def _metrics(folder: Path, run: Run, started: int, ended: int) -> list[Any]:
    """Return the final metrics, and the history's spread evenly over the run's time."""
    from mlflow.entities import Metric

    metrics = [Metric(name, value, ended, 0) for name, value in run.metrics.items() if value is not None]
    if run.history:
        import pandas as pd

        history = pd.read_csv(folder / run.history).set_index("epoch")
        span = (ended - started) / max(len(history), 1)
        for name, column in history.items():
            metric = METRIC_NAMES.get(str(name), str(name))
            metrics += [
                Metric(metric, float(v), started + int(span * i), int(epoch))  # type: ignore[call-overload]
                for i, (epoch, v) in enumerate(column.items(), start=1)
            ]
    return metrics


def times(facts: Mapping[str, Any]) -> tuple[int, int]:
    """Return start and end in milliseconds since the epoch; now, for a run that was made elsewhere."""
    now = int(time.time() * 1000)
    started = int(facts.get("started", now))
    return started, started + int(1000 * float(facts.get("seconds", 0)))
