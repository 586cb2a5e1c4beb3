"""`lstmfcn doctor --verify`: every file that the stages left, against the hashes that are known of it.

A run's file knows the SHA-256 of the files beside it, and its own. `dvc.lock` knows the MD5 of every output;
where the output is a folder, its list lies in DVC's cache. What a run left and was changed since is brought
back from the cache of finished jobs; the rest is named with its remedy.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstmfcn.errors import DataError, LstmfcnError
from lstmfcn.files import member, parse_json, write_bytes
from lstmfcn.pipeline.table import STAGES
from lstmfcn.runs.cache import Cache
from lstmfcn.runs.outputs import read_output, run_in
from lstmfcn.runs.run import RUN_FILE, Run
from lstmfcn.workspace import Workspace

PAUSE = 5.0
"""Seconds between two words of progress."""

SHOWN = 3
"""How many files of an output are named."""


@dataclass(frozen=True)
class Output:
    """An output of a stage as `dvc.lock` knows it: its path, its stage, and the MD5 of each file by path."""

    path: Path
    stage: str
    files: Mapping[Path, str]


def verify(workspace: Workspace, progress: Callable[[str], None]) -> Iterator[tuple[bool, str]]:
    """Yield (whether it is fine, a sentence) for what is not as it was written, and at last for all files.

    Parameters
    ----------
    workspace
        Whose files. What a run left is brought back from the cache, if that has it, with a word on stderr.
    progress
        Called with a line of text every few seconds.
    """
    objects = _objects(workspace.root)
    outputs: list[Output] = []
    for path, stage, md5 in _locked(workspace.root):
        files = _files(path, md5, objects)
        if files is None:
            yield True, f"{path}: its list is not in DVC's cache; what its runs know is looked at alone"
        else:
            outputs.append(Output(path, stage, files))
    md5s = {path: md5 for output in outputs for path, md5 in output.files.items()}
    counted = _counted(progress)
    bad: set[Path] = set()
    for path in _run_files(workspace, md5s):
        next(counted)
        try:
            _mend(workspace, path, md5s.get(path))
            run = run_in(workspace, path.parent)
        except DataError as error:
            bad.add(path)
            yield False, str(error)
            continue
        for name in run.files:
            next(counted)
            try:
                read_output(workspace, run, name)
            except DataError as error:
                bad.add(path.parent / name)
                yield False, str(error)
    for output in outputs:
        changed = []
        for path, md5 in output.files.items():
            next(counted)
            if path not in bad and _md5(path) != md5:
                changed.append(path)
        bad.update(changed)
        if changed:
            yield False, _told(output, changed, objects)
    n_seen = next(counted) - 1
    yield not bad, f"{n_seen:,} hashes of files were compared: {len(bad) or 'no'} file(s) differ"


def _counted(progress: Callable[[str], None]) -> Iterator[int]:
    """Count from 1, and say so every few seconds."""
    count, told = 0, time.monotonic()
    while True:
        count += 1
        if time.monotonic() - told > PAUSE:
            told = time.monotonic()
            progress(f"{count:,} hashes compared")
        yield count


def _run_files(workspace: Workspace, md5s: Iterable[Path]) -> list[Path]:
    """Return the runs' files that are there or, as `dvc.lock` says, should be."""
    folders = (workspace.search, workspace.phase1, workspace.finetuned, workspace.predictions)
    there = {path for folder in folders for path in folder.rglob(RUN_FILE)}
    return sorted(there | {path for path in md5s if path.name == RUN_FILE})


def _mend(workspace: Workspace, path: Path, md5: str | None) -> None:
    """Bring a run's file back that is damaged, if the cache has the one that `dvc.lock` knows."""
    try:
        Run.load(path)
    except DataError as error:
        cache = Cache(workspace.cache)
        for key, name, sha256 in cache.files():
            kept = cache.find(key, sha256) if name.rpartition("/")[2] == RUN_FILE else None
            if kept is not None and hashlib.md5(kept, usedforsecurity=False).hexdigest() == md5:
                write_bytes(path, kept)
                sys.stderr.write(f"{error} It was restored from the cache of finished jobs.\n")
                return


def _told(output: Output, changed: list[Path], objects: Path | None) -> str:
    """Say which files are not what `dvc.lock` knows, and what to do."""
    more = f" and {len(changed) - SHOWN:,} more" if len(changed) > SHOWN else ""
    place = changed[0] if len(changed) == 1 else output.path
    kept = objects is not None and all(
        _md5(_object(objects, output.files[path])) == output.files[path] for path in changed
    )
    remedy = (
        f"`dvc checkout --force {place}` brings it back"
        if kept
        else f"`dvc repro --force --single-item {output.stage}` makes it anew"
    )
    return (
        f"{', '.join(map(str, changed[:SHOWN]))}{more}: not what dvc.lock knows. {remedy}; if you made it "
        f"with `lstmfcn {output.stage}`, `dvc repro` brings dvc.lock up to date."
    )


def _locked(root: Path) -> Iterator[tuple[Path, str, str]]:
    """Yield path, stage and MD5 of each output of our stages that `dvc.lock` knows."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    lock = root / "dvc.lock"
    if not lock.exists():
        return
    try:
        stages: Any = YAML(typ="safe").load(lock.read_bytes())["stages"]
        for stage in STAGES:
            for out in stages.get(stage, {}).get("outs", []):
                if out.get("hash") == "md5":  # older ones are of text with other line ends
                    yield member(root, out["path"]), stage, str(out["md5"])
    except (YAMLError, RecursionError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{lock} is damaged ({type(error).__name__}). `git checkout {lock}` brings it back, and "
            "`dvc repro` goes on from there."
        ) from error


def _files(path: Path, md5: str, objects: Path | None) -> dict[Path, str] | None:
    """Return the MD5 of each file of an output; None where its list is not at hand."""
    if not md5.endswith(".dir"):
        return {path: md5}
    listed = None if objects is None else _object(objects, md5)
    if listed is None or _md5(listed) != md5.removesuffix(".dir"):
        return None
    try:
        return {
            member(path, entry["relpath"]): str(entry["md5"]) for entry in parse_json(listed.read_bytes())
        }
    except (ValueError, KeyError, TypeError, LstmfcnError):
        return None


def _objects(root: Path) -> Path | None:
    """Return the folder of DVC's objects; None where there is no DVC."""
    command = [sys.executable, "-m", "dvc", "cache", "dir"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    return root / done.stdout.strip() / "files/md5" if done.returncode == 0 else None


def _object(objects: Path, md5: str) -> Path:
    return objects / md5[:2] / md5[2:]


def _md5(path: Path) -> str | None:
    """Return the MD5 of a file; None where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError:
        return None
