"""One's own data as a study keeps it: two splits, where each series came from, and what was said of it."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lstmfcn.data.catalogue import SPLITS
from lstmfcn.data.collection import SOURCE_FILE, origins_of
from lstmfcn.data.readers import write_series
from lstmfcn.data.series import LabelledSeries
from lstmfcn.files import write_json, write_text


def lay_down(folder: Path, train: LabelledSeries, test: LabelledSeries, about: Mapping[str, Any]) -> Path:
    """Write a dataset into a folder of its name, which appears whole or not at all.

    Beside each split stands a table with a row a series: its file, its row there, and its name and group
    where it has them. `source.json` holds `about`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        staging = Path(scratch, "whole")
        staging.mkdir()
        for split, series in zip(SPLITS, (train, test), strict=True):
            stem = f"{folder.name}_{split}"
            write_series(staging, stem, series)
            write_text(origins_of(staging, stem), _origins(series))
        write_json(staging / SOURCE_FILE, about)
        if folder.exists():
            folder.rename(Path(scratch, "before"))
        staging.chmod(0o755)
        staging.rename(folder)
        shutil.rmtree(Path(scratch, "before"), ignore_errors=True)
    return folder


def _origins(series: LabelledSeries) -> str:
    columns: dict[str, list[Any]] = {
        "series": list(range(1, len(series.X) + 1)),
        "source": [series.path.name] * len(series.X),
        "row": series.rows.tolist(),
    }
    if series.ids is not None:
        columns["id"] = series.ids.tolist()
    if series.groups is not None:
        columns["group"] = series.groups.tolist()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()
