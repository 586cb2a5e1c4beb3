"""Fetching a dataset: from a folder on this machine, from the aeon wheel, or from the archive's site.

Wherever it comes from, it is read, checked, and written anew in one format, so that the files under
`data/raw/` are the same, to the byte, for everybody.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from lstmfcn.data import readers
from lstmfcn.data.catalogue import SPLITS, load_catalogue, lookup
from lstmfcn.data.download import download
from lstmfcn.data.names import checked_name
from lstmfcn.data.readers import read_series, write_series
from lstmfcn.data.series import LabelledSeries
from lstmfcn.data.textfile import GZIP
from lstmfcn.errors import DataError, nearest
from lstmfcn.files import OutsideError, atomic_path, hash_file, member, read_json, write_json
from lstmfcn.runs.code import code_hash


class NowhereError(DataError):
    """A dataset is in none of the places where it is looked for."""


class SourceGoneError(DataError):
    """What there is of a dataset is a copy, whose source is gone."""


SOURCE_FILE = "source.json"
SITE = "the archive's site"


def fetch_dataset(
    name: str,
    target: Path,
    *,
    own_dir: Path | None = None,
    ucr_dir: Path | None = None,
    downloads: Path | None = None,
    report: Callable[[str], None] | None = None,
) -> Path:
    """Put a dataset's two splits into `target/name`.

    Parameters
    ----------
    name
        In the 2018 edition; or any other, for a dataset of `ucr_dir`.
    target
        The folder of all datasets.
    own_dir
        Where `lstmfcn add` puts one's own data; asked first.
    ucr_dir
        A folder in the archive's layout, `<name>/<name>_TRAIN.tsv` and `<name>/<name>_TEST.tsv` (or
        with another of `lstmfcn.data.readers.suffixes`); asked next.
    downloads
        Where files from the archive's site are kept, so that they can be read again without a network;
        None to keep none.
    report
        Called with a line of text on what is done.

    Returns
    -------
    Path
        The dataset's folder. It appears whole or not at all; one that is whole is left as it is, unless
        the code that reads files has changed, or the dataset is one's own and has changed at its source.

    Raises
    ------
    SourceGoneError
        If the dataset is one's own and nowhere any more; the copy of before is left as it is.
    DataError
        If the dataset is nowhere, damaged, or not what the catalogue says.
    """
    folder = target / checked_name(name)
    reader = code_hash(*readers.code())
    whole = is_whole(folder)
    # One's own data may have been corrected since; the archive's is what it is.
    own = lookup(name) is None
    if whole and not own and read_json(folder / SOURCE_FILE).get("code") == reader:
        return folder
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target, prefix=f".{name}.") as scratch:
        try:
            files, origin = _find(name, own_dir, ucr_dir, downloads, Path(scratch), patient=not whole)
        except DataError as error:
            if own and whole and isinstance(error, NowhereError):
                raise SourceGoneError(
                    f"{name} is the copy of {_date(folder)}: its source is gone. {error}"
                ) from None
            if own or not whole:
                raise
            if report:
                report(
                    f"fetch: {name} was read by an older reader; its source is not at hand. What there is "
                    "stays. Set LSTMFCN_UCR_DIR to the folder it came from, or check the network."
                )
            return folder
        staging = Path(scratch, "whole")
        staging.mkdir()
        for split, path in zip(SPLITS, files, strict=True):
            _verify(name, split, path)
            write_series(staging, f"{name}_{split}", _read(name, path))
            if (origins := origins_of(path.parent, f"{name}_{split}")).is_file():
                shutil.copyfile(origins, staging / origins.name)
        # Where it came from is not kept: the same content counts as the same data.
        _seal(staging, {"dataset": name, "edition": 2018 if lookup(name) else None, "code": reader})
        if downloads is not None and origin == SITE:
            _keep(files, downloads / name)
        if whole and hash_file(folder / SOURCE_FILE) == hash_file(staging / SOURCE_FILE):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        staging.chmod(0o755)
        staging.rename(folder)
    if report:
        report(f"fetch: {name} from {origin}")
    return folder


def _read(name: str, path: Path) -> LabelledSeries:
    try:
        return read_series(path)
    except DataError as error:
        if " --" not in str(error):
            raise
        raise DataError(
            f"{error} `lstmfcn add {name}` takes these options, `lstmfcn fetch` does not."
        ) from None


def read_dataset(folder: Path) -> tuple[LabelledSeries, LabelledSeries]:
    """Read the training and the test split of a fetched dataset.

    Raises
    ------
    DataError
        If a file is missing or damaged.
    """
    paths = [_first(folder, f"{folder.name}_{split}") for split in SPLITS]
    for split, path in zip(SPLITS, paths, strict=True):
        if path is None:
            raise DataError(f"{folder / f'{folder.name}_{split}.tsv'} is missing. Run `dvc repro fetch`.")
    train, test = (_with_origins(read_series(path), folder) for path in paths if path is not None)
    return train, test


def origins_of(folder: Path, stem: str) -> Path:
    """Return the table that tells, a row a series, where it came from, and its name and group."""
    return folder / f"{stem}.origin.csv"


def _with_origins(series: LabelledSeries, folder: Path) -> LabelledSeries:
    path = origins_of(folder, series.path.stem)
    if not path.is_file():
        return series
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if len(rows) != len(series.X):
        raise DataError(f"{path} has {len(rows)} rows for {len(series.X)} series. Run `lstmfcn add` again.")
    found = {
        name: np.array([row[name] for row in rows], dtype=np.str_)
        for name in ("id", "group")
        if name in rows[0]
    }
    return replace(series, ids=found.get("id"), groups=found.get("group"))


def is_whole(folder: Path) -> bool:
    """Whether a folder holds a fetched dataset, unchanged since."""
    try:
        kept = read_json(folder / SOURCE_FILE)["sha256"]
        return bool(kept) and all(hash_file(member(folder, name)) == digest for name, digest in kept.items())
    except (OSError, OutsideError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _seal(folder: Path, about: Mapping[str, Any]) -> None:
    """Note the hashes of a folder's files beside them: from now on it is whole."""
    hashes = {path.name: hash_file(path) for path in sorted(folder.iterdir())}
    write_json(folder / SOURCE_FILE, {**about, "sha256": hashes})


