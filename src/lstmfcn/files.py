"""Writing files whole or not at all, hashing what was written, and names that stay in their folder.

Everything the project writes goes through `atomic_path`: a reader never sees half a file under a
final name, whatever happens to the writer. A name that was read from a file goes through `member`.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from lstmfcn.errors import LstmfcnError


class DiskFullError(LstmfcnError):
    """There was no room for a file; nothing is left of what was written of it."""


class OutsideError(LstmfcnError):
    """A name that a file gives leads, or might lead, out of the folder that it belongs to."""


_NAME = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9_.-]{0,198}[A-Za-z0-9_-])?")
"""What every system takes for a name: not hidden, not `.` or `..`, short enough for a temporary file's to be
made of it."""


def is_name(value: object) -> bool:
    """Whether a value is the name of a file or folder: letters, digits, `_`, `-`, and `.` within."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def member(folder: Path, name: object) -> Path:
    """Return the path of a file that is named relative to a folder, by a file that others may have written.

    Parameters
    ----------
    folder
        The folder, which may be a link itself.
    name
        Names (`is_name`) with slashes between.

    Raises
    ------
    OutsideError
        If the name is none, or a folder on the way is a link that leads out. The file itself may be a link:
        whoever reads it has to look.
    """
    return members(folder, [name])[name]


def members(folder: Path, names: Iterable[Any]) -> dict[Any, Path]:
    """Return the paths of several files of a folder by their names; see `member`."""
    paths = {name: folder.joinpath(*_parts(name)) for name in names}
    for parent in {path.parent for path in paths.values()}:
        if not parent.resolve().is_relative_to(folder.resolve()):
            raise OutsideError(f"{parent} is a link out of {folder}. Put the folder itself in its place.")
    return paths


def check_names(names: Iterable[object]) -> None:
    """Refuse names of files of one folder that lead out of it, or of which two are one file somewhere.

    Raises
    ------
    OutsideError
        Naming the first that is at fault.
    """
    taken: set[str] = set()
    folders: set[str] = set()
    for name in names:
        parts = [part.casefold() for part in _parts(name)]
        above = {"/".join(parts[:n]) for n in range(1, len(parts))}
        path = "/".join(parts)
        if path in taken | folders or taken & above:
            raise OutsideError(f"{name!r:.100} stands for the same file as another. Rename one of them.")
        taken.add(path)
        folders |= above


def _parts(name: object) -> list[str]:
    """Return the names of which a path within a folder is made."""
    parts = name.split("/") if isinstance(name, str) else []
    if not parts or not all(map(is_name, parts)):
        raise OutsideError(f"{name!r:.100} is no name of a file within a folder. Make what names it anew.")
    return parts


@contextmanager
def atomic_path(path: Path, *, synced: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success rename it over `path`.

    Parameters
    ----------
    path
        Where the file goes.
    synced
        Whether to wait until the disk has it. If not, and the power fails within the next half minute, the
        file may be empty: for what is hashed, and can be made anew.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if synced:
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


def write_text(path: Path, text: str, *, synced: bool = True) -> None:
    """Write `text` as UTF-8; see `atomic_path`."""
    with atomic_path(path, synced=synced) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes, *, synced: bool = True) -> None:
    """Write `content`; see `atomic_path`."""
    with atomic_path(path, synced=synced) as temporary:
        temporary.write_bytes(content)


def has_content(path: Path, content: bytes) -> bool:
    """Return whether a file is there with just this content."""
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except FileNotFoundError:
        return False


def is_same(path: Path, other: Path) -> bool:
    """Return whether two paths are there and are one file, or two with the same content."""
    try:
        one, two = path.stat(), other.stat()
    except FileNotFoundError:
        return False
    if os.path.samestat(one, two):
        return True
    return one.st_size == two.st_size and path.read_bytes() == other.read_bytes()


def place_copy(source: Path, path: Path) -> None:
    """Let a file be at another path too: arrays as a hard link, since they fill the disk, the rest copied.

    Where the file system has no hard links, or the two are on different ones, arrays are copied as well.
    """
    if source.suffix == ".npz":
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
        try:
            os.link(source, beside)
            beside.replace(path)
        except OSError:
            pass
        else:
            return
        finally:
            beside.unlink(missing_ok=True)
    write_bytes(path, source.read_bytes(), synced=False)


def to_json(value: Any) -> str:
    """Return `value` as JSON with sorted keys: equal values give equal text."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any, *, synced: bool = True) -> None:
    """Write `value` as `to_json` renders it; see `atomic_path`."""
    write_text(path, to_json(value), synced=synced)


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    ValueError
        If it is none: a key that stands twice, NaN, and values nested too deeply are none either.
    """
    return parse_json(path.read_bytes())


def parse_json(content: bytes) -> Any:
    """Return what the content of a JSON file says; see `read_json`."""
    try:
        return json.loads(content, object_pairs_hook=_distinct, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key stands twice")
    return values


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as `.npz`, without pickle; equal arrays give equal bytes."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **dict(arrays))


def read_arrays(source: Path | bytes) -> dict[str, NDArray[Any]]:
    """Read the arrays of an `.npz` file, from its path or its content.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If it is damaged, compressed, or holds pickles. Its checksums are looked at before any array is made:
        a damaged header may ask for more memory than there is.
    """
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                entries = archive.infolist()
                if len({entry.filename for entry in entries}) < len(entries):
                    raise ValueError("an array stands twice")
                if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                    raise ValueError("an array is compressed")
                if (damaged := archive.testzip()) is not None:
                    raise ValueError(f"the checksum of {damaged} differs")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except Exception as error:  # whatever zipfile and NumPy meet: they promise nothing
            raise ValueError(f"its arrays cannot be read: {error}") from error


def hash_of(*values: Any) -> str:
    """Return the SHA-256, in hex, of JSON-able values."""
    return hashlib.sha256(to_json(list(values)).encode()).hexdigest()


def hash_bytes(content: bytes | memoryview) -> str:
    """Return the SHA-256, in hex, of a file's content."""
    return hashlib.sha256(content).hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA-256, in hex, of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
