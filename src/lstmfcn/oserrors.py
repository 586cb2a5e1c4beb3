"""What the operating system refuses, in a sentence: the file, the reason, the remedy."""

from __future__ import annotations

import errno
import os
import shlex
from pathlib import Path

REASONS = {
    errno.EROFS: "it lies on a read-only file system. Copy the study to a place where you may write.",
    errno.EISDIR: "it is a folder, and should be a file. Move it away.",
    errno.ENOTDIR: "one of the folders on its way is a file. Move that away.",
    errno.EEXIST: "it is there already. Move it away.",
    errno.ENOENT: "it is missing. If something removed it meanwhile, run the same command again.",
    errno.ELOOP: "its links lead in a circle. Remove them.",
    errno.EMFILE: "too many files are open. Raise the limit, as in `ulimit -n 4096`.",
    errno.EIO: "the disk cannot be read or written there. Look after the disk first.",
    errno.ESTALE: "the network folder it lies in has gone. Mount it again, then run the same command again.",
}
FULL = (errno.ENOSPC, errno.EDQUOT)
DENIED = (errno.EACCES, errno.EPERM)

LONGEST = 255
"""Of a name in a folder, in bytes, as nearly all file systems have it."""


def sentence(error: OSError) -> str:
    """Return what an error of the operating system says, with the remedy."""
    if error.errno in FULL:
        place = _name(error.filename) or "a temporary file"
        return f"the disk is full ({place}). Make space, then run the command again."
    file = _name(error.filename2) or _name(error.filename)
    if not file:
        return f"The operating system refused something: {error}."
    if error.errno in DENIED:
        return f"{file}: permission denied. {_who_may_mend(Path(file))}"
    if error.errno == errno.ENAMETOOLONG:
        longest = max(Path(file).parts, key=len)
        return (
            f"{longest[:60]}...: a name of {len(longest)} characters is too long for a file. Choose "
            f"a shorter one, of at most {LONGEST} bytes with what is put behind it (`.predictions.csv`)."
        )
    return f"{file}: {REASONS.get(error.errno or 0, f'{error.strerror or error}.')}"


def _name(file: object) -> str:
    return os.fsdecode(file) if isinstance(file, str | bytes | os.PathLike) else ""


def _who_may_mend(path: Path) -> str:
    """Return which file or folder is closed, whose it is, and how its owner opens it to the group."""
    closed = _closed(path.absolute())
    try:
        owner = closed.owner()
    except (OSError, KeyError):
        owner = "another user"
    refused = "change" if is_open(closed, to_write=False) else "read"
    return (
        f"{closed} belongs to {owner}, and you may not {refused} it. Where a group shares a study, {owner} "
        f"can call `chmod g+rwX {shlex.quote(str(closed))}`; otherwise work in a copy of your own."
    )


def is_open(path: Path, *, to_write: bool = True) -> bool:
    """Whether this user may read what is at a path, and write there."""
    rights = os.R_OK | (os.W_OK if to_write else 0) | (os.X_OK if path.is_dir() else 0)
    return os.access(path, rights)


def _closed(path: Path) -> Path:
    """Return the first on the way to a file that this user may not pass, or else what is to be written."""
    for folder in reversed(path.parents):
        if not os.access(folder, os.X_OK):
            return folder
    if path.exists() and not is_open(path):
        return path
    return next((folder for folder in path.parents if folder.exists()), path)
