"""`report`: the page that shows it all, and what `dvc plots` draws."""

from __future__ import annotations

from lstmfcn.config import Params
from lstmfcn.files import write_text
from lstmfcn.pipeline.progress import say
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params) -> None:
    """Build the page, and the files of `dvc plots`, from files alone."""
    from lstmfcn.report import plots
    from lstmfcn.report.data import load
    from lstmfcn.report.page import build_report

    write_text(workspace.report, build_report(workspace.root))
    for name, text in plots.tables(load(workspace), params.datasets):
        write_text(workspace.plots / name, text)
    write_text(workspace.plots_page, plots.page())
    say(f"report: {workspace.report}")
