"""The registry: one registered model a dataset, its versions, and which of them serves.

The aliases are `champion` (serves), `previous` (served before it) and `challenger` (the newest
candidate that did not beat the champion). A version's tags carry the evidence it was judged by.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.environment import load_backend
from lstmfcn.errors import RegistryError, TrackingError, nearest
from lstmfcn.networks.architecture import Architecture
from lstmfcn.runs.run import Run
from lstmfcn.tracking.mlflow import Tracker, connect
from lstmfcn.tracking.trust import check, checksum
from lstmfcn.workspace import Workspace

PREFIX = "lstmfcn."
ARTIFACT = "model"

Outcome = Literal["first", "same", "promoted", "new_data", "challenger"]


@dataclass(frozen=True)
class Version:
    """A version of a registered model, as its tags describe it."""

    dataset: str
    version: int
    model: str
    phase: str
    cells: str
    seed: int
    iteration: int
    oof_accuracy: float
    oof_loss: float
    key: str
    data: str
    aliases: tuple[str, ...]
    created: int


@dataclass(frozen=True)
class Promotion:
    """What became of a candidate.

    Attributes
    ----------
    outcome
        "first" (there was no champion), "same" (it serves already), "promoted", "new_data" (promoted
        because the champion was judged on other data, so their evidence cannot be compared), or
        "challenger" (the champion stays).
    version
        That of the candidate.
    champion
        The version that serves now.
    """

    dataset: str
    outcome: Outcome
    version: int
    champion: int


def model_name(dataset: str) -> str:
    """Return the name of a dataset's registered model."""
    return PREFIX + dataset


def beats(candidate: Mapping[str, float], champion: Mapping[str, float], tolerance: float) -> bool:
    """Whether a candidate's evidence (`oof_accuracy`, `oof_loss`) suffices to replace a champion's.

    Its accuracy must be better by more than `tolerance`; without a tolerance, the lower loss decides
    where the accuracies are equal.
    """
    gain = candidate["oof_accuracy"] - champion["oof_accuracy"]
    if gain == 0 and tolerance == 0:
        return candidate["oof_loss"] < champion["oof_loss"]
    return gain > tolerance


def promote(
    candidate: Run,
    folder: Path,
    *,
    classes: Sequence[str],
    example: NDArray[np.float32],
    preprocessing: Preprocessing,
    tolerance: float,
    tracker: Tracker,
    workspace: Workspace,
) -> Promotion:
    """Register a candidate unless it is there, and make it the champion if its evidence is better.

    Parameters
    ----------
    candidate, folder
        The run, and where its weights lie.
    classes
        The labels, in the order of the outputs.
    example
        A few series, float32 (n, n_channels, length); shows users what to send.
    preprocessing
        What the model has to do to raw series.
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
    """
    tracker.log_now(folder, candidate)
    client = connect(workspace)
    name = model_name(candidate.dataset)
    try:
        number = _register(client, candidate, folder, classes, example, preprocessing, tracker)
        outcome, champion = _serve_best(client, candidate, number, tolerance)
    except TrackingError:
        raise
    except Exception as error:
        raise TrackingError(f"{name} could not be registered: {error}") from error
    return Promotion(candidate.dataset, outcome, number, champion)


def _register(
    client: Any,
    candidate: Run,
    folder: Path,
    classes: Sequence[str],
    example: NDArray[np.float32],
    preprocessing: Preprocessing,
    tracker: Tracker,
) -> int:
    """Return the number of the candidate's version, which is made unless it is there."""
    from mlflow.exceptions import MlflowException

    name = model_name(candidate.dataset)
    versions = _versions(client, candidate.dataset)
    for version in versions:
        if version.key == candidate.key:
            return version.version
    if not versions:
        try:
            client.create_registered_model(name, description=f"Classifies series of {candidate.dataset}.")
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
    run_id = str(tracker.run_id(candidate.key))
    sha256 = _log_model(client, run_id, candidate, folder, classes, example, preprocessing)
    uri = client.get_run(run_id).info.artifact_uri
    created = client.create_model_version(
        name,
        f"{uri}/{ARTIFACT}",
        run_id=run_id,
        tags=_tags(candidate, sha256),
        description=candidate.name,
    )
    return int(created.version)


