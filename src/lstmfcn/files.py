"""Writing files whole or not at all, and hashing what was written.

Everything the project writes goes through `atomic_path`: a reader never sees half a file under a
final name, whatever happens to the writer.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstmfcn.errors import LstmfcnError


class DiskFullError(LstmfcnError):
    """There was no room for a file; nothing is left of what was written of it."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success sync it and rename it over `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp's 0600 would make shared clones and caches unreadable
        temporary.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            free = shutil.disk_usage(path.parent).free + temporary.stat().st_size
            raise DiskFullError(
                f"The disk is full: {path} needs more than the {free:,} bytes that were free. Make space, "
                "then run the same command again: what is finished is kept."
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content`."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def has_content(path: Path, content: bytes) -> bool:
    """Return whether a file is there with just this content."""
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except FileNotFoundError:
        return False


def to_json(value: Any) -> str:
    """Return `value` as JSON with sorted keys: equal values give equal text."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write `value` as `to_json` renders it."""
    write_text(path, to_json(value))


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as `.npz`, without pickle; equal arrays give equal bytes."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **dict(arrays))


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of an `.npz` file; object arrays (pickles) are refused."""
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def hash_of(*values: Any) -> str:
    """Return the SHA-256, in hex, of JSON-able values."""
    return hashlib.sha256(to_json(list(values)).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA-256, in hex, of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
