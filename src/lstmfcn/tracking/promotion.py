"""Promotion: registering a candidate, and deciding whether it serves."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from lstmfcn.classifiers.table import network_named
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.environment import load_backend
from lstmfcn.errors import RegistryError
from lstmfcn.evaluation.metrics import all_metrics
from lstmfcn.runs.ranking import Criterion
from lstmfcn.runs.run import BY_ESTIMATOR, WEIGHTS_FILE, Run
from lstmfcn.tracking.download import is_whole
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.package.contents import REFERENCE, checksum
from lstmfcn.tracking.package.fingerprint import fingerprint
from lstmfcn.tracking.registry import Version, model_name, versions_of
from lstmfcn.tracking.store import connect, explained
from lstmfcn.workspace import Workspace

ARTIFACT = "model"

Outcome = Literal["first", "same", "renewed", "promoted", "new_data", "new_metric", "challenger"]

MOVING = ("first", "renewed", "promoted", "new_data", "new_metric")
"""The outcomes after which the candidate serves."""


class DeletedRunError(RegistryError):
    """A model cannot be registered, since a person deleted its run in MLflow."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a package holds beside the weights of a run.

    Attributes
    ----------
    classes
        The labels, in the order of the outputs.
    counts
        How many training series each class has.
    example
        A few series, float32 (n, n_channels, length); shows users what to send.
    preprocessing
        What the model has to do to raw series.
    temperature
        What the served probabilities are calibrated by; None to serve them as the network gives them.
    reference
        The file that says what the training split looks like; None where nobody has looked. See
        `lstmfcn.data.reference`.
    """

    classes: Sequence[str]
    counts: Sequence[int]
    example: NDArray[np.float32]
    preprocessing: Preprocessing
    temperature: float | None = None
    reference: Path | None = None


@dataclass(frozen=True)
class Promotion:
    """What became of a candidate.

    Attributes
    ----------
    outcome
        "first" (there was no champion), "same" (it serves already), "renewed" (its run serves already,
        from an older package or one whose files are gone), "promoted", "new_data" (promoted because the
        champion was judged on other data, so their evidence cannot be compared), "new_metric" (promoted
        because the champion has no evidence by the metric that chooses), or "challenger" (the champion
        stays).
    version
        That of the candidate.
    champion
        The version that serves now.
    """

    dataset: str
    outcome: Outcome
    version: int
    champion: int


def beats(
    candidate: Mapping[str, float], champion: Mapping[str, float], metric: Criterion, tolerance: float
) -> bool:
    """Whether a candidate's evidence (`oof_<metric>`, `oof_log_loss`) suffices to replace a champion's.

    It must be better by more than `tolerance`; without a tolerance, the lower loss decides where the metric
    is equal.
    """
    name = f"oof_{metric.name}"
    gain = candidate[name] - champion[name] if metric.higher_is_better else champion[name] - candidate[name]
    if gain == 0 and tolerance == 0:
        return candidate["oof_log_loss"] < champion["oof_log_loss"]
    return gain > tolerance


def promote(
    candidate: Run,
    folder: Path,
    contents: Contents,
    *,
    metric: Criterion,
    tolerance: float,
    tracker: Tracker,
    workspace: Workspace,
) -> Promotion:
    """Register a candidate unless it is there, and make it the champion if its evidence is better.

    It is there where a version has its key and its fingerprint, and the store holds the version's files. One
    that is registered anew takes over from its own older version: their evidence is the same.

    Parameters
    ----------
    candidate, folder
        The run, and where its weights lie.
    contents
        What its package holds besides.
    metric
        What chooses. The candidate's metrics hold it.
    tolerance
        See `beats`.
    tracker
        Logs the run if the store lacks it.
    workspace
        Whose store it is.

    Raises
    ------
    TrackingError
        If the store does not answer.
    DeletedRunError
        If it is not there, and a person deleted its run in MLflow.
    """
    tracker.log_now(folder, candidate)
    client = connect(workspace)
    name = model_name(candidate.identity.dataset)
    with explained(workspace, f"{name} could not be registered"):
        number = _register(client, candidate, folder, contents, tracker, workspace)
        outcome, champion = _serve_best(client, candidate, number, metric, tolerance)
    return Promotion(candidate.identity.dataset, outcome, number, champion)


def challenge(
    candidate: Run,
    folder: Path,
    contents: Contents,
    *,
    tracker: Tracker,
    workspace: Workspace,
) -> int:
    """Register a candidate, unless it is there, as a challenger; return its version. The champion stays.

    The parameters and errors are those of `promote`.
    """
    tracker.log_now(folder, candidate)
    client = connect(workspace)
    dataset = candidate.identity.dataset
    name = model_name(dataset)
    with explained(workspace, f"{name} could not be registered"):
        number = _register(client, candidate, folder, contents, tracker, workspace)
        version = next(v for v in versions_of(client, dataset) if v.version == number)
        if "champion" not in version.aliases:  # a person may have made it one
            _set_alias(client, name, "challenger", number)
    return number


def _register(
    client: Any, candidate: Run, folder: Path, contents: Contents, tracker: Tracker, workspace: Workspace
) -> int:
    """Return the number of the candidate's version, which is made unless it is there and whole."""
    from mlflow.exceptions import MlflowException

    name = model_name(candidate.identity.dataset)
    versions = versions_of(client, candidate.identity.dataset)
    identity = fingerprint(
        folder / WEIGHTS_FILE,
        preprocessing=contents.preprocessing.describe(),
        classes=contents.classes,
        counts=contents.counts,
        temperature=contents.temperature,
        reference=contents.reference,
    )
    for version in versions:
        if (version.key, version.fingerprint) == (candidate.key, identity) and is_whole(
            workspace, client, version
        ):
            return version.version
    run_id = tracker.run_id(candidate.key)
    if run_id is None:
        raise DeletedRunError(
            f"{candidate.name} was deleted in MLflow, so {name} gets no new version of it. `lstmfcn sync "
            "--restore` brings it back."
        )
    if not versions:
        try:
            client.create_registered_model(
                name, description=f"Classifies series of {candidate.identity.dataset}."
            )
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
    with tempfile.TemporaryDirectory() as scratch:
        package = Path(scratch, "package")
        _pack(package, candidate, folder, contents)
        sha256 = checksum(package)
        # A folder of its own: older versions keep their files, and none of theirs is taken for new.
        place = f"{ARTIFACT}/{sha256[:16]}-{uuid4().hex[:8]}"
        tracker.keep(run_id, package, place)
    created = client.create_model_version(
        name,
        f"{client.get_run(run_id).info.artifact_uri}/{place}",
        run_id=run_id,
        tags=_tags(candidate, sha256, identity, contents.counts, workspace.experiment),
        description=candidate.name,
    )
    return int(created.version)