def _serve_best(client: Any, candidate: Run, number: int, tolerance: float) -> tuple[Outcome, int]:
    """Move the aliases; return what became of the candidate, and the version that serves.

    MLflow has no step that looks and moves at once, so another clone's promotion may fall between.
    Therefore each first registers, then moves, and then looks again, until nothing is left to move:
    whoever moved last has seen all versions, and the best of them serves.
    """
    name, verdict = model_name(candidate.dataset), None
    while True:
        versions = sorted(_versions(client, candidate.dataset), key=lambda v: v.version)
        mine = next(v for v in versions if v.version == number)
        champion = best = next((v for v in versions if "champion" in v.aliases), None)
        if verdict is None:
            verdict = _judge(mine, champion, tolerance)
        elif champion is not None and champion.data != mine.data:
            break  # promoted since, on newer data than ours
        for version in versions:
            newer = champion is None or version.version > champion.version
            contends = version is mine or (newer and version.data == mine.data)
            if contends and _judge(version, best, tolerance) in ("first", "promoted", "new_data"):
                best = version
        if best is champion or best is None:
            break
        if "challenger" in best.aliases:
            client.delete_registered_model_alias(name, "challenger")
        if champion is not None:
            _set_alias(client, name, "previous", champion.version)
        # The last step: until it is taken the old champion serves, and a rerun repeats those before.
        _set_alias(client, name, "champion", best.version)
    serving = champion.version if champion is not None else number
    if serving == number:
        return verdict, serving
    _set_alias(client, name, "challenger", number)
    return "challenger", serving


def _set_alias(client: Any, name: str, alias: str, version: int) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.set_registered_model_alias(name, alias, str(version))
    except MlflowException:
        # A SQLite store refuses an alias that another promotion makes at this very moment; now it is there.
        client.set_registered_model_alias(name, alias, str(version))


def _judge(candidate: Version, champion: Version | None, tolerance: float) -> Outcome:
    if champion is None:
        return "first"
    if champion.key == candidate.key:
        return "same"
    if champion.data != candidate.data:
        return "new_data"
    return "promoted" if beats(vars(candidate), vars(champion), tolerance) else "challenger"


def _tags(run: Run, sha256: str) -> dict[str, str]:
    tags = {
        "sha256": sha256,
        "key": run.key,
        "data": run.data,
        "model": run.model,
        "phase": run.phase,
        "protocol": run.protocol,
        "cells": run.params.get("cells"),
        "seed": run.seed,
        "iteration": run.params.get("iteration", 0),
        # repr: evidence is compared again later, to the bit.
        "oof_accuracy": repr(float(run.metrics.get("oof_accuracy") or 0.0)),
        "oof_loss": repr(float(run.metrics.get("oof_loss") or 0.0)),
    }
    return {f"lstmfcn.{name}": str(value) for name, value in tags.items()}


def _log_model(
    client: Any,
    run_id: str,
    run: Run,
    folder: Path,
    classes: Sequence[str],
    example: NDArray[np.float32],
    preprocessing: Preprocessing,
) -> str:
    """Save the network as plain MLflow and TensorFlow can load it, among the run's artifacts.

    Returns its checksum.
    """
    from importlib.metadata import version

    load_backend()
    import mlflow.tensorflow
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    from lstmfcn.classifiers.outcome import unpack_weights
    from lstmfcn.tracking.export import ServingModel

    module = ServingModel(
        Architecture.of(run.model, run.params),
        unpack_weights((folder / "weights.npz").read_bytes()),
        preprocessing=preprocessing,
        n_classes=len(classes),
    )
    single = np.dtype(np.float32)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, ARTIFACT)
        mlflow.tensorflow.save_model(
            module,
            str(path),
            signature=ModelSignature(
                inputs=Schema([TensorSpec(single, (-1, preprocessing.n_channels, preprocessing.length))]),
                outputs=Schema([TensorSpec(single, (-1, len(classes)))]),
            ),
            input_example=example,
            # Spelled out: MLflow's own guess starts a process that imports everything, 15 s.
            pip_requirements=[f"{name}=={version(name)}" for name in ("mlflow", "tensorflow", "numpy")],
            metadata={
                "classes": list(classes),
                "dataset": run.dataset,
                "key": run.key,
                "preprocessing": preprocessing.describe(),
            },
        )
        client.log_artifacts(run_id, str(path), ARTIFACT)
        return checksum(path)


