"""The run that a row of a table is about: one of `results.csv`, or an entry of `promotions.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lstmfcn.errors import DataError
from lstmfcn.runs.identity import Identity, identity_of


def run_of(row: Mapping[str, Any]) -> Identity:
    """Return the trained run that a row is about; one that names no resample is about the own split.

    Raises
    ------
    DataError
        If it is about none.
    """
    one, resample = identity_of(row), row.get("resample", 0)
    try:
        return replace(one, resample=int(resample))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"A row of results is about no resample ({error}). Make them anew: `dvc repro --force "
            "--single-item evaluate`, then `dvc repro`."
        ) from error
