"""Which runs a store holds, by their keys: logged, half-logged, doubled by two clones at once, deleted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lstmfcn.tracking import sqlite

KEY_TAG = "lstmfcn.key"
JOB_TAG = "lstmfcn.job"
CLONE_TAG = "lstmfcn.clone"
PARENT_TAG = "mlflow.parentRunId"

EXPERIMENT_TAG = "dvc.experiment"
"""The names of DVC's experiments that a run is part of: several where they share its job."""

KIND_TAG = "lstmfcn.kind"
CLASSIFIER = "classifier"
"""Tags the runs that hold all runs of a classifier on a dataset's own split by a recipe."""

RESAMPLED = "resampled"
"""Tags those that hold all runs of a classifier on another resample."""

CHOSEN_TAG = "chosen"
"""Which step a classifier is judged by."""

CHOSEN_RUN_TAG = "lstmfcn.chosen"
"""The id of that step's run."""

PARENT = "parent"
"""How the key of such a run begins."""

DOUBLE = "double of "
"""How the key of a run begins that was put aside in favour of another with the same one."""

BATCH = 1000
"""The most runs, or metrics, that MLflow takes in one call."""

FEW = 20
"""So many runs are looked up one by one; of more, all at once."""

CLASH = "'active' state|UniqueViolation|UNIQUE constraint|IntegrityError|Duplicate entry|deadlock"
"""What MLflow says where another clone wrote, or put aside, the same at this very moment."""

TRIES = 4
"""So often something is tried that clashes."""


def retried(call: Callable[[], object], look_again: Callable[[], None] = lambda: None) -> None:
    """Call, and call again where that clashed with what another clone did at this very moment.

    Parameters
    ----------
    call
        What to do.
    look_again
        Called between two tries.
    """
    from mlflow.exceptions import MlflowException

    for tries_left in reversed(range(TRIES)):
        try:
            call()
            return
        except MlflowException as error:
            if not (tries_left and re.search(CLASH, str(error))):
                raise
            look_again()


