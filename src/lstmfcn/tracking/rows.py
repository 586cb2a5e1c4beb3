"""The rows of the classifiers: runs that hold all runs of one classifier on one dataset by one recipe."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from lstmfcn import config
from lstmfcn.classifiers.table import has_phases, references
from lstmfcn.errors import DataError
from lstmfcn.evaluation.metrics import all_metrics, metric_named
from lstmfcn.runs.cache import Cache
from lstmfcn.runs.facts import read_facts, seconds_to
from lstmfcn.runs.run import BY_ESTIMATOR, Run
from lstmfcn.tracking.compared import SECONDS, Standing, standings
from lstmfcn.tracking.filling import final_metrics, times
from lstmfcn.tracking.logged import (
    CHOSEN_RUN_TAG,
    CHOSEN_TAG,
    CLASSIFIER,
    CLONE_TAG,
    KEY_TAG,
    KIND_TAG,
    PARENT,
    RESAMPLED,
    Logged,
    retried,
)
from lstmfcn.tracking.recipe import BY_HAND, Recipe, recipe_of
from lstmfcn.tracking.store import clone_id
from lstmfcn.workspace import Workspace


class Rows:
    """The rows of a study's classifiers in a store.

    Parameters
    ----------
    workspace
        The study.
    client, experiment
        MLflow's client, and the experiment's id.
    logged
        Which runs the store holds.
    """

    def __init__(self, workspace: Workspace, client: Any, experiment: str, logged: Logged) -> None:
        self._workspace, self._client, self._experiment, self._logged = workspace, client, experiment, logged
        self._running: set[str] = set()
        self._met: set[tuple[str, int]] = set()
        self._recipes: dict[tuple[str, str], Recipe] = {}

    def recipe(self, run: Run) -> Recipe:
        """Return by which recipe the study makes a run."""
        one = run.identity
        if run.protocol == BY_ESTIMATOR:
            return BY_HAND
        if (one.dataset, one.classifier) not in self._recipes:
            params = config.load(self._workspace.params)
            self._recipes[one.dataset, one.classifier] = recipe_of(params, one.dataset, one.classifier)
        return self._recipes[one.dataset, one.classifier]

    def has(self, run: Run) -> bool:
        """Return whether there is the row of a run, as far as is known."""
        return self._key(run) in self._logged.runs

    def of(self, run: Run, started: int, *, alone: bool) -> str:
        """Return the id of the row of a run, made unless it is there; `show` will bring it up to date.

        Parameters
        ----------
        run
            The run.
        started
            When it began.
        alone
            See `Logged.look_up`.
        """
        key = self._key(run)
        if key not in self._logged.runs:
            self._logged.look_up(key, alone=alone)
        if key in self._logged.deleted:  # without it nobody would find what is logged now
            self._logged.restore(key)
        elif key not in self._logged.runs:
            self._make(run, key, started, alone=alone)
        self.meet(run)
        found: str = self._logged.runs[key]
        return found

    def meet(self, run: Run) -> None:
        """Note that the rows of a run's dataset are to be shown anew."""
        if run.protocol != BY_ESTIMATOR:
            self._met.add((run.identity.dataset, run.identity.resample))

    def set_running(self, row: str) -> None:
        """Let a row run until `show`: runs of it are under way."""
        self._client.update_run(row, status="RUNNING")
        self._logged.under_way.add(row)
        self._running.add(row)

    def show(self, *, alone: bool) -> None:
        """Let the rows of the datasets that were met show how the classifiers stand, and end them.

        Raises
        ------
        DataError
            At the end, if files of runs are damaged, or gone: names the first.
        """
        damaged = None
        while self._met:
            try:
                self._show(*self._met.pop(), alone=alone)
            except DataError as error:
                damaged = error
        for row in self._running:
            self._client.set_terminated(row)
        self._logged.under_way -= self._running
        self._running.clear()
        if damaged is not None:
            raise damaged

    def _key(self, run: Run) -> str:
        return f"{PARENT} {run.identity.subject} {self.recipe(run).sha256[:16]}"

    def _make(self, run: Run, key: str, started: int, *, alone: bool) -> None:
        """Make a row; one that an older version made, which knew no recipes, becomes this one."""
        one, recipe = run.identity, self.recipe(run)
        tags = {
            KEY_TAG: key,
            CLONE_TAG: clone_id(self._workspace),
            KIND_TAG: RESAMPLED if one.resample else CLASSIFIER,
            "mlflow.source.name": "lstmfcn",
            "dataset": one.dataset,
            "model": one.classifier,
            "resample": str(one.resample),
            "recipe": ", ".join(recipe.changes)[:5000] or "default",
            "lstmfcn.recipe": recipe.sha256,
        }
        name, older = recipe.named(one.subject), self._logged.runs.pop(f"{PARENT} {one.subject}", None)
        if older is not None:
            for tag, value in tags.items():
                self._client.set_tag(older, tag, value)
            self._client.update_run(older, name=name)
            self._logged.runs[key] = older
            return
        row = self._client.create_run(self._experiment, start_time=started, run_name=name, tags=tags)
        self._client.set_terminated(row.info.run_id)
        self._logged.note(key, row.info.run_id, alone=alone)
        self._logged.settle()

    def _show(self, dataset: str, resample: int, *, alone: bool) -> None:
        from mlflow.entities import RunTag

        metric = metric_named(config.load(self._workspace.params).promote.metric)
        now = int(1000 * time.time())
        for standing in standings(self._workspace, dataset, resample, metric).values():
            row = self.of(standing.chosen, now, alone=alone)
            known, one = self._client.get_run(row).data, standing.chosen.identity
            other = "reference" if one.classifier in references() else "ensemble"
            step = one.title if has_phases(one.classifier) else other
            tags = {
                CHOSEN_TAG: f"{step}, seed {one.seed}",
                CHOSEN_RUN_TAG: self._logged.runs.get(standing.chosen.key),
                "cells": standing.chosen.cells,
            }
            told = [
                RunTag(k, str(v)) for k, v in tags.items() if v is not None and known.tags.get(k) != str(v)
            ]
            measured = dict(standing.metrics) | self._seconds(standing.chosen)
            shown = {name: float(f"{value:.6g}") for name, value in measured.items()}  # in a column
            new = {name: value for name, value in shown.items() if known.metrics.get(name) != value}
            metrics = final_metrics(new, now) + self._by_iteration(standing)

            def tell(key: str = self._key(standing.chosen), metrics: Any = metrics, told: Any = told) -> None:
                self._client.log_batch(self._logged.runs[key], metrics=metrics, tags=told)

            retried(tell, partial(self._logged.look_up, self._key(standing.chosen), alone=alone))
        self._met.discard((dataset, resample))

    def _seconds(self, run: Run) -> dict[str, float]:
        """Return how long it took to come to a run, where that is known here or was pulled."""
        cache = Cache(self._workspace.cache)
        found = seconds_to(self._workspace, run, lambda job: cache.facts(job) or self._pulled.get(job, {}))
        return {} if found is None else {SECONDS: found}

    @functools.cached_property
    def _pulled(self) -> Mapping[str, Mapping[str, object]]:
        return read_facts(self._workspace)

    def _by_iteration(self, standing: Standing) -> list[Any]:
        """Return the evidence of each step of the chosen seed: phase 1 at step 0, then the iterations.

        Each at the time at which it ended, so that it is there once however often it is logged.
        """
        from mlflow.entities import Metric

        cache, metrics = Cache(self._workspace.cache), []
        for run in standing.steps:
            facts = cache.facts(run.job)
            ended = times(facts)[1] if facts else 0
            metrics += [
                Metric(f"iterations/{name}", value, ended, run.identity.number)
                for name, value in run.metrics.items()
                if name.removeprefix("oof_") in all_metrics()
                and name.startswith("oof_")
                and value is not None
            ]
        return metrics
