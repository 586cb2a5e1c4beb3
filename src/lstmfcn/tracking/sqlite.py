"""Opening a store's SQLite database as it is, without MLflow."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

WAIT = 20
"""So many seconds another program may hold a SQLite store before that is an error."""


@contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that is there, whatever characters are in its path, and close it again."""
    address = f"file:{quote(os.fsencode(file))}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, timeout=WAIT)) as database:
        yield database


def look_at(file: Path) -> None:
    """Raise SQLite's error where a database is locked or none: MLflow would try for minutes."""
    with opened(file) as database:
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()


def is_damaged(file: Path) -> bool:
    """Whether SQLite finds damage in a database; that it is locked, or may not be opened, is none."""
    try:
        with opened(file) as database:
            return bool(database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError:
        return True