def _versions(client: Any, dataset: str) -> list[Version]:
    """Return the versions of a dataset's model that this project registered, the newest first."""
    aliases: dict[int, list[str]] = {}
    for registered in client.search_registered_models(f"name = '{model_name(dataset)}'"):
        for alias, number in registered.aliases.items():
            aliases.setdefault(int(number), []).append(alias)
    found = []
    for version in client.search_model_versions(f"name = '{model_name(dataset)}'"):
        tags = {k.removeprefix("lstmfcn."): v for k, v in version.tags.items()}
        if "key" not in tags:
            continue  # someone registered a model of their own under the name
        found.append(
            Version(
                dataset=dataset,
                version=int(version.version),
                model=tags["model"],
                phase=tags["phase"],
                cells=tags["cells"],
                seed=int(tags["seed"]),
                iteration=int(tags["iteration"]),
                oof_accuracy=float(tags["oof_accuracy"]),
                oof_loss=float(tags["oof_loss"]),
                key=tags["key"],
                data=tags["data"],
                aliases=tuple(sorted(aliases.get(int(version.version), []))),
                created=int(version.creation_timestamp),
            )
        )
    return sorted(found, key=lambda v: v.version, reverse=True)


def registered(workspace: Workspace) -> dict[str, list[Version]]:
    """Return the versions of each dataset's model, the newest first.

    Raises
    ------
    TrackingError
        If the store does not answer.
    """
    client = connect(workspace)
    found: list[str] = []
    token = None
    try:
        while True:
            page = client.search_registered_models(f"name LIKE '{PREFIX}%'", page_token=token)
            found += [model.name.removeprefix(PREFIX) for model in page]
            token = page.token
            if not token:
                break
        return {dataset: _versions(client, dataset) for dataset in sorted(found)}
    except Exception as error:
        raise TrackingError(f"The registry could not be read: {error}") from error


def version_with(workspace: Workspace, dataset: str, alias: str = "champion") -> Any:
    """Return MLflow's record of the version of a dataset's model that has an alias.

    Raises
    ------
    RegistryError
        If there is none; names those there are.
    TrackingError
        If the store does not answer.
    """
    client = connect(workspace)
    try:
        return client.get_model_version_by_alias(model_name(dataset), alias)
    except Exception as error:
        known = list(registered(workspace))
        if dataset in known:
            raise RegistryError(
                f"{dataset} has no {alias}. `lstmfcn champions` lists what there is."
            ) from error
        there = (
            f"Registered are {', '.join(known)}." if known else "Nothing is registered yet: run `make repro`."
        )
        raise RegistryError(
            f"No model is registered for the dataset {dataset!r}. {there}{nearest(dataset, known)}"
        ) from error


def download(workspace: Workspace, dataset: str, alias: str, into: Path) -> Path:
    """Copy a registered model somewhere into a folder, and check it; return where.

    Raises
    ------
    RegistryError
        If there is no such model.
    UntrustedModelError
        If it is not what was registered.
    TrackingError
        If the store does not answer.
    """
    version = version_with(workspace, dataset, alias)
    uri = f"models:/{version.name}/{version.version}"  # an alias may have moved before it is downloaded
    import mlflow

    try:
        found = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(into)))
    except Exception as error:
        raise TrackingError(f"{uri} could not be downloaded: {error}") from error
    check(found, registered=version.tags.get(f"{PREFIX}sha256", "none"))
    return found


def pull(workspace: Workspace, dataset: str, to: Path, alias: str = "champion") -> Path:
    """Copy a registered model into the folder `to`; it loads there with `mlflow.pyfunc.load_model`.

    Raises
    ------
    RegistryError
        If there is no such model, or `to` holds something already.
    UntrustedModelError
        If it is not what was registered.
    TrackingError
        If the store does not answer.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise RegistryError(f"{to} exists and is not an empty folder. Name another with --to.")
    to.parent.mkdir(parents=True, exist_ok=True)
    # A folder of our own first: `to` appears whole or not at all.
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.") as scratch:
        found = download(workspace, dataset, alias, Path(scratch))
        if to.exists():
            to.rmdir()
        found.rename(to)
    to.chmod(0o755)
    return to
