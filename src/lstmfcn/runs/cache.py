"""The cache of finished jobs: what was computed once is not computed again.

A job's result is a bundle: files by their relative name. The cache keeps each bundle in a folder
named by the job's key, under `.lstmfcn/cache/`, outside of what DVC manages: DVC empties a stage's
outputs before it runs it. So a stage that was killed, or whose list of datasets grew, runs only what
is missing, then lays all its outputs down.

A bundle that is damaged in any way counts as missing: no name in it leads out of its folder, and nothing is
returned that is not what was put there.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

from lstmfcn.files import (
    OutsideError,
    check_names,
    hash_bytes,
    hash_of,
    is_name,
    member,
    members,
    read_json,
    to_json,
    write_bytes,
)
from lstmfcn.runs.run import Bundle

MANIFEST = "manifest.json"

LARGEST_MANIFEST = 2**20
"""Bytes: a thousand times what ours have."""


class Cache:
    """Bundles by key.

    Parameters
    ----------
    root
        The folder that holds them; made when first written to.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def __contains__(self, key: str) -> bool:
        """Return whether there is a bundle of `key`, whole or not."""
        return (self.root / key / MANIFEST).exists()

    def get(self, key: str) -> dict[str, bytes] | None:
        """Return the bundle of `key`, or None where there is none or it is damaged."""
        hashes = self.hashes(key)
        bundle = {name: self._read(key, name, sha256) for name, sha256 in hashes.items()}
        whole = {name: content for name, content in bundle.items() if content is not None}
        return whole if hashes and len(whole) == len(hashes) else None

    def paths(self, key: str) -> dict[str, Path] | None:
        """Return where each file of the bundle of `key` lies; None where there is none or it is damaged.

        A file is not read where its size and the time of its last change are as they were when it was put.
        """
        manifest = self._manifest(key)
        hashes, known = _hashes_in(manifest), manifest.get("stats")
        found = {}
        try:
            for name, path in members(self.root / key, hashes).items():
                told = known.get(name) if isinstance(known, dict) else None
                is_known = not path.is_symlink() and path.is_file() and told == _stat_of(path)
                if not is_known and self._read(key, name, hashes[name]) is None:
                    return None
                found[name] = path
        except (OSError, OutsideError):
            return None
        return found or None

    def hashes(self, key: str) -> dict[str, str]:
        """Return the SHA-256 of each file of a bundle by its name; empty where there is no sound one."""
        return _hashes_in(self._manifest(key))

    def find(self, key: str, sha256: str) -> bytes | None:
        """Return the file of a bundle that has this hash, or None where there is none."""
        for name, known in self.hashes(key).items():
            if known == sha256 and (content := self._read(key, name, sha256)) is not None:
                return content
        return None

    def files(self) -> Iterator[tuple[str, str, str]]:
        """Yield key, name and SHA-256 of each file of each bundle."""
        for folder in sorted(self.root.glob("*")):
            yield from ((folder.name, name, sha256) for name, sha256 in self.hashes(folder.name).items())

    def _read(self, key: str, name: str, sha256: str) -> bytes | None:
        try:
            path = member(self.root / key, name)
            if path.is_symlink() or not path.is_file():
                return None
            content = path.read_bytes()
        except (OSError, OutsideError):
            return None
        return content if hash_bytes(content) == sha256 else None

    def _manifest(self, key: str) -> dict[str, object]:
        path = self.root / key / MANIFEST
        try:
            if not is_name(key) or path.parent.is_symlink() or path.is_symlink() or not path.is_file():
                return {}
            manifest = read_json(path) if path.stat().st_size <= LARGEST_MANIFEST else None
        except (OSError, ValueError):
            return {}
        return manifest if isinstance(manifest, dict) else {}

    def put(self, key: str, bundle: Bundle, facts: Mapping[str, object], *, synced: bool = True) -> None:
        """Keep `bundle` under `key`, with `facts` about how it was made (times, commit, device).

        The folder appears whole or not at all. Where it is not `synced` (see `atomic_path`), a failure of
        the power may damage it.

        Raises
        ------
        OutsideError
            If a name of the bundle is none within its folder.
        """
        check_names([MANIFEST, *bundle])
        self.root.mkdir(parents=True, exist_ok=True)
        staging = self.root / f".new-{uuid4().hex}"
        staging.mkdir()  # not by tempfile, whose folders are closed to the group
        try:
            for name, content in bundle.items():
                write_bytes(staging / name, content, synced=synced)
            manifest = {
                "files": {name: hash_bytes(content) for name, content in bundle.items()},
                "stats": {name: _stat_of(staging / name) for name in bundle},
                "facts": dict(facts),
            }
            write_bytes(staging / MANIFEST, to_json(manifest).encode(), synced=synced)
            if (self.root / key).is_symlink():
                (self.root / key).unlink()
            shutil.rmtree(self.root / key, ignore_errors=True)
            staging.replace(self.root / key)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def facts(self, key: str) -> dict[str, object]:
        """Return the facts kept with `key`; empty where it is not in this cache (a restored clone)."""
        return sound_facts(self._manifest(key).get("facts"))


def _hashes_in(manifest: Mapping[str, object]) -> dict[str, str]:
    files = manifest.get("files")
    if not isinstance(files, dict) or not all(isinstance(sha256, str) for sha256 in files.values()):
        return {}
    try:
        check_names([MANIFEST, *files])
    except OutsideError:
        return {}
    return files


def _stat_of(path: Path) -> list[int]:
    """Return what changes with a file: its size, and when it was last written, in nanoseconds."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def sound_facts(facts: object) -> dict[str, object]:
    """Return facts without those that are none, as a time that is no number."""
    return {n: v for n, v in facts.items() if _is_fact(n, v)} if isinstance(facts, dict) else {}


def _is_fact(name: str, value: object) -> bool:
    if name in ("started", "seconds"):
        return type(value) in (int, float) and math.isfinite(value) and 0 <= value < 2**52  # type: ignore[arg-type,operator]
    return isinstance(value, str)


def job_key(*, stage: str, data: str, recipe: object, upstream: str, code: str) -> str:
    """Return the key of a job: a SHA-256 of everything that decides its result.

    Parameters
    ----------
    stage
        The stage that runs it.
    data
        The hash of the splits it reads.
    recipe
        Every parameter it depends on, as JSON-able values.
    upstream
        The key of the job whose result it builds on, or an empty string.
    code
        See `lstmfcn.runs.code.code_hash`.
    """
    return hash_of(stage, data, recipe, upstream, code)
