"""`report`: the page that shows it all, and the learning curves for `dvc plots`."""

from __future__ import annotations

from lstmfcn.config import Params
from lstmfcn.files import write_text
from lstmfcn.pipeline.progress import say
from lstmfcn.pipeline.recipes import grid_of
from lstmfcn.runs.run import RUN_FILE, Run
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params) -> None:
    """Build the page from files alone."""
    from lstmfcn.report.page import build_report

    write_text(workspace.report, build_report(workspace.root))
    workspace.curves.mkdir(parents=True, exist_ok=True)
    grid = grid_of(params)
    for folder in (one.folder(workspace) for one in grid.all_trained()):
        if (folder / RUN_FILE).exists():
            run = Run.load(folder / RUN_FILE)
            if run.history:
                history = (folder / run.history).read_text(encoding="utf-8")
                write_text(workspace.curves / f"{run.identity.file_name}.csv", history)
    say(f"report: {workspace.report}")