def _pack(package: Path, run: Run, folder: Path, contents: Contents) -> None:
    """Write the package of a run whose weights lie in `folder`."""
    load_backend()
    from lstmfcn.classifiers.outcome import unpack_weights
    from lstmfcn.tracking.package.export import ServingModel, export

    architecture = network_named(run.identity.classifier).architecture_of(run.params)
    model = ServingModel(
        architecture,
        unpack_weights((folder / WEIGHTS_FILE).read_bytes()),
        preprocessing=contents.preprocessing,
        n_classes=len(contents.classes),
        temperature=contents.temperature,
    )
    metadata = {
        "dataset": run.identity.dataset,
        "key": run.key,
        "preprocessing": contents.preprocessing.describe(),
        "counts": list(contents.counts),
        "architecture": {
            "classifier": run.identity.classifier,
            "cells": architecture.cells,
            "dimension_shuffle": architecture.dimension_shuffle,
            "segments": architecture.segments,
        },
        **({} if contents.temperature is None else {"temperature": f"{contents.temperature:.6f}"}),
    }
    export(package, model, classes=contents.classes, example=contents.example, metadata=metadata)
    if contents.reference is not None:
        shutil.copyfile(contents.reference, package / REFERENCE)


def _serve_best(
    client: Any, candidate: Run, number: int, metric: Criterion, tolerance: float
) -> tuple[Outcome, int]:
    """Move the aliases; return what became of the candidate, and the version that serves.

    MLflow has no step that looks and moves at once, so another clone's promotion may fall between.
    Therefore each first registers, then moves, and then looks again, until nothing is left to move:
    whoever moved last has seen all versions, and the best of them serves.
    """
    name, verdict = model_name(candidate.identity.dataset), None
    while True:
        versions = sorted(versions_of(client, candidate.identity.dataset), key=lambda v: v.version)
        mine = next(v for v in versions if v.version == number)
        champion = best = next((v for v in versions if "champion" in v.aliases), None)
        if verdict is None:
            verdict = _judge(mine, champion, metric, tolerance)
        elif champion is not None and champion.data != mine.data:
            break  # promoted since, on newer data than ours
        elif champion is not None and champion is not mine and champion.key == mine.key:
            break  # our run's, promoted since by another clone
        for version in versions:
            newer = champion is None or version.version > champion.version
            other = version.key != mine.key and version.data == mine.data
            may_serve = version.protocol != BY_ESTIMATOR and not version.experiment
            contends = version is mine or (newer and other and may_serve)
            if contends and _judge(version, best, metric, tolerance) in MOVING:
                best = version
        if best is champion or best is None:
            break
        if "challenger" in best.aliases:
            client.delete_registered_model_alias(name, "challenger")
        if champion is not None and champion.key != best.key:
            _set_alias(client, name, "previous", champion.version)
        # The last step: until it is taken the old champion serves, and a rerun repeats those before.
        _set_alias(client, name, "champion", best.version)
    serving = champion.version if champion is not None else number
    if serving == number:
        return verdict, serving
    if champion is not None and champion.key == mine.key:
        return "same", serving
    _set_alias(client, name, "challenger", number)
    return "challenger", serving