def _keep(files: Sequence[Path], folder: Path) -> None:
    """Copy what was downloaded into a folder of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in files:
        with atomic_path(folder / path.name) as temporary:
            shutil.copyfile(path, temporary)
    _seal(folder, {"dataset": folder.name})


def _find(
    name: str,
    own_dir: Path | None,
    ucr_dir: Path | None,
    downloads: Path | None,
    scratch: Path,
    *,
    patient: bool,
) -> tuple[list[Path], str]:
    """Return the files of both splits, and a word on where they were found.

    Without patience, the archive's site is asked once: an older copy of the dataset is there.
    """
    if own_dir is not None:
        if found := _both(own_dir / name, name):
            return found, "data/own"
        if (own_dir / f"{name}.dvc").is_file():
            raise NowhereError(
                f"{own_dir / name} is not checked out. Run `dvc checkout {own_dir / name}.dvc`, or `dvc "
                "pull`."
            )
    if ucr_dir is not None:
        if not ucr_dir.is_dir():
            remedy = "Correct or unset it."
            if not ucr_dir.is_absolute():
                remedy = f"It was looked for from {Path.cwd()}: give it as an absolute path."
            raise NowhereError(f"LSTMFCN_UCR_DIR is {ucr_dir}, which is not a folder. {remedy}")
        if found := _both(ucr_dir / name, name):
            return found, "LSTMFCN_UCR_DIR"
    aeon = find_spec("aeon")  # without importing it: that takes seconds
    if aeon and aeon.origin and (found := _both(Path(aeon.origin).parent / "datasets/data" / name, name)):
        return found, "the aeon package"
    if lookup(name) is None:
        places = [place for place in (own_dir, ucr_dir) if place is not None and place.is_dir()]
        others = {path.name for place in places for path in place.iterdir() if path.is_dir()} - {name}
        where = f"in LSTMFCN_UCR_DIR ({ucr_dir})" if ucr_dir else "in LSTMFCN_UCR_DIR, which is not set"
        raise NowhereError(
            f"The dataset {name!r} is neither in data/own nor {where}, nor in the paper's "
            f"catalogue.{nearest(name, [*load_catalogue(), *others])} `lstmfcn add {name} FILE` brings your "
            f"own in; or set LSTMFCN_UCR_DIR to a folder with {name}/{name}_TRAIN.tsv and "
            f"{name}/{name}_TEST.tsv."
        )
    if downloads is not None and is_whole(downloads / name) and (found := _both(downloads / name, name)):
        return found, "what was downloaded before"
    return download(name, scratch, rounds=None if patient else 1), SITE


def _both(folder: Path, name: str) -> list[Path] | None:
    """Return the files of both splits in a folder; None if there is no such folder."""
    found = [_first(folder, f"{name}_{split}") for split in SPLITS]
    if folder.is_dir() and None in found:
        lacking = [f"{name}_{split}.tsv" for split, path in zip(SPLITS, found, strict=True) if path is None]
        there = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        known = ", ".join(suffix for suffix in readers.suffixes() if suffix)
        raise DataError(
            f"{folder} lacks {' and '.join(lacking)}: both splits are needed, each as {known}, or one of "
            f"them with .gz behind it. It holds {', '.join(there[:10]) or 'nothing'}."
        )
    return [path for path in found if path is not None] or None


def _first(folder: Path, stem: str) -> Path | None:
    names = (f"{stem}{suffix}{packed}" for packed in ("", GZIP) for suffix in readers.suffixes())
    return next((path for path in (folder / name for name in names) if path.is_file()), None)


def _date(folder: Path) -> str:
    """Return when a copy was made."""
    return date.fromtimestamp((folder / SOURCE_FILE).stat().st_mtime).isoformat()


def _verify(name: str, split: str, path: Path) -> None:
    """Compare a file of the 2018 edition with the catalogue's checksum.

    Other formats and other editions have checksums of their own; their sizes and classes are for
    `lstmfcn.data.checks` to compare.
    """
    entry = lookup(name)
    if entry is None or path.suffix != ".tsv":
        return
    known = entry.sha256_train if split == "TRAIN" else entry.sha256_test
    if known and hash_file(path) != known:
        raise DataError(
            f"{path} is not the file of the 2018 archive: its SHA-256 differs from the catalogue's. Replace "
            f"it, or rename the dataset if it is your own variant of {name}."
        )
