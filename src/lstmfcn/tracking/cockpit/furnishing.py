"""The experiment as people meet it in MLflow's user interface: its views, its note, what serves, the cards.

All of it follows from what the store holds, and is written anew where it no longer fits.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from lstmfcn import config
from lstmfcn.evaluation.metrics import metric_named
from lstmfcn.tracking.cockpit import cards
from lstmfcn.tracking.cockpit.models import log_model
from lstmfcn.tracking.cockpit.note import NOTE_TAG, note
from lstmfcn.tracking.cockpit.note import TITLE as NOTE
from lstmfcn.tracking.cockpit.views import ALIAS_TAG, View, views
from lstmfcn.tracking.logged import CLASSIFIER, KIND_TAG, listed
from lstmfcn.tracking.recipe import recipe_of
from lstmfcn.tracking.registry.versions import Version, model_name, registered
from lstmfcn.tracking.store import EXPERIMENT, connect, explained, is_missing
from lstmfcn.workspace import Workspace


def experiment_of(workspace: Workspace) -> Any:
    """Return MLflow's record of the experiment; None where there is none, or it was deleted.

    Raises
    ------
    TrackingError
        If the store does not answer.
    """
    if is_missing(workspace):
        return None
    client = connect(workspace, to_read=True)
    with explained(workspace, "The experiment could not be read"):
        found = client.get_experiment_by_name(EXPERIMENT)
    return None if found is None or found.lifecycle_stage == "deleted" else found


def furnish(workspace: Workspace) -> None:
    """Bring views, note, marks and cards up to date.

    Raises
    ------
    TrackingError
        If the store does not answer, or nothing may be written there.
    """
    experiment = experiment_of(workspace)
    if experiment is None:
        return
    found = registered(workspace)
    client = connect(workspace, to_read=True)
    with explained(workspace, "The views could not be brought up to date"):
        params = config.load(workspace.params)
        metric = metric_named(params.promote.metric)
        there = views(metric)
        _save_views(client, experiment, there)
        _mark(client, experiment.experiment_id, found)
        for versions in found.values():
            for version in versions:
                if version.aliases:
                    _present(client, experiment.experiment_id, version)
        text = experiment.tags.get(NOTE_TAG, "")
        if not text or text.startswith(NOTE):
            written = note(
                _classifiers(client, experiment.experiment_id, params),
                found,
                views=there,
                experiment=experiment.experiment_id,
                metric=metric,
                significance=params.compare.significance,
            )
            if written != text:
                client.set_experiment_tag(experiment.experiment_id, NOTE_TAG, written)


def links(workspace: Workspace, address: str, experiment: str) -> list[tuple[str, str]]:
    """Return title and address of each view, the one that answers which is better first."""
    metric = metric_named(config.load(workspace.params).promote.metric)
    return [(view.title, view.link(address, experiment)) for view in views(metric)]


def _save_views(client: Any, experiment: Any, those: Sequence[View]) -> None:
    for view in those:
        name, value = view.tag(int(1000 * time.time()))
        kept = experiment.tags.get(name)
        if kept is None or json.loads(kept).get("state") != json.loads(value)["state"]:
            client.set_experiment_tag(experiment.experiment_id, name, value)


def _classifiers(client: Any, experiment: str, params: config.Params) -> list[Any]:
    """Return the rows of the classifiers as this study trains them."""
    rows = listed(client, experiment, f"tags.`{KIND_TAG}` = '{CLASSIFIER}'")
    return [row for row in rows if row.info.lifecycle_stage == "active" and _is_ours(row.data.tags, params)]


def _is_ours(tags: Mapping[str, str], params: config.Params) -> bool:
    if tags["dataset"] not in params.datasets or tags["model"] not in params.classifiers:
        return False
    return recipe_of(params, tags["dataset"], tags["model"]).sha256 == tags.get("lstmfcn.recipe")


def _mark(client: Any, experiment: str, found: Mapping[str, Sequence[Version]]) -> None:
    """Tag the run of each version that has an alias with it, and no other."""
    due: dict[str, set[str]] = {}
    for dataset, versions in found.items():
        for version in versions:
            if version.aliases:
                record = client.get_model_version(model_name(dataset), str(version.version))
                due.setdefault(record.run_id, set()).update(version.aliases)
    marked = listed(client, experiment, f"tags.`{ALIAS_TAG}` LIKE '%'")
    for run in marked:
        if run.info.lifecycle_stage == "active" and run.info.run_id not in due:
            client.delete_tag(run.info.run_id, ALIAS_TAG)
    for run_id, aliases in due.items():
        client.set_tag(run_id, ALIAS_TAG, ", ".join(sorted(aliases)))


def _present(client: Any, experiment: str, version: Version) -> None:
    """Give a version its logged model, and its card unless a person has described it."""
    record = client.get_model_version(model_name(version.dataset), str(version.version))
    run = client.get_run(record.run_id)
    if run.info.lifecycle_stage == "active":
        log_model(client, experiment, record, run)
    told = record.description or ""
    if told and not told.startswith(cards.TITLE) and not run.info.run_name.startswith(told):
        return
    text = cards.card(record, run, _metadata(record))
    if text != told:
        client.update_model_version(record.name, record.version, text)


def _metadata(record: Any) -> Mapping[str, Any]:
    """Return what the package of a version says of itself; nothing where its files are gone."""
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model

    try:
        # Not by the version's name: MLflow would write a file into its folder.
        return Model.load(download_artifacts(f"{record.source}/MLmodel")).metadata or {}
    except (MlflowException, OSError):
        return {}
