"""The commands to use what is here."""

from __future__ import annotations

from typing import Any

from lstmfcn.report.data import ReportData

TITLE = "How to use it"
ORDER = 90
TEMPLATE = "use.html.j2"


def section(_data: ReportData) -> dict[str, Any]:
    """Return nothing to fill in."""
    return {}
