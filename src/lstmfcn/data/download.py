"""Downloading a dataset from the archive's site, or where that fails from its mirror."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

from lstmfcn.data.catalogue import SPLITS, load_catalogue
from lstmfcn.data.readers import read_series, suffixes
from lstmfcn.errors import DataError

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

LARGEST = 1 << 30
"""Bytes of a split. The largest of the archive, StarLightCurves, has 8.4 million values."""


def download(name: str, scratch: Path, *, rounds: int | None = None) -> list[Path]:
    """Download a dataset of the catalogue; return the files of both splits, in `scratch`.

    Parameters
    ----------
    name
        In the 2018 edition.
    scratch
        A folder for the files and what is needed on the way to them.
    rounds
        How often each address is tried; None for as often as there are `PAUSES`.

    Raises
    ------
    DataError
        If no address gives the dataset.
    """
    reasons: dict[str, str] = {}
    for pause in PAUSES[:rounds]:
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
            names = [f"{name}_{split}{suffix}" for suffix in suffixes()]
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
