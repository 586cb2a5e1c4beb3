"""A store that is a file, and was moved, copied or mounted elsewhere: its addresses are brought with it.

MLflow writes the address of every artifact whole into its database. The artifacts of such a store lie beside
the database, so what the addresses have to be follows from where that is now.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from lstmfcn.tracking.sqlite import opened

ARTIFACTS = "artifacts"
"""The folder beside the database, and in it that of each run."""

ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)
"""The tables and columns in which MLflow keeps addresses."""


def artifacts_beside(file: Path) -> Path:
    """Return the folder of the artifacts of a store that is a file."""
    return file.resolve().parent / ARTIFACTS


def path_at(address: str | None) -> Path | None:
    """Return the path that an artifact's address names; None where it is no whole path on this machine."""
    if address is None:
        return None
    if address.startswith("file:"):
        address = os.fsdecode(unquote_to_bytes(urlsplit(address).path))
    return Path(address) if address.startswith("/") else None


def place_of(file: Path, address: str, run_id: str) -> Path | None:
    """Return where what belongs to a run lies beside a store that is a file.

    It is found there even while the address is that of another place, as in a store that is write-protected.

    Returns
    -------
    Path or None
        None where the address leads to what never lay beside the store.
    """
    path, root = path_at(address), artifacts_beside(file)
    if path is None or ".." in path.parts:
        return None
    if path.is_relative_to(root):
        return path
    own = (run_id, ARTIFACTS)
    at = next((i for i in range(len(path.parts)) if path.parts[i : i + 2] == own), None)
    moved = None if at is None else root.joinpath(*path.parts[at:])
    return moved if moved is not None and moved.exists() else None


def former_places(file: Path, experiment: str, *, is_own: bool) -> list[Path]:
    """Return the folders of artifacts that a store's addresses name, and that are another copy of its own.

    Parameters
    ----------
    file
        The database.
    experiment
        The name of the experiment whose addresses tell.
    is_own
        Whether it is the store that a study keeps in its own `mlruns`, whose artifacts never lie elsewhere.

    Raises
    ------
    sqlite3.Error
        If the database cannot be read.
    """
    with opened(file) as database:
        return _former(database, artifacts_beside(file), experiment, is_own=is_own)


def mend(file: Path, experiment: str, *, is_own: bool) -> list[Path]:
    """Make the addresses of a store those of where it is now, all or none; return where it was.

    The parameters and errors are those of `former_places`.
    """
    here = artifacts_beside(file)
    with opened(file) as database:
        if not _former(database, here, experiment, is_own=is_own):
            return []
        database.isolation_level = None
        database.execute("BEGIN IMMEDIATE")  # nobody writes between the look and the change
        former = _former(database, here, experiment, is_own=is_own)
        for before, after in (pair for old in former for pair in _renamed(old, here)):
            for table, column in _known(database):
                database.execute(
                    f"UPDATE {table} SET {column} = :after || substr({column}, length(:before) + 1) "  # noqa: S608
                    f"WHERE {column} = :before OR substr({column}, 1, length(:before) + 1) = :before || '/'",
                    {"before": before, "after": after},
                )
        database.execute("COMMIT")
    return former


def _former(database: sqlite3.Connection, here: Path, experiment: str, *, is_own: bool) -> list[Path]:
    if ("runs", "artifact_uri") not in _known(database):  # MLflow has not made its tables yet
        return []
    found = {
        root: ids.split(",") if ids else []
        for root, ids in database.execute(
            "SELECT artifact_location, '' FROM experiments WHERE name = :name UNION ALL "
            "SELECT substr(r.artifact_uri, 1, length(r.artifact_uri) - length(r.run_uuid) - 11), "
            "group_concat(r.run_uuid) FROM runs r JOIN experiments e USING (experiment_id) "
            "WHERE e.name = :name AND r.artifact_uri LIKE '%/' || r.run_uuid || '/artifacts' GROUP BY 1",
            {"name": experiment},
        )
    }
    there = {path.name for path in here.iterdir()} if here.is_dir() else set()
    places = [(old, ids) for root, ids in found.items() if (old := path_at(root)) is not None]
    return [
        old
        for old, ids in places
        if old != here
        and old.name == ARTIFACTS
        and (there.intersection(ids) or (is_own and _was_mlruns(old, here)))
    ]


def _was_mlruns(old: Path, here: Path) -> bool:
    """Whether the artifacts beside a study's own store, none of which are here, were those of its copy.

    They are gone, or another store of the name lies beside them: nothing new is to be written there.
    """
    both = old.parent.name == here.parent.name
    return both and (not old.exists() or any(old.parent.glob("mlflow.db")))


def _renamed(old: Path, here: Path) -> list[tuple[str, str]]:
    """Return each beginning of an address beside the one that takes its place."""
    if old.parent.name == here.parent.name == "mlruns":  # all of it is the store's, whatever MLflow put there
        old, here = old.parent, here.parent
    return [(old.as_uri(), here.as_uri()), (str(old), str(here))]


def _known(database: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return those of the columns that the database has: an older MLflow's has fewer."""
    return [
        (table, column)
        for table, column in ADDRESSES
        if any(row[1] == column for row in database.execute(f"PRAGMA table_info({table})"))
    ]
