"""Filling MLflow from the files of runs, while they are at work and as they end.

A run is recognised by its key (the tag `lstmfcn.key`), so filling twice makes no doubles. What a dead
process left half-logged is closed as KILLED and logged anew. In a store that is a file one process logs at a
time; where two clones log the same to a server at once, one of the two is put aside. What a person deleted in
MLflow stays deleted. An unreachable server costs nothing but delay.
"""

from __future__ import annotations

import functools
import math
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lstmfcn.errors import DataError, LstmfcnError, TrackingError
from lstmfcn.runs.cache import Cache
from lstmfcn.runs.facts import read_facts
from lstmfcn.runs.outputs import check_outputs
from lstmfcn.runs.run import BY_ESTIMATOR, Run, find_runs
from lstmfcn.tracking.causes import called
from lstmfcn.tracking.filling import (
    begin,
    final_metrics,
    finish,
    is_shown,
    log_metrics,
    params_of,
    place_artifacts,
    tags_of,
    times,
)
from lstmfcn.tracking.inputs import input_of
from lstmfcn.tracking.live import Epochs, UnderWay
from lstmfcn.tracking.logged import Logged, retried
from lstmfcn.tracking.relocation import ARTIFACTS, artifacts_beside, path_at
from lstmfcn.tracking.rows import Rows
from lstmfcn.tracking.store import (
    EXPERIMENT,
    alone_in,
    clone_id,
    connect,
    explained,
    store_file,
    tracking_uri,
)
from lstmfcn.workspace import Workspace

PATIENCE = 30
"""A run that takes more seconds to log shows that the store is too slow to wait for."""

