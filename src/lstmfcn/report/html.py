"""Templates filled in: from values to HTML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from lstmfcn.classifiers.table import has_phases, title_of
from lstmfcn.runs.identity import PHASE_TITLES

HERE = Path(__file__).parent


def render(template: str, folder: Path = HERE, /, **values: Any) -> str:
    """Return a template of the report, or of another folder, filled in; text is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, HERE]), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"share": share, "number": number, "title": title, "difference": difference}
    environment.filters["phase"] = phase
    return environment.get_template(template).render(**values)


def share(value: float | None) -> str:
    """Return an accuracy as text, to the digits the paper prints."""
    return "–" if value is None or pd.isna(value) else f"{value:.4f}"


def number(value: float | None, digits: int = 4) -> str:
    """Return a number to so many significant digits."""
    return "–" if value is None or pd.isna(value) else f"{value:.{digits}g}"


def difference(value: float | None) -> str:
    """Return a difference of accuracies with its sign."""
    return "–" if value is None or pd.isna(value) else f"{value:+.4f}"


def title(name: str) -> str:
    """Return what people call a classifier or a phase."""
    return PHASE_TITLES.get(name) or title_of(name)


def phase(row: Mapping[str, Any]) -> str:
    """Return what people call the phase of a row with model and phase, where it has one."""
    return title(row["phase"]) if has_phases(row["model"]) else "–"
