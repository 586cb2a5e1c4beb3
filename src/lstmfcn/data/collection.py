"""Fetching a dataset: from a folder on this machine, from the aeon wheel, or from the archive's site.

Wherever it comes from, it is read, checked, and written anew in one format, so that the files under
`data/raw/` are the same, to the byte, for everybody.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lstmfcn.data import readers
from lstmfcn.data.catalogue import SPLITS, load_catalogue, lookup
from lstmfcn.data.download import download
from lstmfcn.data.readers import read_series, write_series
from lstmfcn.data.series import LabelledSeries
from lstmfcn.errors import DataError, nearest
from lstmfcn.files import OutsideError, atomic_path, hash_file, member, read_json, write_json
from lstmfcn.runs.code import code_hash

SOURCE_FILE = "source.json"
SITE = "the archive's site"


def fetch_dataset(
    name: str,
    target: Path,
    *,
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
    ucr_dir
        A folder in the archive's layout, `<name>/<name>_TRAIN.tsv` and `<name>/<name>_TEST.tsv` (or
        with another of `lstmfcn.data.readers.suffixes`); asked first.
    downloads
        Where files from the archive's site are kept, so that they can be read again without a network;
        None to keep none.
    report
        Called with a line of text on what is done.

    Returns
    -------
    Path
        The dataset's folder. It appears whole or not at all; one that is whole is left as it is, unless
        the code that reads files has changed, or the dataset is one's own and has changed in `ucr_dir`.

    Raises
    ------
    DataError
        If the dataset is nowhere, damaged, or not what the catalogue says.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise DataError(f"{name!r} is no name for a dataset: letters, digits, - and _ are.")
    folder = target / name
    reader = code_hash(*readers.code())
    whole = is_whole(folder)
    # One's own data may have been corrected since; the archive's is what it is.
    own = lookup(name) is None and ucr_dir is not None and (ucr_dir / name).is_dir()
    if whole and not own and read_json(folder / SOURCE_FILE).get("code") == reader:
        return folder
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target, prefix=f".{name}.") as scratch:
        try:
            files, origin = _find(name, ucr_dir, downloads, Path(scratch), patient=not whole)
        except DataError:
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
            write_series(staging, f"{name}_{split}", read_series(path))
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
    train, test = (read_series(path) for path in paths if path is not None)
    return train, test


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
    name: str, ucr_dir: Path | None, downloads: Path | None, scratch: Path, *, patient: bool
) -> tuple[list[Path], str]:
    """Return the files of both splits, and a word on where they were found.

    Without patience, the archive's site is asked once: an older copy of the dataset is there.
    """
    if ucr_dir is not None:
        if not ucr_dir.is_dir():
            raise DataError(f"LSTMFCN_UCR_DIR is {ucr_dir}, which is not a folder. Correct or unset it.")
        if found := _both(ucr_dir / name, name):
            return found, "LSTMFCN_UCR_DIR"
    aeon = find_spec("aeon")  # without importing it: that takes seconds
    if aeon and aeon.origin and (found := _both(Path(aeon.origin).parent / "datasets/data" / name, name)):
        return found, "the aeon package"
    if lookup(name) is None:
        own = [p.name for p in ucr_dir.iterdir() if p.is_dir()] if ucr_dir else []
        raise DataError(
            f"The dataset {name!r} is neither in the paper's catalogue nor in LSTMFCN_UCR_DIR."
            f"{nearest(name, [*load_catalogue(), *own])} To bring your own, set LSTMFCN_UCR_DIR to a "
            f"folder with {name}/{name}_TRAIN.tsv and {name}/{name}_TEST.tsv: a series a line, its "
            "label first, separated by tabs."
        )
    if downloads is not None and is_whole(downloads / name) and (found := _both(downloads / name, name)):
        return found, "what was downloaded before"
    return download(name, scratch, rounds=None if patient else 1), SITE


def _both(folder: Path, name: str) -> list[Path] | None:
    """Return the files of both splits in a folder; None if it has neither."""
    found = [_first(folder, f"{name}_{split}") for split in SPLITS]
    for split, path in zip(SPLITS, found, strict=True):
        if path is None and any(found):
            raise DataError(f"{folder} lacks {name}_{split}.tsv: both splits are needed.")
    return [path for path in found if path is not None] or None


def _first(folder: Path, stem: str) -> Path | None:
    return next((p for p in (folder / f"{stem}{s}" for s in readers.suffixes()) if p.is_file()), None)


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
            f"{path} is not the file of the 2018 archive: its SHA-256 differs from the catalogue's. "
            f"Replace it, or rename the dataset if it is your own variant of {name}."
        )
