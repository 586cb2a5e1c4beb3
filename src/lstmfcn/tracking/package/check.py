"""What may be loaded as a model: what was registered, byte for byte, and a graph that only computes.

To load a model is to trust it. MLflow, by which others load it, imports whatever module a model's file
`MLmodel` names, and a TensorFlow graph may read and write files or call Python. So all of a package is held
to what this project writes, file by file, key by key and operation by operation, before anything is loaded.
"""

from __future__ import annotations

from pathlib import Path

from lstmfcn.tracking.package.contents import (
    UntrustedModelError,
    check_contents,
    check_manifest,
    checksum,
)
from lstmfcn.tracking.package.description import Description, read_description
from lstmfcn.tracking.package.graph import check_graph
from lstmfcn.tracking.package.signature import check_signature

__all__ = ["UntrustedModelError", "check"]


def check(folder: Path, *, registered: str | None = None, verify_key: Path | None = None) -> Description:
    """Look at a downloaded model before it is loaded.

    Parameters
    ----------
    folder
        The model, as MLflow saves it.
    registered
        Its checksum when it was registered; None where nobody can know.
    verify_key
        The public key that its manifest has to be signed for; None where it need not be signed.

    Returns
    -------
    Description
        What the model says of itself, which is true.

    Raises
    ------
    UntrustedModelError
        If the checksums differ, the model is not one that lstmfcn saves, or its graph does more than
        compute.
    KeyFileError, MissingLibraryError
        If nothing can be verified with the key.
    """
    try:
        if registered is not None and checksum(folder) != registered:
            raise UntrustedModelError(
                f"The model in {folder} is not the one that was registered: its SHA-256 differs. Nothing of "
                "it was loaded. Find out who changed the store; `lstmfcn promote` registers the best run "
                "again."
            )
        check_contents(folder)
        if verify_key is not None:
            check_signature(folder, verify_key)
        check_manifest(folder)
        description = read_description(folder)
        check_graph(folder, description)
    except OSError as error:
        raise UntrustedModelError(
            f"The model in {folder} could not be read ({error}). Make it readable, or "
            "`lstmfcn pull` it again."
        ) from error
    return description
