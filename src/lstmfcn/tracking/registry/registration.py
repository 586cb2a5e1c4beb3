"""Registering a run as a version of a dataset's model."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from lstmfcn.classifiers.table import architecture_of
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.environment import load_backend
from lstmfcn.errors import RegistryError
from lstmfcn.evaluation.evidence import OOF_FILE
from lstmfcn.evaluation.metrics import all_metrics
from lstmfcn.files import hash_file
from lstmfcn.networks.architecture import Architecture
from lstmfcn.runs.run import BY_ESTIMATOR, WEIGHTS_FILE, Run
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.package.contents import REFERENCE, checksum
from lstmfcn.tracking.package.fingerprint import fingerprint
from lstmfcn.tracking.registry.download import is_whole
from lstmfcn.tracking.registry.versions import PREFIX, model_name, versions_of
from lstmfcn.workspace import Workspace

ARTIFACT = "model"

VERSIONS = f"{PREFIX}version."
"""How the tags of a run begin that name the versions it was registered as; the package's fingerprint follows.
So a version that a person deleted is known, even where the model was deleted with it."""


SHAPES = {name: value for name, value in Architecture(name="").params().items() if name != "dropout"}
"""What else than its classifier's name tells a network, and what it is where a run does not say."""


class DeletedError(RegistryError):
    """A model is not registered, since a person deleted its run, or its version, in MLflow."""


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


def register(
    client: Any,
    candidate: Run,
    folder: Path,
    contents: Contents,
    *,
    tracker: Tracker,
    workspace: Workspace,
    restore: bool = False,
) -> int:
    """Return the number of a run's version, which is made unless it is there and whole.

    It is there where a version has the run's key and the package's fingerprint, and the store holds its
    files.

    Raises
    ------
    DeletedError
        If it is not there, and a person deleted the run in MLflow, or the version; with `restore` a deleted
        version is registered anew.
    """
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
        raise DeletedError(
            f"{candidate.name} was deleted in MLflow, so {name} gets no new version of it. `lstmfcn sync "
            "--restore` brings it back."
        )
    tag = VERSIONS + identity[:16]
    deleted = client.get_run(run_id).data.tags.get(tag)
    there = {str(version.version) for version in versions if version.key == candidate.key}
    if deleted and deleted not in there and not restore:
        raise DeletedError(
            f"Version {deleted} of {name}, {candidate.name}, was deleted in MLflow, and is left so. `lstmfcn "
            "sync --restore` registers it again."
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
        tags=_tags(candidate, folder, sha256, identity, contents.counts, workspace.experiment),
        description=candidate.name,
    )
    client.set_tag(run_id, tag, created.version)
    return int(created.version)


def _pack(package: Path, run: Run, folder: Path, contents: Contents) -> None:
    """Write the package of a run whose weights lie in `folder`."""
    load_backend("tensorflow")
    from lstmfcn.classifiers.outcome import unpack_weights
    from lstmfcn.tracking.package.export import ServingModel, export

    model = ServingModel(
        architecture_of(run.identity.classifier, run.params),
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
            **{name: run.params.get(name, value) for name, value in SHAPES.items()},
            **({"members": str(run.params["members"]).split()} if "members" in run.params else {}),
        },
        **({} if contents.temperature is None else {"temperature": f"{contents.temperature:.6f}"}),
    }
    export(package, model, classes=contents.classes, example=contents.example, metadata=metadata)
    if contents.reference is not None:
        shutil.copyfile(contents.reference, package / REFERENCE)


def _tags(
    run: Run, folder: Path, sha256: str, identity: str, counts: Sequence[int], experiment: str
) -> dict[str, str]:
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
    if experiment:
        tags["experiment"] = experiment
    if OOF_FILE in run.artifacts:
        tags["predictions"] = hash_file(folder / OOF_FILE)
    evidence = {name: run.metrics.get(name) for name in (f"oof_{name}" for name in all_metrics())}
    if run.protocol != BY_ESTIMATOR:  # what the pipeline could not find counts for nothing
        evidence |= {name: evidence[name] or 0.0 for name in ("oof_accuracy", "oof_log_loss")}
    # repr: evidence is compared again later, to the bit.
    tags |= {n: repr(float(v)) for n, v in evidence.items() if v is not None and not np.isnan(v)}
    return {f"lstmfcn.{name}": str(value) for name, value in tags.items()}
