"""`report`: the page that shows it all, and the learning curves for `dvc plots`."""

from __future__ import annotations

from lstmfcn.config import Params
from lstmfcn.files import write_text
from lstmfcn.pipeline.jobs import say
from lstmfcn.runs.run import find_runs
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params) -> None:
    """Build the page from files alone."""
    from lstmfcn.report.page import build_report

    write_text(workspace.report, build_report(workspace.root))
    workspace.curves.mkdir(parents=True, exist_ok=True)
    for folder, run in find_runs(workspace.phase1, workspace.finetuned):
        if run.dataset in params.datasets and run.history:
            history = (folder / run.history).read_text(encoding="utf-8")
            write_text(workspace.curves / f"{run.name.replace(', ', '-').replace(' ', '-')}.csv", history)
    say(f"report: {workspace.report}")
