"""Checking a study and its surroundings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from lstmfcn import config, oserrors
from lstmfcn.classifiers.library import LibraryClassifier
from lstmfcn.classifiers.table import classifiers, references
from lstmfcn.data.names import checked_name
from lstmfcn.errors import LstmfcnError
from lstmfcn.pipeline.amount import outlook
from lstmfcn.pipeline.executors import at_once, check
from lstmfcn.workspace import Workspace

LEAST_FREE = 2.0  # GB, for the artifacts of a small study


def examine(workspace: Workspace) -> Iterator[tuple[bool, str]]:
    """Yield (whether it is fine, a sentence) for each check; an emptied dvc.lock is mended."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield (3, 11) <= sys.version_info[:2] <= (3, 13), f"Python {version} (3.11 to 3.13 do)"
    found = n = None
    try:
        if told := check():
            yield True, told
        n = at_once()
    except LstmfcnError as error:
        yield False, str(error)
    try:
        found = config.load(workspace.params)
        yield True, f"{workspace.params} is understood: {', '.join(found.datasets)}"
        for dataset in found.datasets:
            checked_name(dataset)
        yield True, outlook(workspace, found, n)
    except LstmfcnError as error:
        yield False, str(error)
    models = [name for name in classifiers() if name not in references()]
    yield True, f"classifiers at hand: {', '.join(models)}; references: {', '.join(references())}"
    yield from _missing_libraries(found)
    yield _mend_lock(workspace.root)
    free = shutil.disk_usage(workspace.root).free / 1e9
    yield free > LEAST_FREE, f"{free:.0f} GB of disk are free ({LEAST_FREE:.0f} are needed)"
    from lstmfcn.tracking.registry.examination import examine_store  # what is told above needs nothing of it

    given = os.environ.get("LSTMFCN_UCR_DIR")
    if given:
        there = Path(given).is_dir()
        yield there, f"LSTMFCN_UCR_DIR is {given}" + ("" if there else ", which is not a folder")
    fine, message = _open_to_us(workspace)
    yield fine, message
    if fine or os.access(workspace.mlruns, os.X_OK):
        yield from examine_store(workspace)


def _missing_libraries(params: config.Params | None) -> Iterator[tuple[bool, str]]:
    """Name what the references of a study need that is not installed."""
    for name in params.references if params is not None else ():
        row = references()[name]
        if isinstance(row, LibraryClassifier) and (missing := row.missing()):
            yield False, f"{name} needs {missing[0]}, which is missing: {row.remedy()}"


def _open_to_us(workspace: Workspace) -> tuple[bool, str]:
    """Look for what belongs to another user of the study, who has closed it."""
    first = (
        workspace.root,
        workspace.lock.parent,
        workspace.lock,
        workspace.mlruns,
        *workspace.outputs,
    )
    for path in (*first, workspace.mlruns / "mlflow.db"):
        try:
            path.stat()
        except FileNotFoundError:
            continue
        except OSError as error:
            return False, oserrors.sentence(error)
        if not oserrors.is_open(path):
            return False, oserrors.sentence(PermissionError(oserrors.DENIED[0], "", str(path)))
    return True, "the folders of the study can be written"


def _mend_lock(root: Path) -> tuple[bool, str]:
    """Restore a dvc.lock that a kill left empty: DVC writes it in place."""
    lock = root / "dvc.lock"
    if not lock.exists():
        return True, "no dvc.lock yet: `dvc repro` writes it"
    if lock.stat().st_size:
        return True, "dvc.lock is there"
    done = subprocess.run(["git", "-C", str(root), "checkout", "--", "dvc.lock"], capture_output=True)
    if done.returncode == 0 and lock.stat().st_size:
        return True, "dvc.lock was empty (DVC was killed as it wrote): restored from git"
    lock.unlink()
    return True, "dvc.lock was empty and git has none: removed; finished jobs are in the cache"
