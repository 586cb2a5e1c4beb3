"""Getting a registered model out of the store, checked."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from lstmfcn import oserrors
from lstmfcn.errors import RegistryError, TrackingError
from lstmfcn.tracking.causes import first_line, traceable, unreachable
from lstmfcn.tracking.package.check import check
from lstmfcn.tracking.package.contents import FILES, OF_THE_DOWNLOAD, checksum, write_manifest
from lstmfcn.tracking.package.signature import sign, signing_key
from lstmfcn.tracking.registry.versions import PREFIX, Version, model_name, record_of
from lstmfcn.tracking.relocation import place_of
from lstmfcn.tracking.store import store_file, tracking_uri
from lstmfcn.workspace import Workspace

GONE = "No such (file|artifact)|does ?n[o']t exist|NoSuchKey|error code 404|RESOURCE_DOES_NOT_EXIST"
"""What the kinds of store say of files that are not there."""


class MissingFilesError(RegistryError):
    """Files of a registered model are gone from the store."""


def download(workspace: Workspace, dataset: str, which: str | int, into: Path) -> Path:
    """Copy a registered model, given by its alias or its number, into a folder, and check it; return where.

    Raises
    ------
    RegistryError
        If there is no such model, or files of it are gone.
    UntrustedModelError
        If it is not what was registered.
    TrackingError
        If the store does not answer.
    """
    version = record_of(workspace, dataset, which)
    sha256 = version.tags.get(f"{PREFIX}sha256", "none")
    # By its number: the alias may move before it is downloaded.
    found = _fetch(workspace, version, sha256, into)
    check(found, registered=sha256)
    return found


def is_whole(workspace: Workspace, client: Any, version: Version) -> bool:
    """Return whether the store that MLflow is connected to holds the files of a version as registered.

    Raises
    ------
    TrackingError
        If the store does not answer, or what it holds cannot be read.
    """
    record = client.get_model_version(model_name(version.dataset), str(version.version))
    with tempfile.TemporaryDirectory() as scratch:
        try:
            found = _fetch(workspace, record, version.sha256, Path(scratch))
        except MissingFilesError:
            return False
        return checksum(found) == version.sha256


def _fetch(workspace: Workspace, version: Any, sha256: str, into: Path) -> Path:
    """Copy the files of a version, MLflow's record, into a folder; return where they lie there."""
    name, file = f"{version.name} version {version.version}", store_file(workspace)
    place = None if file is None else place_of(file, version.source, version.run_id)
    if file is None and (elsewhere := unreachable(tracking_uri(workspace), version.source)):
        raise TrackingError(elsewhere)
    try:
        if place is not None:
            found = Path(shutil.copytree(place, into / "package", symlinks=True))
        else:
            found = _downloaded(version, into)
    except Exception as error:  # each kind of store has errors of its own
        if isinstance(error, FileNotFoundError) or re.search(GONE, str(error)):
            raise _missing(name, "its folder is gone") from traceable(error)
        if place is not None and isinstance(error, OSError):
            raise TrackingError(f"{name} could not be read. {oserrors.sentence(error)}") from error
        raise TrackingError(f"{name} could not be downloaded: {first_line(error)}") from traceable(error)
    there = {path.relative_to(found).as_posix() for path in found.rglob("*") if not path.is_dir()}
    lacking = sorted(FILES.keys() - there)
    if lacking and there <= FILES.keys() and checksum(found) != sha256:
        raise _missing(name, f"{', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} gone")
    return found


def _downloaded(version: Any, into: Path) -> Path:
    import mlflow

    uri = f"models:/{version.name}/{version.version}"
    found = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(into)))
    (found / OF_THE_DOWNLOAD).unlink(missing_ok=True)
    return found


def _missing(name: str, what: str) -> MissingFilesError:
    return MissingFilesError(
        f"Files of {name} are missing in the store: {what}. `lstmfcn promote`, in the study that trained it, "
        "registers the best run again."
    )


def pull(
    workspace: Workspace,
    dataset: str,
    to: Path,
    which: str | int = "champion",
    *,
    sign_key: Path | None = None,
) -> Path:
    """Copy a registered model into the folder `to`; it loads there with `mlflow.pyfunc.load_model`.

    Which one is said by its alias or its number.

    The folder gets a manifest of its files' hashes, by which it is checked without the store, and a signature
    of it where there is a private key to sign with.

    Raises
    ------
    RegistryError
        If there is no such model, files of it are gone, or `to` holds something already.
    UntrustedModelError
        If it is not what was registered.
    TrackingError
        If the store does not answer.
    KeyFileError, MissingLibraryError
        If nothing can be signed with the key.
    """
    key = None if sign_key is None else signing_key(sign_key)
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise RegistryError(f"{to} exists and is not an empty folder. Name another with --to.")
    to.parent.mkdir(parents=True, exist_ok=True)
    # A folder of our own first: `to` appears whole or not at all.
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.") as scratch:
        found = download(workspace, dataset, which, Path(scratch))
        write_manifest(found)
        if key is not None:
            sign(found, key)
        if to.exists():
            to.rmdir()
        found.rename(to)
    to.chmod(0o755)
    return to
