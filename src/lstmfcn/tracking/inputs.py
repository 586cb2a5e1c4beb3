"""The split that a run was made from, as MLflow's dataset: what it holds, and which object of DVC's it is.

The digest is the MD5 under which DVC keeps the file, so that MLflow leads to the object
(`.dvc/cache/files/md5/ab/cdef...`, or the remote's `files/md5`), and a revision's file to its runs
(`dataset.digest = 'abcdef...'`).
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from lstmfcn.data.series import Split
from lstmfcn.errors import DataError
from lstmfcn.files import to_json
from lstmfcn.runs.run import BY_ESTIMATOR, Run
from lstmfcn.workspace import Workspace

DIGEST = 32
"""Characters: of an MD5, and of what MLflow takes, 36 at most."""


def input_of(workspace: Workspace, run: Run) -> Any:
    """Return what MLflow is told of the data of a run."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    tags = {"mlflow.data.context": run.split, "lstmfcn.data": run.data}
    one = run.identity
    which = f" resample {one.resample}" if one.resample else ""
    name, source = f"{one.dataset}{which} ({run.split} split)", {"context": "given to fit"}
    digest, kind = run.data[:DIGEST], "code"
    if run.protocol != BY_ESTIMATOR:
        place = workspace.test_split if run.split == "test" else workspace.train_split
        path = place(one.dataset, one.resample)
        source, kind = {"path": path.relative_to(workspace.root).as_posix()}, "dvc"
        if md5 := dvc_md5(path, run.data):
            digest = md5
            source |= {"md5": md5, "object": f"files/md5/{md5[:2]}/{md5[2:]}"}
    data = Dataset(name, digest, kind, json.dumps(source), _schema(run), to_json(dict(run.sizes)))
    return DatasetInput(data, [InputTag(*tag) for tag in tags.items()])


def dvc_md5(path: Path, sha256: str) -> str | None:
    """Return the MD5 under which DVC keeps a split's file; None where the file holds another split.

    Parameters
    ----------
    path
        The file.
    sha256
        See `Split.hash`.
    """
    try:
        md5, held = _hashes(path, path.stat().st_mtime_ns)
    except (OSError, DataError):
        return None
    return md5 if held == sha256 else None


@functools.lru_cache(maxsize=256)
def _hashes(path: Path, _changed: int) -> tuple[str, str]:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest(), Split.load(path).hash


def _schema(run: Run) -> str | None:
    """Return the shape and type of the series and classes, as MLflow writes them; None if unknown."""
    if not {"n_channels", "length"} <= run.sizes.keys():
        return None
    import numpy as np
    from mlflow.data.schema import TensorDatasetSchema
    from mlflow.types import Schema, TensorSpec

    shape = (-1, run.sizes["n_channels"], run.sizes["length"])
    features = Schema([TensorSpec(np.dtype("float32"), shape)])
    targets = Schema([TensorSpec(np.dtype("int64"), (-1,))])
    return json.dumps(TensorDatasetSchema(features, targets).to_dict())
