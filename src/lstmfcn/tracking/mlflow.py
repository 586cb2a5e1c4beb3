"""Filling MLflow from the files of runs: as runs end, or later with `lstmfcn sync`.

A run is recognised by its key (the tag `lstmfcn.key`), so filling twice makes no doubles. What a dead
process of this clone left half-logged is closed as KILLED and logged anew; other clones may be filling
the same store, and theirs is left alone. An unreachable server costs nothing but delay.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from lstmfcn.errors import DataError, TrackingError
from lstmfcn.evaluation.metrics import all_metrics
from lstmfcn.files import to_json
from lstmfcn.runs.cache import Cache
from lstmfcn.runs.outputs import check_outputs, runs_in
from lstmfcn.runs.run import BY_ESTIMATOR, Run, find_runs
from lstmfcn.tracking.causes import called
from lstmfcn.tracking.store import EXPERIMENT, clone_id, connect, explained, tracking_uri
from lstmfcn.workspace import Workspace

KEY_TAG = "lstmfcn.key"
CLONE_TAG = "lstmfcn.clone"
BATCH = 1000  # the most metrics MLflow takes in one call

PATIENCE = 30
"""A run that takes more seconds to log shows that the store is too slow to wait for."""

PAUSE = 60
"""So many seconds after it failed, or was too slow, the store is tried again."""

# The history's columns beside their names in MLflow, where they stand next to oof_ and test_ metrics.
METRIC_NAMES = {"loss": "train_loss", "accuracy": "train_accuracy"}

SHOWN_BY_PARENT = ("oof_", "test_")
"""How the metrics begin that a parent's row shows."""


