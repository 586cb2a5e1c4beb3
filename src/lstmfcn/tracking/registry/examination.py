"""What is wrong with a tracking store that answers: runs and files that it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lstmfcn.errors import LstmfcnError
from lstmfcn.tracking.causes import called, unreachable
from lstmfcn.tracking.logged import KEY_TAG, listed
from lstmfcn.tracking.registry.download import is_whole
from lstmfcn.tracking.registry.versions import model_name, registered
from lstmfcn.tracking.relocation import former_places
from lstmfcn.tracking.store import (
    EXPERIMENT,
    connect,
    deleted_experiment,
    explained,
    is_missing,
    is_own,
    store_file,
    tracking_uri,
)
from lstmfcn.tracking.sync import runs_of, were_deleted
from lstmfcn.wording import counted
from lstmfcn.workspace import Workspace


def examine_store(workspace: Workspace) -> Iterator[tuple[bool, str]]:
    """Yield (whether it is fine, a sentence) for the store, its runs and its models. It is not made."""
    store = f"the tracking store {called(tracking_uri(workspace))}"
    if is_missing(workspace):
        yield True, f"{store} is not there yet: the first stage that trains makes it"
        return
    try:
        client = connect(workspace, to_read=True)
        yield True, f"{store} answers"
        yield from _places(workspace, store)
        with explained(workspace, "The runs could not be listed"):
            yield from _runs(workspace, client)
        with explained(workspace, "The registry could not be read"):
            yield from _models(workspace, client)
    except LstmfcnError as error:
        yield False, str(error)


def _places(workspace: Workspace, store: str) -> Iterator[tuple[bool, str]]:
    """Look for addresses of another place, which are left where this user may not write."""
    file = store_file(workspace)
    if file is not None and (former := former_places(file, EXPERIMENT, is_own=is_own(workspace, file))):
        yield (
            False,
            f"{store} was at {former[0].parent}, and MLflow by itself looks for files there. `lstmfcn sync`, "
            "called by one who may write it, mends that.",
        )


def _runs(workspace: Workspace, client: Any) -> Iterator[tuple[bool, str]]:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return
    if elsewhere := unreachable(tracking_uri(workspace), experiment.artifact_location):
        yield False, elsewhere
    if experiment.lifecycle_stage == "deleted":
        yield False, deleted_experiment()
        return
    stages: dict[str, set[str]] = {}
    for run in listed(client, experiment.experiment_id):
        if run.info.status == "FINISHED":
            stages.setdefault(run.data.tags.get(KEY_TAG, ""), set()).add(run.info.lifecycle_stage)
    keys = [run.key for _, run in runs_of(workspace)]
    lacking = sum(key not in stages for key in keys)
    deleted = sum(stages.get(key) == {"deleted"} for key in keys)
    if deleted:
        yield True, were_deleted(deleted)
    logged = f"MLflow has {len(keys) - lacking - deleted} of the study's {counted(len(keys), 'run')}"
    yield not lacking, logged + (": `lstmfcn sync` logs the others" if lacking else "")


def _models(workspace: Workspace, client: Any) -> Iterator[tuple[bool, str]]:
    """Look at the files of each model that has an alias."""
    whole = 0
    for dataset, versions in registered(workspace).items():
        for version in versions:
            if not version.aliases:
                continue
            if is_whole(workspace, client, version):
                whole += 1
                continue
            yield (
                False,
                f"{model_name(dataset)} version {version.version} ({', '.join(version.aliases)}): files "
                "of it are missing in the store, or were changed. `lstmfcn promote`, in the study that "
                "trained it, registers the best run again.",
            )
    yield True, f"registered models that are whole: {whole}"
