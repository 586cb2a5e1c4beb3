"""What a dataset may be called: files and registered models are called after it."""

from __future__ import annotations

import re

from lstmfcn.errors import DataError

PATTERN = "[A-Za-z0-9][A-Za-z0-9_-]*"


def checked_name(name: str) -> str:
    """Return the name of a dataset.

    Raises
    ------
    DataError
        If it is none.
    """
    if not re.fullmatch(PATTERN, name):
        raise DataError(f"{name!r} is no name for a dataset: letters, digits, - and _ are.")
    return name