PAUSE = 60
"""So many seconds after it failed, or was too slow, the store is tried again."""


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
        self._logged: Any = None
        self._rows: Any = None
        self._experiment = ""
        self._artifacts: Path | None = None
        self._waiting: list[tuple[Path, Run]] = []
        self._under_way: dict[str, UnderWay] = {}
        self._silent_until = -math.inf

    def log(self, folder: Path, run: Run) -> None:
        """Log a run whose outputs lie in `folder`, or keep it for later where the store fails.

        After a failure the store is left in peace for a while; `lstmfcn sync` logs what it never took.
        """
        self._waiting.insert(0, (folder, run))
        self._unless_silent(self._log_waiting)

    def log_job(self, folder: Path, job: str, count: int) -> None:
        """Log the runs that a job, given by its key, has left in a folder, unless so many of it are logged.

        See `log`.
        """
        self._unless_silent(self._connect)
        held = self._client is not None and self._logged.holds(job, count)
        if held and not self._workspace.experiment:
            return
        try:
            for place, run in find_runs(folder):
                self.log(place, run)
        except DataError as error:
            self._say(str(error))

    def _log_waiting(self) -> None:
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

    def _unless_silent(self, call: Callable[[], None]) -> None:
        """Do something with the store, unless it failed, or was too slow, a while ago."""
        if time.monotonic() < self._silent_until:
            return
        first_time = self._silent_until == -math.inf
        try:
            call()
        except TrackingError as error:
            self._client = None  # what it left half-logged is closed when it is connected again
            self._silent_until = time.monotonic() + PAUSE
            if first_time:
                self._say(f"{error} The work goes on; `lstmfcn sync` logs its runs later.")
        except LstmfcnError as error:  # a file that is damaged, `params.yaml` in the middle of a change
            self._say(str(error))

    def log_now(self, folder: Path, run: Run, *, restore: bool = False) -> bool:
        """Log a run unless it is there; return whether it was logged, or brought back.

        In an experiment of DVC's, the run is tagged with its name, whoever logged it.

        Parameters
        ----------
        folder, run
            Where its outputs lie, and the run.
        restore
            Whether to bring it back if a person deleted it in MLflow.

        Raises
        ------
        TrackingError
            If the store does not answer, or refuses the run.
        DataError
            If a file of the run was changed or is gone.
        """
        self._connect()
        is_new = self._log_missing(folder, run, restore=restore)
        if self._workspace.experiment and run.key in self._logged.runs:
            with explained(self._workspace, f"{run.name} could not be tagged"):
                self._logged.tag_experiment(run.key, self._workspace.experiment)
        return is_new

    def _log_missing(self, folder: Path, run: Run, *, restore: bool) -> bool:
        if run.key in self._logged.runs or (run.key in self._logged.deleted and not restore):
            return False
        if run.protocol != BY_ESTIMATOR:  # those lie in a cache of their own, not where their identity says
            check_outputs(self._workspace, run)
        with explained(self._workspace, f"{run.name} could not be logged"), self._alone() as alone:
            self._logged.look_up(run.key, alone=alone)  # another process may have logged it since
            if run.key in self._logged.runs:
                return False
            if run.key not in self._logged.deleted:
                self._fill(folder, run, alone=alone)
            elif restore:
                self._logged.restore(run.key)
            else:
                return False
        return True

    def run_id(self, key: str) -> str | None:
        """Return MLflow's id of the run with this key; None where it is not logged, or was deleted.

        Raises
        ------
        TrackingError
            If the store does not answer.
        """
        self._connect()
        if key not in self._logged.runs:
            with explained(self._workspace, "The runs could not be listed"), self._alone() as alone:
                self._logged.look_up(key, alone=alone)
        found: str | None = self._logged.runs.get(key)
        return found

    def keep(self, run_id: str, folder: Path, place: str) -> None:
        """Keep a folder of files with a logged run, in a place of its own among the run's files.

        A store that has its artifacts on this machine gets them where it is now: MLflow remembers, as long
        as a process lives, where a run's files were.
        """
        self._connect()
        if self._artifacts is None:
            self._client.log_artifacts(run_id, str(folder), place)
        else:
            shutil.copytree(
                folder, self._artifacts / run_id / ARTIFACTS / place, copy_function=shutil.copyfile
            )

    def holds(self, run_id: str, place: str) -> bool:
        """Return whether a logged run has files in a place of its own; see `keep`."""
        self._connect()
        if self._artifacts is not None:
            return (self._artifacts / run_id / ARTIFACTS / place).exists()
        with explained(self._workspace, "The files of a run could not be listed"):
            return bool(self._client.list_artifacts(run_id, place))

    def was_deleted(self, key: str) -> bool:
        """Return whether a person deleted the run with this key in MLflow; see `run_id`."""
        return self.run_id(key) is None and key in self._logged.deleted

    def _connect(self) -> None:
        if self._client is not None:
            return
        client = connect(self._workspace)
        with explained(self._workspace, "The runs could not be listed"), self._alone() as alone:
            experiment = client.get_experiment_by_name(EXPERIMENT)
            file = store_file(self._workspace)
            logged = Logged(client, experiment.experiment_id, clone_id(self._workspace), file)
            logged.look_up(alone=alone)
        beside = None if file is None else artifacts_beside(file)
        self._artifacts = beside if path_at(experiment.artifact_location) == beside else None
        self._client, self._logged, self._experiment = client, logged, experiment.experiment_id
        self._rows = Rows(self._workspace, client, self._experiment, logged)

    def _alone(self) -> Any:
        return alone_in(self._workspace)

    def watch(self, run: Run, folder: Path, facts: Mapping[str, object]) -> None:
        """Log a run's epochs at each `look`, from its first on, until it is logged.

        Parameters
        ----------
        run
            What is known of it before it has ended.
        folder
            Where its trainings have their checkpoints.
        facts
            As it will have them.
        """
        self._under_way[run.key] = UnderWay(run, folder, facts)

    def look(self) -> None:
        """Log the epochs that the runs under way have come to since the last look; see `log`."""
        self._unless_silent(self._look)

    def fail(self, job: str) -> None:
        """End the runs under way of a job, given by its key, that has failed; see `log`."""
        keys = [key for key, one in self._under_way.items() if one.run.job == job]
        failed = [self._under_way.pop(key) for key in keys]
        begun = [one.run_id for one in failed if one.run_id is not None]
        for one in failed:
            one.end()

        def end() -> None:
            self._connect()
            with explained(self._workspace, "A run that failed could not be ended"), self._alone():
                for run_id in begun:
                    self._client.set_terminated(run_id, "FAILED")

        if begun:
            self._unless_silent(end)

    def meet(self, run: Run) -> None:
        """Let `show` make the row of a logged run's classifier, where an older version made none."""
        if not self._rows.has(run):
            self._rows.meet(run)

    def close(self) -> None:
        """Let the rows of the classifiers show how these stand now; see `log`."""
        self._unless_silent(self.show)

    def show(self) -> None:
        """Let the row of each classifier that runs were met of show how it stands, and end it.

        Raises
        ------
        TrackingError
            If the store does not answer.
        """
        if self._client is None:
            return
        with explained(self._workspace, "The classifiers could not be compared"), self._alone() as alone:
            self._logged.settle()
            self._rows.show(alone=alone)

    def _look(self) -> None:
        for one in self._under_way.values():
            epochs = one.new_epochs()
            if not epochs:
                continue
            self._connect()
            with explained(self._workspace, f"{one.run.name} could not be logged"), self._alone() as alone:
                self._log_epochs(one, epochs, alone=alone)

    def _log_epochs(self, one: UnderWay, epochs: Epochs, *, alone: bool) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        run_id = one.run_id
        if run_id is None:
            if one.run.key in self._logged.runs or one.run.key in self._logged.deleted:
                return
            run_id = one.begin(self._begin(one.run, {**one.facts, "started": now}, alone=alone))
            self._logged.under_way.add(run_id)
            self._client.log_batch(run_id, params=params_of(one.run))
        shown = [each for each in epochs if is_shown(one.run, each[1])]
        metrics = [Metric(name, value, now, epoch) for name, epoch, value in shown]
        log_metrics(self._client, run_id, metrics, file=store_file(self._workspace))
        # Another process may have taken it for a dead one's.
        self._client.update_run(run_id, status="RUNNING")
        self._rows.set_running(self._rows.of(one.run, now, alone=alone))

    def _begin(self, run: Run, facts: Mapping[str, Any], *, alone: bool) -> str:
        return begin(
            self._client,
            self._experiment,
            run,
            name=self._rows.recipe(run).named(run.name),
            parent=self._rows.of(run, times(facts)[0], alone=alone),
            facts=facts,
            clone=clone_id(self._workspace),
            data=input_of(self._workspace, run),
        )

    def _fill(self, folder: Path, run: Run, *, alone: bool) -> None:
        from mlflow.entities import RunTag

        facts = self._facts(run.job)
        known = self._under_way.pop(run.key, None)
        if known is None or known.run_id is None:
            run_id, epochs = self._begin(run, facts, alone=alone), 0
        else:
            known.end()
            run_id, epochs = known.run_id, known.epochs.get("whole", 0)
            self._logged.under_way.discard(run_id)
            tags = tags_of(run, facts, clone_id(self._workspace))
            self._client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])
        file, ended = store_file(self._workspace), times(facts)[1]
        place_artifacts(self._client, run_id, run, folder, self._artifacts)

        def show() -> None:
            """Let the run of the training have its test figures, too."""
            if (trained := self._logged.runs.get(run.upstream)) is not None:
                log_metrics(self._client, trained, final_metrics(run.metrics, ended), file=file)

        if run.identity.tested:
            retried(show, lambda: self._logged.look_up(run.upstream, alone=alone))
        finish(self._client, run_id, run, folder, facts=facts, file=file, epochs=epochs)
        self._logged.note(run.key, run_id, alone=alone)

    def _facts(self, job: str) -> Mapping[str, Any]:
        """Return when and how a job was done: here or, as its stage wrote down, where it was pulled from."""
        return self._cache.facts(job) or self._fits.facts(job) or self._pulled.get(job, {})

    @functools.cached_property
    def _pulled(self) -> Mapping[str, Mapping[str, Any]]:
        return read_facts(self._workspace)
