"""Fetching a dataset: from a folder on this machine, from the aeon wheel, or from the archive's site.

Wherever it comes from, it is read, checked, and written anew in one format, so that the files under
`data/raw/` are the same, to the byte, for everybody.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from lstmfcn.data.catalogue import load_catalogue, lookup
from lstmfcn.data.readers import read_series, write_series
from lstmfcn.data.series import LabelledSeries
from lstmfcn.errors import DataError, nearest
from lstmfcn.files import hash_file, read_json, write_json

ARCHIVE = "https://timeseriesclassification.com/aeon-toolkit/{name}.zip"
"""The archive's address of a dataset: a zip with both splits."""

MIRROR = "https://zenodo.org/records/{record}/files/{name}_{split}.ts"
"""Where the archive is mirrored, a file a split."""

PAUSES = (0.0, 2.0, 4.0)
"""Seconds of waiting before each round, in which each address is tried once."""

TIMEOUT = 30.0
"""Seconds without an answer, or at less than `SLOWEST` from the beginning, after which an address fails."""

SLOWEST = 1024
"""Bytes a second."""

SPLITS = ("TRAIN", "TEST")
SUFFIXES = (".tsv", ".ts", ".txt", ".csv", "")
SOURCE_FILE = "source.json"
LARGEST = 1 << 30
"""Bytes of a split. The largest of the archive, StarLightCurves, has 8.4 million values."""


def fetch_dataset(
    name: str, target: Path, *, ucr_dir: Path | None = None, report: Callable[[str], None] | None = None
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
        `.ts`, `.txt`, `.csv`); asked first.
    report
        Called with a line of text on what is done.

    Returns
    -------
    Path
        The dataset's folder. It appears whole or not at all; one that is whole is left as it is, but
        for a dataset of one's own that has changed in `ucr_dir`.

    Raises
    ------
    DataError
        If the dataset is nowhere, damaged, or not what the catalogue says.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise DataError(f"{name!r} is no name for a dataset: letters, digits, - and _ are.")
    folder = target / name
    # One's own data may have been corrected since; the archive's is what it is.
    own = lookup(name) is None and ucr_dir is not None and (ucr_dir / name).is_dir()
    if is_whole(folder) and not own:
        return folder
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target, prefix=f".{name}.") as scratch:
        files, origin = _find(name, ucr_dir, Path(scratch))
        staging = Path(scratch, "whole")
        staging.mkdir()
        for split, path in zip(SPLITS, files, strict=True):
            _verify(name, split, path)
            write_series(staging, f"{name}_{split}", read_series(path))
        written = sorted(p for p in staging.iterdir())
        # Where it came from is not kept: the same content counts as the same data.
        write_json(
            staging / SOURCE_FILE,
            {
                "dataset": name,
                "edition": 2018 if lookup(name) else None,
                "sha256": {p.name: hash_file(p) for p in written},
            },
        )
        if is_whole(folder) and hash_file(folder / SOURCE_FILE) == hash_file(staging / SOURCE_FILE):
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
        return bool(kept) and all(hash_file(folder / name) == digest for name, digest in kept.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _find(name: str, ucr_dir: Path | None, scratch: Path) -> tuple[list[Path], str]:
    """Return the files of both splits, and a word on where they were found."""
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
    return _download(name, scratch), "the archive's site"


def _both(folder: Path, name: str) -> list[Path] | None:
    """Return the files of both splits in a folder; None if it has neither."""
    found = [_first(folder, f"{name}_{split}") for split in SPLITS]
    for split, path in zip(SPLITS, found, strict=True):
        if path is None and any(found):
            raise DataError(f"{folder} lacks {name}_{split}.tsv: both splits are needed.")
    return [path for path in found if path is not None] or None


def _first(folder: Path, stem: str) -> Path | None:
    return next((p for p in (folder / f"{stem}{s}" for s in SUFFIXES) if p.is_file()), None)


def _download(name: str, scratch: Path) -> list[Path]:
    reasons: dict[str, str] = {}
    for pause in PAUSES:
        time.sleep(pause)
        for source in (_from_archive, _from_mirror):
            try:
                return source(name, scratch)
            except Exception as error:  # noqa: BLE001 - requests, urllib3, zipfile and the socket each have theirs
                reasons[source.__name__] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    tried = "; ".join(reasons.values())
    raise DataError(
        f"{name} could not be downloaded: {tried}. Check the network and try again, or set "
        f"LSTMFCN_UCR_DIR to a folder with {name}/{name}_TRAIN.tsv and {name}/{name}_TEST.tsv."
    )


def _from_archive(name: str, scratch: Path) -> list[Path]:
    return _extract(name, _retrieve(ARCHIVE.format(name=name), scratch / f"{name}.zip"), scratch)


def _from_mirror(name: str, scratch: Path) -> list[Path]:
    record = load_catalogue()[name].zenodo_record
    urls = [MIRROR.format(record=record, name=name, split=split) for split in SPLITS]
    files = [_retrieve(url, scratch / url.rsplit("/", 1)[-1]) for url in urls]
    for file in files:
        read_series(file)  # a page of HTML in a file's place is not what was asked for
    return files


def _retrieve(url: str, path: Path) -> Path:
    """Download a file; what broke off in an earlier round is taken up there, if the site can do that.

    The archive publishes no checksums of its zips and `.ts` files: their content is checked instead.
    """
    import requests

    path.unlink(missing_ok=True)  # whole, but not what was asked for
    part = path.with_name(f"{path.name}.part")
    had = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={had}-"} if had else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                part.unlink(missing_ok=True)  # ask for the whole next time
            answer.raise_for_status()
            with part.open("ab" if answer.status_code == requests.codes.partial_content else "wb") as sink:
                began, start = time.monotonic(), sink.tell()
                while piece := answer.raw.read1(1 << 16):
                    sink.write(piece)
                    if sink.tell() > LARGEST:
                        raise ValueError(f"more than {LARGEST:,} bytes")
                    seconds = time.monotonic() - began
                    if seconds > TIMEOUT and sink.tell() - start < seconds * SLOWEST:
                        raise TimeoutError(f"less than {SLOWEST} bytes a second")
        part.rename(path)
    except Exception as error:
        raise OSError(f"{url}: {error}") from error
    return path


def _extract(name: str, archive: Path, scratch: Path) -> list[Path]:
    """Take both splits out of a zip by their own names: no path of the zip's is ever followed."""
    files = []
    with zipfile.ZipFile(archive) as zipped:
        members = {Path(member).name: member for member in zipped.namelist()}
        for split in SPLITS:
            names = [f"{name}_{split}{suffix}" for suffix in SUFFIXES]
            chosen = next((n for n in names if n in members), None)
            if chosen is None:
                raise ValueError(f"the zip lacks {names[0]} and {names[1]}")
            path = scratch / chosen
            with zipped.open(members[chosen]) as source, path.open("wb") as sink:
                while piece := source.read(1 << 20):
                    sink.write(piece)
                    if sink.tell() > LARGEST:  # counted, not believed: a zip may say anything
                        raise ValueError(f"{chosen} is unpacked to more than {LARGEST:,} bytes")
            files.append(path)
    return files


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
