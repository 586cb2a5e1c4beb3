"""Registered versions as MLflow's logged models: their metrics, each with the dataset it was measured on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lstmfcn.evaluation.metrics import all_metrics
from lstmfcn.tracking.logged import listed

VERSION_TAG = "lstmfcn.version"
"""Which version a logged model is, as `name/number`."""

SPLITS = {"oof_": "train", "test_": "test"}
"""How metrics begin, and the split that they were measured on."""


def log_model(client: Any, experiment: str, version: Any, run: Any) -> None:
    """Make the logged model of a version unless it is there, with its metrics on each split.

    Its files are those of the version. A name of MLflow's holds no dots.

    Parameters
    ----------
    client, experiment
        MLflow's client, and the experiment's id.
    version, run
        MLflow's records of the version and of its run.
    """
    from mlflow.entities import LoggedModelOutput

    title = f"{version.name}/{version.version}"
    if client.search_logged_models([experiment], f"tags.`{VERSION_TAG}` = '{title}'"):
        return
    registered = [{"name": version.name, "version": str(version.version)}]
    model = client.create_logged_model(
        experiment,
        name=title.replace(".", "-").replace("/", "-v"),
        source_run_id=run.info.run_id,
        tags={VERSION_TAG: title, "mlflow.modelVersions": json.dumps(registered)},
        params=dict(run.data.params),
        model_type=run.data.params.get("model", ""),
    )
    client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, 0)])
    measured = list(_measured(client, experiment, run, model.model_id))
    client.log_batch(run.info.run_id, metrics=measured)
    client.finalize_logged_model(model.model_id, "READY")


def _measured(client: Any, experiment: str, run: Any, model: str) -> Iterator[Any]:
    """Yield the metrics of a run, each with the dataset that it was measured on, as far as that is known."""
    from mlflow.entities import Metric

    key = run.data.tags.get("lstmfcn.key", "")
    tests = listed(client, experiment, f"tags.`lstmfcn.upstream` = '{key}' AND tags.phase = 'evaluation'")
    found = {
        given.dataset.name: given.dataset for one in (run, *tests) for given in one.inputs.dataset_inputs
    }
    for start, split in SPLITS.items():
        data = next((each for name, each in found.items() if f"({split} split)" in name), None)
        for name, value in run.data.metrics.items():
            if data is not None and name.startswith(start) and name.removeprefix(start) in all_metrics():
                yield Metric(
                    name,
                    value,
                    run.info.end_time or 0,
                    0,
                    model_id=model,
                    dataset_name=data.name,
                    dataset_digest=data.digest,
                )
