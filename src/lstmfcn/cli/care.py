"""The care of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lstmfcn.cli.app import WorkspaceOption, app, say
from lstmfcn.errors import LstmfcnError
from lstmfcn.workspace import Workspace

PANEL = "Care"


@app.command(rich_help_panel=PANEL)
def sync(workspace: WorkspaceOption = Path()) -> None:
    """Bring MLflow up to date with the runs of this study, any number of times."""
    from lstmfcn import config
    from lstmfcn.pipeline.lock import lock
    from lstmfcn.pipeline.stages.promote import register
    from lstmfcn.tracking import mlflow, store

    here = Workspace(workspace)
    with lock(here, "lstmfcn sync", say):
        count = mlflow.sync(here, typer.echo)
        typer.echo(f"{count} runs were missing in {store.shown(store.tracking_uri(here))}.")
        if here.promotions.exists():
            register(here, config.load(here.params))


@app.command(rich_help_panel=PANEL)
def summary(
    workspace: WorkspaceOption = Path(),
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Every metric of the champions, with 95 % intervals.")
    ] = False,
) -> None:
    """Say what the pipeline gave; fails if a dataset was left out."""
    from lstmfcn import config
    from lstmfcn.report.summary import in_columns, measured, summarise
    from lstmfcn.tracking import store

    here = Workspace(workspace)
    lines, no_better, left_out = summarise(here, config.load(here.params))
    typer.echo("\n".join([in_columns(lines), *no_better]))
    if metrics:
        typer.echo("\n" + in_columns(measured(here)))
    typer.echo(f"\nThe report: {here.report}   The runs: {store.how_to_look(here)}")
    if left_out:
        raise LstmfcnError("Left out by the validation:\n" + "\n".join(f"  - {line}" for line in left_out))


@app.command(rich_help_panel=PANEL)
def doctor(workspace: WorkspaceOption = Path()) -> None:
    """Check this study and its surroundings, mend what can be mended, and say what cannot."""
    from lstmfcn.pipeline.doctor import examine

    here = Workspace(workspace)
    worst = True
    for fine, message in examine(here):
        typer.echo(f"{'ok  ' if fine else 'BAD '} {message}")
        worst = worst and fine
    if not worst:
        raise typer.Exit(1)