class Tracker:
    """Logs runs to MLflow.

    Parameters
    ----------
    workspace
        Whose store to fill.
    say
        Where to say that the store does not answer.
    """

    def __init__(self, workspace: Workspace, say: Callable[[str], None]) -> None:
        self._workspace = workspace
        self._cache, self._fits = Cache(workspace.cache), Cache(workspace.fits)
        self._say = say
        self._client: Any = None
        self._experiment = ""
        self._known: dict[str, str] = {}  # the run id of each key
        self._waiting: list[tuple[Path, Run]] = []
        self._silent_until = -math.inf

    def log(self, folder: Path, run: Run) -> None:
        """Log a run whose outputs lie in `folder`, or keep it for later where the store fails.

        After a failure the store is left in peace for a while; `lstmfcn sync` logs what it never took.
        """
        self._waiting.insert(0, (folder, run))
        if time.monotonic() < self._silent_until:
            return
        first_time = self._silent_until == -math.inf
        try:
            for _ in range(len(self._waiting)):
                # One that the store refuses goes behind those it may take.
                self._waiting.append(self._waiting.pop(0))
                begun = time.monotonic()
                try:
                    self.log_now(*self._waiting[-1])
                except DataError as error:  # it stays so, however often the store is tried
                    self._say(str(error))
                self._waiting.pop()
                if time.monotonic() - begun > PATIENCE:
                    uri = called(tracking_uri(self._workspace))
                    raise TrackingError(f"The tracking store {uri} takes over {PATIENCE} s for a run.")
        except TrackingError as error:
            self._client = None  # what it left half-logged is closed when it is connected again
            self._silent_until = time.monotonic() + PAUSE
            if first_time:
                self._say(f"{error} The work goes on; `lstmfcn sync` logs its runs later.")

    def log_now(self, folder: Path, run: Run) -> bool:
        """Log a run unless it is there; return whether it was logged.

        Raises
        ------
        TrackingError
            If the store does not answer, or refuses the run.
        DataError
            If a file of the run was changed or is gone.
        """
        if self.run_id(run.key):
            return False
        if run.protocol != BY_ESTIMATOR:  # those lie in a cache of their own, not where their identity says
            check_outputs(self._workspace, run)
        with explained(self._workspace, f"{run.name} could not be logged"):
            self._fill(folder, run)
        return True

    def run_id(self, key: str) -> str | None:
        """Return MLflow's id of the run with this key; None where it is not logged.

        Raises
        ------
        TrackingError
            If the store does not answer.
        """
        self._connect()
        if key not in self._known:
            self._look_up(f"tags.`{KEY_TAG}` = '{key}'")  # another clone may have logged it since
        return self._known.get(key)

    def _connect(self) -> None:
        if self._client is None:
            self._client, self._experiment, self._known = connect(self._workspace), "", {}
            try:
                self._look_up()
            except BaseException:
                self._client = None
                raise

    def _look_up(self, those: str = "") -> None:
        """Note which runs are logged; close those that a dead process of this clone left running."""
        token = None
        with explained(self._workspace, "The runs could not be listed"):
            if not self._experiment:
                self._experiment = self._client.get_experiment_by_name(EXPERIMENT).experiment_id
            while True:
                page = self._client.search_runs(
                    [self._experiment], those, max_results=BATCH, page_token=token
                )
                for found in page:
                    tags = found.data.tags
                    if found.info.status == "FINISHED" and KEY_TAG in tags:
                        self._known[tags[KEY_TAG]] = found.info.run_id
                    elif found.info.status == "RUNNING" and tags.get(CLONE_TAG) == clone_id(self._workspace):
                        self._client.set_terminated(found.info.run_id, "KILLED")
                token = page.token
                if not token:
                    return

    def _fill(self, folder: Path, run: Run) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

        one, facts = run.identity, self._cache.facts(run.job) or self._fits.facts(run.job)
        started, ended = _times(facts)
        parent = self._parent(run, started)
        tags = {
            "mlflow.parentRunId": parent,
            "mlflow.source.name": "lstmfcn",
            "mlflow.source.git.commit": str(facts.get("commit") or "unknown"),
            KEY_TAG: run.key,
            CLONE_TAG: clone_id(self._workspace),
            "lstmfcn.job": run.job,
            "lstmfcn.upstream": run.upstream,
            "lstmfcn.data": run.data,
            "lstmfcn.version": str(facts.get("version") or "unknown"),
            "lstmfcn.device": str(facts.get("device") or "unknown"),
            "dataset": one.dataset,
            "model": one.classifier,
            "phase": one.phase,
            "iteration": str(one.number) if one.step == "finetuned" else "",
            "seed": str(one.seed),
            "protocol": run.protocol,
            "selected_on": run.selected_on,
        }
        created = self._client.create_run(
            self._experiment, start_time=started, run_name=run.name, tags={k: v for k, v in tags.items() if v}
        )
        run_id = created.info.run_id
        params = {"dataset": one.dataset, "model": one.classifier, "seed": one.seed, **run.params}
        self._client.log_batch(run_id, params=[Param(k, str(v)) for k, v in params.items()])
        by_hand = run.protocol == BY_ESTIMATOR
        data = Dataset(
            f"{one.dataset} ({run.split} split)",
            run.data[:32],
            "code" if by_hand else "dvc",
            "given to fit" if by_hand else f"data/prepared/{run.split}",
            profile=to_json(dict(run.sizes)),
        )
        self._client.log_inputs(run_id, [DatasetInput(data, [InputTag("mlflow.data.context", run.split)])])
        metrics = _metrics(folder, run, started, ended)
        for first in range(0, len(metrics), BATCH):
            self._client.log_batch(run_id, metrics=metrics[first : first + BATCH])
        for name in run.artifacts:
            self._client.log_artifact(run_id, str(folder / name))
        if seconds := facts.get("seconds"):
            self._client.log_batch(run_id, tags=[RunTag("lstmfcn.seconds", f"{seconds:.1f}")])
        if one.step != "search":
            # The parent's row shows how the model does, a step an iteration of fine-tuning.
            shown = [
                m
                for m in metrics
                if m.key.startswith(SHOWN_BY_PARENT) and m.key.partition("_")[2] in all_metrics()
            ]
            again = [Metric(m.key, m.value, m.timestamp, one.number) for m in shown]
            self._client.log_batch(parent, metrics=again)
        self._client.set_terminated(run_id, end_time=ended)
        self._known[run.key] = run_id

    def _parent(self, run: Run, started: int) -> str:
        """Return the id of the run that holds all of one model on one dataset."""
        one = run.identity
        key = f"parent {one.subject}"
        if self.run_id(key) is None:
            tags = {KEY_TAG: key, CLONE_TAG: clone_id(self._workspace), "mlflow.source.name": "lstmfcn"}
            tags |= {"dataset": one.dataset, "model": one.classifier}
            parent = self._client.create_run(
                self._experiment, start_time=started, run_name=one.subject, tags=tags
            )
            self._client.set_terminated(parent.info.run_id)
            self._known[key] = parent.info.run_id
        return self._known[key]


def sync(workspace: Workspace, say: Callable[[str], None]) -> int:
    """Log every run of the workspace that the store lacks; return how many there were.

    Raises
    ------
    TrackingError
        If the store does not answer.
    DataError
        After the last run, if files of some were changed or are gone: names each.
    """
    tracker = Tracker(workspace, say)
    damaged = []
    folders = (workspace.search, workspace.phase1, workspace.finetuned, workspace.predictions)
    logged = 0
    runs = ((run.identity.folder(workspace), run) for run in runs_in(workspace, *folders))
    for folder, run in chain(runs, find_runs(workspace.fits)):
        try:
            if tracker.log_now(folder, run):
                logged += 1
                say(f"logged {run.name}")
        except DataError as error:
            damaged.append(str(error))
    if damaged:
        raise DataError("Some runs were not logged:\n" + "\n".join(f"  - {error}" for error in damaged))
    return logged


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


def _times(facts: Mapping[str, Any]) -> tuple[int, int]:
    """Return start and end in milliseconds since the epoch; now, for a run that was made elsewhere."""
    now = int(time.time() * 1000)
    started = int(facts.get("started", now))
    return started, started + int(1000 * float(facts.get("seconds", 0)))
