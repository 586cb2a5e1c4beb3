"""The same of each dataset that the user brought: these come first."""

from __future__ import annotations

from typing import Any

from lstmfcn.report.data import ReportData
from lstmfcn.report.sections import dataset

TITLE = "Your datasets"
ORDER = 15
TEMPLATE = "own.html.j2"


def section(data: ReportData) -> dict[str, Any] | None:
    """Return what the page shows of each dataset that is not the paper's."""
    return dataset.shown(data, data.brought)
