"""The out-of-fold predictions of a registered version, from the store: a file of the run that it is of."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from lstmfcn.errors import DataError, TrackingError
from lstmfcn.evaluation.evidence import OOF_FILE
from lstmfcn.files import hash_bytes
from lstmfcn.runs.predictions import Predictions
from lstmfcn.tracking.causes import first_line, traceable
from lstmfcn.tracking.registry.decision import Judged
from lstmfcn.tracking.registry.download import GONE
from lstmfcn.tracking.registry.versions import Version, model_name
from lstmfcn.tracking.relocation import place_of
from lstmfcn.tracking.store import store_file
from lstmfcn.workspace import Workspace


def judged(workspace: Workspace, client: Any, version: Version) -> Judged:
    """Return a version as what is judged.

    It has no predictions where its run had none, as that of an estimator, where they are gone from the store,
    or where they are not those that it was registered with.

    Raises
    ------
    TrackingError
        If the store does not answer.
    """
    content = _content(workspace, client, version)
    predictions = None
    if content is not None and version.predictions in ("", hash_bytes(content)):
        try:
            predictions = Predictions.from_csv(content)
        except DataError:
            predictions = None  # damaged before hashes were noted
    return Judged(key=version.key, data=version.data, predictions=predictions)


def _content(workspace: Workspace, client: Any, version: Version) -> bytes | None:
    record, file = client.get_model_version(model_name(version.dataset), str(version.version)), None
    try:
        address = client.get_run(record.run_id).info.artifact_uri
        if (store := store_file(workspace)) is not None:
            file = place_of(store, f"{address}/{OOF_FILE}", record.run_id)
        if file is not None:
            return file.read_bytes()
        with tempfile.TemporaryDirectory() as scratch:
            return Path(client.download_artifacts(record.run_id, OOF_FILE, scratch)).read_bytes()
    except Exception as error:  # noqa: BLE001 - each kind of store has errors of its own
        if isinstance(error, FileNotFoundError) or re.search(f"{GONE}|not found", str(error)):
            return None
        what = f"The out-of-fold predictions of {record.name} version {record.version}"
        raise TrackingError(f"{what} could not be read: {first_line(error)}") from traceable(error)
