"""Getting a registered model out of the store, checked."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lstmfcn.errors import RegistryError, TrackingError
from lstmfcn.tracking.causes import first_line, traceable
from lstmfcn.tracking.package.check import check
from lstmfcn.tracking.package.contents import OF_THE_DOWNLOAD, checksum, write_manifest
from lstmfcn.tracking.package.signature import sign, signing_key
from lstmfcn.tracking.registry import PREFIX, Version, model_name, version_with
from lstmfcn.workspace import Workspace


def download(workspace: Workspace, dataset: str, alias: str, into: Path) -> Path:
    """Copy a registered model somewhere into a folder, and check it; return where.

    Raises
    ------
    RegistryError
        If there is no such model.
    UntrustedModelError
        If it is not what was registered.
    TrackingError
        If the store does not answer.
    """
    version = version_with(workspace, dataset, alias)
    # By its number: the alias may move before it is downloaded.
    found = _fetch(version.name, version.version, into)
    check(found, registered=version.tags.get(f"{PREFIX}sha256", "none"))
    return found


def is_whole(version: Version) -> bool:
    """Return whether the store that MLflow is connected to holds the files of a version as registered."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            found = _fetch(model_name(version.dataset), version.version, Path(scratch))
        except TrackingError:
            return False
        return checksum(found) == version.sha256


def _fetch(name: str, number: int, into: Path) -> Path:
    import mlflow

    uri = f"models:/{name}/{number}"
    try:
        found = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(into)))
        (found / OF_THE_DOWNLOAD).unlink(missing_ok=True)
    except Exception as error:  # noqa: BLE001 - each kind of store has errors of its own
        raise TrackingError(f"{uri} could not be downloaded: {first_line(error)}") from traceable(error)
    return found


def pull(
    workspace: Workspace, dataset: str, to: Path, alias: str = "champion", *, sign_key: Path | None = None
) -> Path:
    """Copy a registered model into the folder `to`; it loads there with `mlflow.pyfunc.load_model`.

    The folder gets a manifest of its files' hashes, by which it is checked without the store, and a signature
    of it where there is a private key to sign with.

    Raises
    ------
    RegistryError
        If there is no such model, or `to` holds something already.
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
        found = download(workspace, dataset, alias, Path(scratch))
        write_manifest(found)
        if key is not None:
            sign(found, key)
        if to.exists():
            to.rmdir()
        found.rename(to)
    to.chmod(0o755)
    return to
