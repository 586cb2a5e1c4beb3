"""The files of a run, read only as the run left them.

A run's file knows the SHA-256 of the files beside it (of an older schema, the cache may). One that was
changed or is gone is brought back from the cache of finished jobs, where this study has it, with a word on
stderr; else it is named.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lstmfcn.errors import DataError
from lstmfcn.files import hash_bytes, member, write_bytes
from lstmfcn.runs.cache import Cache
from lstmfcn.runs.identity import Identity, folders_of
from lstmfcn.runs.rows import run_of
from lstmfcn.runs.run import RUN_FILE, Run
from lstmfcn.workspace import Workspace


def load_run(workspace: Workspace, one: Identity) -> Run:
    """Return the run of an identity; see `run_in`."""
    return run_in(workspace, one.folder(workspace))


def run_in(workspace: Workspace, folder: Path) -> Run:
    """Return the run whose file lies in a folder of a study.

    Raises
    ------
    DataError
        If its file is missing or damaged, or another run's.
    """
    path = folder / RUN_FILE
    run = Run.load(path)
    if run.identity.folder(workspace) != folder:
        raise DataError(
            f"{path} is the file of another run, {run.name}. `dvc checkout --force {path}` brings its own "
            "back; where DVC has it not, `dvc repro --force` makes it anew; what was computed is kept."
        )
    return run


def runs_in(workspace: Workspace, *folders: Path) -> Iterator[Run]:
    """Yield each run whose file lies under some folders, in the order of their paths; see `run_in`."""
    for folder in folders:
        for path in sorted(folder.rglob(RUN_FILE)):
            yield run_in(workspace, path.parent)


def trained_on(workspace: Workspace, dataset: str, resample: int = 0) -> Iterator[Run]:
    """Yield each run that was trained on a resample of a dataset, phase 1 before all iterations.

    Raises
    ------
    DataError
        See `run_in`.
    """
    yield from runs_in(workspace, *_of_resample(folders_of(workspace, dataset), resample))


def measured_on(workspace: Workspace, dataset: str, resample: int = 0) -> Iterator[Run]:
    """Yield each run that measured on the test split of a resample; see `trained_on`."""
    yield from runs_in(workspace, *_of_resample([member(workspace.predictions, dataset)], resample))


def _of_resample(folders: Iterable[Path], resample: int) -> Iterator[Path]:
    """Yield what of the folders of a dataset belongs to a resample."""
    for folder in folders:
        if resample:
            yield folder / f"resample-{resample}"
        else:
            yield from (path for path in sorted(folder.glob("*")) if not path.match("resample-*"))


def check_split(workspace: Workspace, run: Run, sha256: str) -> None:
    """Refuse a prepared training split, given by its hash, that is not the one that a run was trained on.

    Raises
    ------
    DataError
        If it is another.
    """
    if run.data != sha256:
        path = workspace.train_split(run.identity.dataset, run.identity.resample)
        raise DataError(
            f"{path} is not what {run.name} was trained on: its SHA-256 differs. If it was changed "
            f"by hand, `dvc checkout --force {path}` brings it back; `dvc repro` trains on new data."
        )


def check_rows(workspace: Workspace, rows: Iterable[Mapping[str, Any]]) -> None:
    """Compare rows of the table of results with the runs that measured them, as far as these are there.

    Raises
    ------
    DataError
        Naming the first value that differs.
    """
    for at, row in enumerate(rows, start=2):
        one = run_of(row).test()
        if not (one.folder(workspace) / RUN_FILE).exists():
            continue
        run = load_run(workspace, one)
        known: dict[str, Any] = {"key": run.upstream, "protocol": run.protocol, **run.sizes}
        known |= {name.removeprefix("test_"): value for name, value in run.metrics.items()}
        for name in sorted(known.keys() & row.keys()):
            if _cell(row[name]) != _cell(known[name]):
                path = workspace.results_table
                raise DataError(
                    f"{path}, row {at}: {name} is not what {run.name} says. `dvc checkout --force {path}` "
                    "brings it back, and so does `dvc repro --force --single-item evaluate`."
                )


def read_output(workspace: Workspace, run: Run, name: str) -> bytes:
    """Return the content of a file of a run.

    Parameters
    ----------
    workspace
        Where the run lies.
    run
        The run.
    name
        The file's name, one of `run.files` or, in files of an older schema, of `run.artifacts`.

    Raises
    ------
    DataError
        If it is missing or not as the run left it, and the cache does not hold it.
    """
    path = member(run.identity.folder(workspace), name)
    known = known_hash(workspace, run, name)
    content = _content(path, linked=known is not None)
    if content is not None and known in (None, hash_bytes(content)):
        return content
    what = "is missing" if content is None else "is not as its run left it: its SHA-256 differs"
    kept = None if known is None else Cache(workspace.cache).find(run.job, known)
    if kept is None:
        raise DataError(
            f"{path} {what}. `dvc checkout --force {path}` brings it back; where DVC has it not, `dvc repro "
            f"--force --single-item {run.identity.stage}` makes it anew."
        )
    write_bytes(path, kept)
    sys.stderr.write(f"{path} {what}. It was restored from the cache of finished jobs.\n")
    return kept


def check_outputs(workspace: Workspace, run: Run) -> None:
    """Look at the files that are logged with a run; see `read_output`.

    Raises
    ------
    DataError
        See `read_output`.
    """
    history = () if run.history is None else (run.history,)
    for name in dict.fromkeys([*run.artifacts, *history]):
        read_output(workspace, run, name)


def known_hash(workspace: Workspace, run: Run, name: str) -> str | None:
    """Return the SHA-256 of a file of a run; None where nobody knows it."""
    if name in run.files:
        return run.files[name]
    one = run.identity
    inside = one.tested or one.step == "search"  # a bundle of several runs has a folder for each
    return Cache(workspace.cache).hashes(run.job).get(f"{one.step_folder}/{name}" if inside else name)


def _cell(value: Any) -> str:
    """Return a value as a table holds it: nine digits of a number, nothing for a missing one."""
    if isinstance(value, str):
        return value
    return "" if value is None or value != value else f"{float(value):.9g}"


def _content(path: Path, *, linked: bool) -> bytes | None:
    """Return what a file holds, None where there is none. DVC may have linked it, if its hash is known."""
    if not path.is_file() or (path.is_symlink() and not linked):
        return None
    return path.read_bytes()