def listed(client: Any, experiment: str, those: str = "") -> Iterator[Any]:
    """Yield the runs of an experiment, deleted ones too.

    Parameters
    ----------
    client
        MLflow's.
    experiment
        The experiment's id.
    those
        MLflow's filter.
    """
    from mlflow.entities import ViewType

    token = None
    while True:
        page = client.search_runs([experiment], those, ViewType.ALL, max_results=BATCH, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


class Logged:
    """The runs of a store that have a key, as far as they were looked up.

    Parameters
    ----------
    client
        MLflow's.
    experiment
        The experiment's id.
    clone
        What tells the runs of this clone.
    file
        The store, where it is a SQLite database: there runs are listed without MLflow's search.

    Attributes
    ----------
    runs
        The id of the finished run of each key.
    deleted
        The id of a finished run of each key all of whose runs a person deleted.
    under_way
        The ids of the runs that this process is at work on: running, they are not dead.
    """

    def __init__(self, client: Any, experiment: str, clone: str, file: Path | None) -> None:
        self._client, self._experiment, self._clone, self._file = client, experiment, clone, file
        self._jobs: dict[str, set[str]] = {}
        self.runs: dict[str, str] = {}
        self.deleted: dict[str, str] = {}
        self.under_way: set[str] = set()
        self._unsettled: set[str] = set()

    def look_up(self, key: str | None = None, *, alone: bool) -> None:
        """Note which runs are logged, close those that dead processes left running, and put doubles aside.

        Parameters
        ----------
        key
            Of which runs; None for all.
        alone
            Whether nobody else can be at work in the store: then whatever is running is dead. Otherwise
            that is known of this clone's runs alone.
        """
        finished: dict[str, list[Any]] = {}
        deleted: dict[str, str] = {}
        heirs, children = {}, []
        for run in self._listed(KEY_TAG, key):
            tags, info = run.data.tags, run.info
            found = tags.get(KEY_TAG, "")
            is_whole = info.status == "FINISHED" or found.startswith(
                f"{PARENT} "
            )  # that holds those that are
            if found.startswith(DOUBLE):
                heirs[info.run_id] = found.removeprefix(DOUBLE)
                if info.lifecycle_stage == "active":  # somebody restored the experiment, and all in it
                    self._change(self._client.delete_run, info.run_id)
                continue
            if not found:
                continue
            if is_whole and JOB_TAG in tags:
                self._jobs.setdefault(tags[JOB_TAG], set()).add(found)
            if info.lifecycle_stage == "deleted":
                if is_whole:
                    deleted[found] = info.run_id
            else:
                if is_whole:
                    finished.setdefault(found, []).append(run)
                    children.append(run)
                mine = alone or tags.get(CLONE_TAG) == self._clone
                if info.status == "RUNNING" and mine and info.run_id not in self.under_way:
                    end = "FINISHED" if is_whole else "KILLED"
                    self._change(self._client.set_terminated, info.run_id, end)
        for found, runs in finished.items():
            # Two clones that see the same doubles keep the same one.
            kept, *others = sorted(runs, key=lambda run: str(run.info.run_id))
            self.runs[found] = kept.info.run_id
            for other in others:
                self._put_aside(other, kept.info.run_id)
        for child in children:
            if heir := heirs.get(child.data.tags.get(PARENT_TAG, "")):
                self._change(self._client.set_tag, child.info.run_id, PARENT_TAG, heir)
        for found in [key] if key is not None else list(self.runs):
            if found not in finished:
                self.runs.pop(found, None)
        self.deleted = {k: v for k, v in (self.deleted | deleted).items() if k not in self.runs}

    def holds(self, job: str, count: int) -> bool:
        """Return whether so many runs of a job, given by its key, are logged, or were deleted by a person."""
        return len(self._jobs.get(job, ())) >= count

    def _listed(self, tag: str, value: str | None) -> Iterator[Any]:
        """Yield the runs with a value of a tag, or all; their metrics may be left out."""
        if self._file is not None:
            yield from sqlite.list_runs(self._file, self._experiment, *([tag, value] if value else []))
        else:
            yield from listed(self._client, self._experiment, f"tags.`{tag}` = '{value}'" if value else "")

    def note(self, key: str, run_id: str, *, alone: bool) -> None:
        """Note a run that was logged; another clone may log the same at this moment, see `settle`."""
        self.runs[key] = run_id
        if not alone:
            self._unsettled.add(key)

    def settle(self) -> None:
        """Put one of two runs aside, where another clone has logged the same one as was noted here."""
        if len(self._unsettled) > FEW:
            self.look_up(alone=False)
        else:
            for key in self._unsettled:
                self.look_up(key, alone=False)
        self._unsettled.clear()

    def restore(self, key: str) -> None:
        """Bring back the run of a key that a person deleted."""
        self.runs[key] = self.deleted.pop(key)
        self._client.restore_run(self.runs[key])

    def tag_experiment(self, key: str, name: str) -> None:
        """Note with a logged run that it is part of an experiment, too."""
        run = self._client.get_run(self.runs[key])
        names = [known for known in run.data.tags.get(EXPERIMENT_TAG, "").split(", ") if known]
        if name not in names:
            self._client.set_tag(run.info.run_id, EXPERIMENT_TAG, ", ".join([*names, name]))

    def _put_aside(self, double: Any, kept: str) -> None:
        """Delete a run in favour of another; the latter gets its children, and what it shows of theirs."""
        run_id = double.info.run_id
        for child in self._listed(PARENT_TAG, run_id):
            self._change(self._client.set_tag, child.info.run_id, PARENT_TAG, kept)
        if PARENT_TAG not in double.data.tags:
            for name in self._client.get_run(run_id).data.metrics:
                history = self._client.get_metric_history(run_id, name)[:BATCH]
                self._change(self._client.log_batch, kept, history)
        self._change(self._client.set_tag, run_id, KEY_TAG, DOUBLE + kept)
        self._change(self._client.delete_run, run_id)

    def _change(self, change: Callable[..., Any], *arguments: Any) -> None:
        """Change a run; where another clone does the same at this moment, it is done."""
        from mlflow.exceptions import MlflowException

        try:
            change(*arguments)
        except MlflowException as error:
            if not re.search(CLASH, str(error)):
                raise
