"""The cache of finished jobs: what was computed once is not computed again.

A job's result is a bundle: files by their relative name. The cache keeps each bundle in a folder
named by the job's key, under `.lstmfcn/cache/`, outside of what DVC manages: DVC empties a stage's
outputs before it runs it. So a stage that was killed, or whose list of datasets grew, runs only what
is missing, then lays all its outputs down.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from lstmfcn.files import hash_file, hash_of, read_json, write_bytes, write_json
from lstmfcn.runs.run import Bundle

MANIFEST = "manifest.json"


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
        folder = self.root / key
        try:
            manifest = read_json(folder / MANIFEST)
            whole = all(hash_file(folder / name) == digest for name, digest in manifest["files"].items())
            return {name: (folder / name).read_bytes() for name in manifest["files"]} if whole else None
        except (OSError, ValueError, KeyError):
            return None

    def put(self, key: str, bundle: Bundle, facts: Mapping[str, object]) -> None:
        """Keep `bundle` under `key`, with `facts` about how it was made (times, commit, device).

        The folder appears whole or not at all.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        staging = self.root / f".new-{uuid4().hex}"
        staging.mkdir()  # not by tempfile, whose folders are closed to the group
        try:
            for name, content in bundle.items():
                write_bytes(staging / name, content)
            files = {name: hash_file(staging / name) for name in bundle}
            write_json(staging / MANIFEST, {"files": files, "facts": dict(facts)})
            shutil.rmtree(self.root / key, ignore_errors=True)
            staging.replace(self.root / key)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def facts(self, key: str) -> dict[str, object]:
        """Return the facts kept with `key`; empty where it is not in this cache (a restored clone)."""
        try:
            facts: dict[str, object] = read_json(self.root / key / MANIFEST)["facts"]
            return facts
        except (OSError, ValueError, KeyError):
            return {}


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
