"""`fetch`: put each dataset of `params.yaml` under `data/raw/`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lstmfcn.config import Params
from lstmfcn.data.collection import SourceGoneError, fetch_dataset
from lstmfcn.errors import DataError
from lstmfcn.files import write_json
from lstmfcn.pipeline.progress import say
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params, *, keep_going: bool = False) -> None:
    """Fetch what is missing; what is whole is left alone, what is no longer asked for goes.

    A dataset that could not be had, or is a copy whose source is gone, is noted for `validate`.

    Raises
    ------
    DataError
        After the last dataset, if any could not be had; with `keep_going`, only if none could.
    """
    given = os.environ.get("LSTMFCN_UCR_DIR")
    here = Path() if workspace.home == workspace.root else workspace.home  # not an experiment's copy
    places = {
        "own_dir": workspace.own,
        "ucr_dir": here / given if given else None,
        "downloads": workspace.downloads,
    }
    lacking: dict[str, str] = {}
    old: dict[str, str] = {}
    for dataset in params.datasets:
        try:
            fetch_dataset(dataset, workspace.raw, **places, report=say)
        except SourceGoneError as error:
            old[dataset] = str(error)
            say(f"fetch: {error}")
        except DataError as error:
            lacking[dataset] = str(error)
            say(f"fetch: {error}")
    if lacking or old:
        write_json(workspace.fetch_notes, {"lacking": lacking, "old": old})
    else:
        workspace.fetch_notes.unlink(missing_ok=True)
    if lacking and (not keep_going or len(lacking) == len(params.datasets)):
        raise DataError("fetch: " + "\n".join(lacking.values()))
    for folder in workspace.raw.iterdir():
        if folder.name not in params.datasets and folder.is_dir():
            shutil.rmtree(folder)
