"""Opening a store's SQLite database as it is, without MLflow."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

WAIT = 20
"""So many seconds another program may hold a SQLite store before that is an error."""


RUNS = """
SELECT run_uuid, status, lifecycle_stage FROM runs WHERE experiment_id = :experiment
AND (:tag = '' OR run_uuid IN (SELECT run_uuid FROM tags WHERE key = :tag AND value = :value))
"""

TAGS = """
SELECT run_uuid, key, tags.value FROM tags JOIN runs USING (run_uuid) WHERE experiment_id = :experiment
AND (:tag = '' OR run_uuid IN (SELECT run_uuid FROM tags WHERE key = :tag AND value = :value))
"""


@contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that is there, whatever characters are in its path, and close it again."""
    address = f"file:{quote(os.fsencode(file))}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, timeout=WAIT)) as database:
        yield database


def add_metrics(file: Path, run_id: str, metrics: Sequence[Any]) -> None:
    """Log metrics of a run as MLflow's own `log_batch` does, which takes thirty times as long for many.

    Parameters
    ----------
    file
        The database.
    run_id
        The run's id.
    metrics
        MLflow's, finite each.

    Raises
    ------
    sqlite3.Error
        If the database cannot be written, or its tables are not those that are known here.
    """
    with opened(file) as database, database:
        _insert_metrics(database, run_id, metrics)


def finish(file: Path, run_id: str, params: Sequence[Any], metrics: Sequence[Any], ended: int) -> None:
    """Log the parameters and metrics of a run and end it, as MLflow's own calls do, but in one transaction.

    Parameters
    ----------
    file, run_id, metrics
        See `add_metrics`.
    params
        MLflow's.
    ended
        When it ended, in milliseconds since the epoch.

    Raises
    ------
    sqlite3.Error
        See `add_metrics`.
    """
    values = [(param.key, param.value, run_id) for param in params]
    with opened(file) as database, database:
        database.executemany("INSERT OR IGNORE INTO params (key, value, run_uuid) VALUES (?, ?, ?)", values)
        _insert_metrics(database, run_id, metrics)
        ends = "UPDATE runs SET status = 'FINISHED', end_time = ? WHERE run_uuid = ?"
        database.execute(ends, (ended, run_id))


def _insert_metrics(database: sqlite3.Connection, run_id: str, metrics: Sequence[Any]) -> None:
    values = [(m.key, float(m.value), m.timestamp, m.step, run_id) for m in metrics]
    latest = {row[0]: row for row in sorted(values, key=lambda row: (row[3], row[2], row[1]))}
    columns = "(key, value, timestamp, step, run_uuid, is_nan) VALUES (?, ?, ?, ?, ?, 0)"
    database.executemany(f"INSERT OR IGNORE INTO metrics {columns}", values)
    database.executemany(
        f"INSERT INTO latest_metrics {columns} ON CONFLICT (key, run_uuid) DO UPDATE SET "
        "value = excluded.value, timestamp = excluded.timestamp, step = excluded.step, is_nan = 0 "
        "WHERE (excluded.step, excluded.timestamp, excluded.value) > (step, timestamp, value)",
        latest.values(),
    )


def list_runs(file: Path, experiment: str, tag: str = "", value: str = "") -> Iterator[Any]:
    """Yield the runs of an experiment, deleted ones too, with no more of MLflow's fields than the tags.

    MLflow's own search takes a millisecond or two for each, since it brings all metrics and parameters along.

    Parameters
    ----------
    file, experiment
        The database, and the experiment's id.
    tag, value
        Of which runs; all, where there is no tag.
    """
    values = {"experiment": experiment, "tag": tag, "value": value}
    tags: dict[str, dict[str, str]] = {}
    with opened(file) as database:
        for run_id, name, text in database.execute(TAGS, values):
            tags.setdefault(run_id, {})[name] = text
        runs = database.execute(RUNS, values).fetchall()
    for run_id, status, stage in runs:
        info = SimpleNamespace(run_id=run_id, status=status, lifecycle_stage=stage)
        yield SimpleNamespace(info=info, data=SimpleNamespace(tags=tags.get(run_id, {})))


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
