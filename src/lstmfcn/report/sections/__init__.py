"""The sections of the report: a module and a template each, found by themselves.

A module here is a section. It has

- `TITLE`, what stands in the navigation;
- `ORDER`, a number: the lowest comes first;
- `TEMPLATE`, the template beside it, `<module>.html.j2`, which holds `<section id="<module>">`;
- `section(data)`, which takes a `lstmfcn.report.data.ReportData` and returns what the template shows, by
  name, or None where there is nothing to show. `links` among it, pairs of an identifier and a title,
  stand in the navigation in place of the section's own.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def all_sections() -> list[tuple[str, ModuleType]]:
    """Return the sections by the names of their modules, in their order on the page."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    found = [(name, importlib.import_module(f"{__name__}.{name}")) for name in names]
    return sorted(found, key=lambda pair: (pair[1].ORDER, pair[0]))
