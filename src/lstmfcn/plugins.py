"""What other packages bring: the entry points of a group."""

from __future__ import annotations

import functools
from importlib.metadata import EntryPoint, entry_points

GROUPS = ("lstmfcn.classifiers", "lstmfcn.metrics", "lstmfcn.readers")


@functools.cache
def points(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group by their names; to look for them takes as long as an import."""
    return tuple(sorted(entry_points(group=group), key=lambda point: point.name))
