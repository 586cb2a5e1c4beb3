"""`fetch`: put each dataset of `params.yaml` under `data/raw/`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lstmfcn.config import Params
from lstmfcn.data.collection import fetch_dataset
from lstmfcn.errors import DataError
from lstmfcn.pipeline.progress import say
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params) -> None:
    """Fetch what is missing; what is whole is left alone, what is no longer asked for goes.

    Raises
    ------
    DataError
        After the last dataset, if any could not be had.
    """
    given = os.environ.get("LSTMFCN_UCR_DIR")
    ucr_dir = Path(given) if given else None
    failures = []
    for dataset in params.datasets:
        try:
            fetch_dataset(dataset, workspace.raw, ucr_dir=ucr_dir, downloads=workspace.downloads, report=say)
        except DataError as error:
            failures.append(str(error))
            say(f"fetch: {error}")
    if failures:
        raise DataError("fetch: " + "\n".join(failures))
    for folder in workspace.raw.iterdir():
        if folder.name not in params.datasets and folder.is_dir():
            shutil.rmtree(folder)