def _set_alias(client: Any, name: str, alias: str, version: int) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.set_registered_model_alias(name, alias, str(version))
    except MlflowException:
        # A SQLite store refuses an alias that another promotion makes at this very moment; now it is there.
        client.set_registered_model_alias(name, alias, str(version))


def _judge(candidate: Version, champion: Version | None, metric: Criterion, tolerance: float) -> Outcome:
    if champion is None:
        return "first"
    if champion.key == candidate.key:
        return "same" if champion.version == candidate.version else "renewed"
    if champion.data != candidate.data:
        return "new_data"
    name = f"oof_{metric.name}"
    if name not in champion.evidence or name not in candidate.evidence:
        return "new_metric" if name in candidate.evidence else "challenger"
    better = beats(candidate.evidence, champion.evidence, metric, tolerance)
    return "promoted" if better else "challenger"


def _tags(run: Run, sha256: str, identity: str, counts: Sequence[int], experiment: str) -> dict[str, str]:
    tags: dict[str, Any] = {
        "sha256": sha256,
        "fingerprint": identity,
        "key": run.key,
        "data": run.data,
        "model": run.identity.classifier,
        "phase": run.identity.step,
        "protocol": run.protocol,
        "cells": run.cells,
        "seed": run.identity.seed,
        "iteration": run.identity.number,
        "majority_rate": max(counts) / sum(counts),
    }
    evidence = {name: run.metrics.get(name) for name in (f"oof_{name}" for name in all_metrics())}
    if run.protocol != BY_ESTIMATOR:  # what the pipeline could not find counts for nothing
        evidence |= {name: evidence[name] or 0.0 for name in ("oof_accuracy", "oof_log_loss")}
    if experiment:
        tags["experiment"] = experiment
    # repr: evidence is compared again later, to the bit.
    tags |= {n: repr(float(v)) for n, v in evidence.items() if v is not None and not np.isnan(v)}
    return {f"lstmfcn.{name}": str(value) for name, value in tags.items()}
