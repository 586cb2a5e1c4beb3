"""The report's page: what each stage wrote, laid into one HTML file."""

from __future__ import annotations

from pathlib import Path

from lstmfcn.report.data import load
from lstmfcn.report.html import render
from lstmfcn.report.sections import all_sections
from lstmfcn.workspace import Workspace


def build_report(root: Path) -> str:
    """Build the page.

    Parameters
    ----------
    root
        The study. What a stage has not written yet is missing from the page, which says so.

    Returns
    -------
    str
        HTML that needs no other file and no network. Equal files give equal text.
    """
    data = load(Workspace(root))
    links: list[tuple[str, str]] = []
    parts = []
    for name, section in all_sections():
        context = section.section(data)
        if context is not None:
            links += context.get("links", [(name, section.TITLE)])
            folder = Path(str(section.__file__)).parent
            parts.append(render(section.TEMPLATE, folder, **context))
    return render("page.html.j2", data=data, links=links, parts=parts)
