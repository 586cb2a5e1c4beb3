"""Studies: the folders in which a pipeline runs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from lstmfcn.cli.app import app, names

PANEL = "Begin"


@app.command(rich_help_panel=PANEL)
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder, or an older study.")],
    datasets: Annotated[
        str, typer.Option(metavar="A,B,...", help="What params.yaml lists; otherwise three small ones.")
    ] = "",
) -> None:
    """Make a study: params.yaml, dvc.yaml and what else a pipeline needs, under git and DVC.

    In the folder of a study, dvc.yaml is brought up to date with this version, and nothing else is changed.
    """
    from lstmfcn.study.new import make

    written = make(folder, tuple(names(datasets)))
    typer.echo(f"Written in {folder}: {', '.join(written)}." if written else f"{folder} is up to date.")
    typer.echo(f"Next: cd {shlex.quote(str(folder))} && dvc repro")
