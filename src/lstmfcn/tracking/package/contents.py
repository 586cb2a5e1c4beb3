"""The files of a package: which there are, their checksum, and the manifest of a pulled folder."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

from lstmfcn.errors import LstmfcnError
from lstmfcn.files import hash_file, hash_of, write_json

DESCRIPTION = "MLmodel"

SAVED_MODEL = "tf2model"
"""The folder of the graph and its weights in a package."""

GRAPH = f"{SAVED_MODEL}/saved_model.pb"

DATA = f"{SAVED_MODEL}/variables/variables.data-00000-of-00001"
"""The weights."""

EXAMPLES = ("input_example.json", "serving_input_example.json")

REFERENCE = "lstmfcn-reference.npz"
"""What the training split looks like; see `lstmfcn.data.reference`. Packages of before have none, nor have
those of estimators, whose training series nobody keeps."""

KILO, MEGA = 2**10, 2**20

FILES: Mapping[str, int | None] = {
    DESCRIPTION: 4 * MEGA,  # a label for each of 10,000 classes
    "conda.yaml": 4 * KILO,
    "python_env.yaml": 4 * KILO,
    "requirements.txt": 4 * KILO,
    **dict.fromkeys(EXAMPLES),  # as large as the series are
    GRAPH: 64 * MEGA,  # one MiniRocket has 2, and an ensemble may have one for each seed
    f"{SAVED_MODEL}/fingerprint.pb": 4 * KILO,
    f"{SAVED_MODEL}/variables/variables.index": MEGA,
    DATA: None,
    REFERENCE: 64 * MEGA,  # 4 million values of components, 1000 series of statistics
}
"""The files of a package, all of them, and how many bytes each may have."""

FOLDERS = {SAVED_MODEL, f"{SAVED_MODEL}/variables", f"{SAVED_MODEL}/assets"}
"""Its folders; that of the assets is empty, and missing where a store keeps files alone."""

OF_THE_DOWNLOAD = "registered_model_meta"
"""What MLflow adds at the top of a folder that it downloads; `pull` takes it out again."""

MANIFEST = "lstmfcn-manifest.json"
"""What `pull` adds at the top."""

SIGNATURE = "lstmfcn-manifest.sig"
"""What `pull` adds where it is given a key: see `lstmfcn.tracking.package.signature`."""

BESIDE = {OF_THE_DOWNLOAD: KILO, MANIFEST: 64 * KILO, SIGNATURE: KILO}
"""What may lie at the top of a package without being of it, and how many bytes each may have."""

_VERSION = "[0-9][0-9A-Za-z.+_-]*"
_PINS = ["mlflow", "tensorflow", "numpy"]

# By these files `mlflow models serve` installs what it is told to, from where it is told to.
_TEXTS = {
    "requirements.txt": "\n".join(f"{name}=={_VERSION}" for name in _PINS),
    "conda.yaml": (
        f"channels:\n- conda-forge\ndependencies:\n- python={_VERSION}\n- pip(<={_VERSION})?\n- pip:\n"
        + "".join(f"  - {name}=={_VERSION}\n" for name in _PINS)
        + "name: mlflow-env\n"
    ),
    "python_env.yaml": (
        f"python: {_VERSION}\nbuild_dependencies:\n"
        + "".join(f"- {name}(=={_VERSION})?\n" for name in ("pip", "setuptools", "wheel"))
        + "dependencies:\n- -r requirements\\.txt\n"
    ),
    OF_THE_DOWNLOAD: r"model_name: lstmfcn\.[A-Za-z0-9_-]+\nmodel_version: '[0-9]+'\n",
}


class UntrustedModelError(LstmfcnError):
    """A model is not what was registered, or does more than compute."""


def checksum(folder: Path) -> str:
    """Return a SHA-256, in hex, of the names and contents of a model's files.

    Everything counts but what MLflow and `pull` add at the top; what is no plain file counts by its name.
    """
    return _hash(_hashes(folder))


def check_contents(folder: Path) -> None:
    """Refuse a folder that is not just the files of a package.

    Raises
    ------
    UntrustedModelError
        Naming the first file that is too much, missing, a link or other than `export` writes it.
    """
    found = set()
    for entry in _entries(folder):
        name = _name(folder, entry)
        if entry.is_symlink():
            raise _refused(folder, name, "is a link, and a package holds its files itself")
        if entry.is_dir(follow_symlinks=False):
            if name not in FOLDERS:
                raise _refused(folder, name, "is no folder of a package")
            continue
        known = {**FILES, **BESIDE}
        if name not in known:
            raise _refused(folder, name, "is no file of a package")
        if not entry.is_file(follow_symlinks=False):
            raise _refused(folder, name, "is no plain file")
        limit, size = known[name], entry.stat(follow_symlinks=False).st_size
        if limit is not None and size > limit:
            raise _refused(folder, name, f"has {size:,} bytes, and {limit:,} is the most")
        found.add(name)
    if missing := sorted(FILES.keys() - {REFERENCE} - found):
        raise _refused(folder, missing[0], "is missing")
    for name in sorted(_TEXTS.keys() & found):
        if not re.fullmatch(_TEXTS[name].encode(), (folder / name).read_bytes()):
            raise _refused(folder, name, "is not as lstmfcn writes it")


def write_manifest(folder: Path) -> None:
    """Write the hash of each file of a package beside them, so that it can be checked without the store."""
    hashes = _hashes(folder)
    write_json(folder / MANIFEST, {"sha256": _hash(hashes), "files": hashes})


def check_manifest(folder: Path) -> None:
    """Compare the files of a package with its manifest, where it has one.

    Raises
    ------
    UntrustedModelError
        Naming the first file that was changed, or if the manifest is damaged.
    """
    if not (folder / MANIFEST).is_file():
        return
    hashes = _hashes(folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        files = dict(manifest["files"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refused(folder, MANIFEST, "is damaged") from error
    if changed := sorted(n for n in files.keys() | hashes.keys() if files.get(n) != hashes.get(n)):
        raise _refused(folder, changed[0], f"is not what was pulled: {MANIFEST} has another SHA-256 for it")
    if manifest != {"sha256": _hash(hashes), "files": hashes}:
        raise _refused(folder, MANIFEST, "is damaged")


def _hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a package by its name, in the order of the names."""
    found = {}
    for entry in _entries(folder):
        name = _name(folder, entry)
        if name in BESIDE and entry.is_file(follow_symlinks=False):
            continue
        if entry.is_file(follow_symlinks=False):
            found[name] = hash_file(Path(entry.path))
        elif not entry.is_dir(follow_symlinks=False):  # to read a pipe would wait for ever
            found[name] = "no plain file"
    return dict(sorted(found.items(), key=lambda item: PurePath(item[0]).parts))


def _hash(hashes: Mapping[str, str]) -> str:
    return hash_of([[name, sha256] for name, sha256 in hashes.items()])


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield all that lies in a folder and its folders; links are not followed."""
    waiting = [os.fspath(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def _name(folder: Path, entry: os.DirEntry[str]) -> str:
    return Path(entry.path).relative_to(folder).as_posix()


def _refused(folder: Path, name: str, what: str) -> UntrustedModelError:
    shown = name if name.isprintable() else repr(name)
    return UntrustedModelError(
        f"{folder}/{shown} {what}. Nothing of the model was loaded; take what is not of it out, or "
        "`lstmfcn pull` it again."
    )
