"""The signature of a pulled folder: who pulled it. Its manifest tells that nothing has changed since.

Ed25519 (Bernstein et al., 2012) over the bytes of the manifest, which holds the hash of every file. Keys are
PEM files, as `openssl genpkey -algorithm ed25519` makes them; `openssl pkeyutl -verify -rawin` checks a
signature without this project.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lstmfcn.environment import load_library
from lstmfcn.errors import LstmfcnError
from lstmfcn.tracking.package.contents import MANIFEST, SIGNATURE, UntrustedModelError

SIGNING_KEY, VERIFY_KEY = "LSTMFCN_SIGNING_KEY", "LSTMFCN_VERIFY_KEY"
"""Variables of the environment that name a key's file where no option does."""


class KeyFileError(LstmfcnError):
    """A file holds no key to sign or verify with."""


def verify_key_of(given: str | Path | None) -> Path | None:
    """Return the file of the public key to verify with; None where nobody named one."""
    named = given or os.environ.get(VERIFY_KEY)
    return Path(named) if named else None


def signing_key(path: Path) -> Any:
    """Return the private key of a file.

    Raises
    ------
    KeyFileError
        If it holds none.
    MissingLibraryError
        If cryptography is not installed.
    """
    load_library("cryptography.hazmat.primitives.asymmetric.ed25519")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = _loaded(path, lambda content: load_pem_private_key(content, password=None))
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, "it is of another algorithm than ed25519")
    return key


def sign(folder: Path, key: Any) -> None:
    """Write the signature of a folder's manifest beside it; `key` is `signing_key`'s."""
    (folder / SIGNATURE).write_bytes(key.sign((folder / MANIFEST).read_bytes()))


def check_signature(folder: Path, key: Path) -> None:
    """Refuse a folder whose manifest was not signed with the private key of a public one.

    Raises
    ------
    UntrustedModelError
        If it has no signature, or another.
    KeyFileError
        If the file of the key holds none.
    MissingLibraryError
        If cryptography is not installed.
    """
    load_library("cryptography.hazmat.primitives.asymmetric.ed25519")
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    public = _loaded(key, load_pem_public_key)
    if not isinstance(public, Ed25519PublicKey):
        raise _no_key(key, "it is of another algorithm than ed25519")
    try:
        public.verify((folder / SIGNATURE).read_bytes(), (folder / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        raise _refused(folder, f"has no {Path(error.filename).name}") from None
    except InvalidSignature:
        raise _refused(folder, f"was not signed with the key of {key}, or was changed since") from None


def _loaded(path: Path, load: Any) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return load(path.read_bytes())
    except OSError as error:
        raise _no_key(path, f"{error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(path, str(error).splitlines()[0] if str(error) else type(error).__name__) from None


def _no_key(path: Path, what: str) -> KeyFileError:
    return KeyFileError(
        f"{path} holds no key ({what}). `openssl genpkey -algorithm ed25519 -out private.pem` makes one to "
        "sign with, `openssl pkey -in private.pem -pubout -out public.pem` the one to verify with."
    )


def _refused(folder: Path, what: str) -> UntrustedModelError:
    return UntrustedModelError(
        f"{folder} {what}. Nothing of the model was loaded; `lstmfcn pull --sign-key FILE` makes a "
        "folder that is signed."
    )
