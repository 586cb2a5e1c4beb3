"""`report`: the page that shows it all, and the learning curves for `dvc plots`."""

from __future__ import annotations

from lstmfcn.config import Params
from lstmfcn.files import write_bytes, write_text
from lstmfcn.pipeline.progress import say
from lstmfcn.pipeline.recipes import grid_of
from lstmfcn.runs.outputs import load_run, read_output
from lstmfcn.runs.run import RUN_FILE
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params) -> None:
    """Build the page from files alone."""
    from lstmfcn.report.page import build_report

    write_text(workspace.report, build_report(workspace.root))
    workspace.curves.mkdir(parents=True, exist_ok=True)
    grid = grid_of(params)
    for one in grid.all_trained():
        if (one.folder(workspace) / RUN_FILE).exists():
            run = load_run(workspace, one)
            if run.history:
                history = read_output(workspace, run, run.history)
                write_bytes(workspace.curves / f"{one.file_name}.csv", history)
    say(f"report: {workspace.report}")
