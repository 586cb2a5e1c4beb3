"""The application, and what its commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="LSTM-FCN and ALSTM-FCN time series classifiers as a tracked, validated, reproducible pipeline.",
    epilog="The pipeline as a whole: `dvc repro` in a study, or `make repro` in a clone of the project.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", metavar="DIR", help="The study to work in: holds params.yaml.")
]


def say(message: str) -> None:
    """Tell whoever runs the command, beside its output."""
    typer.echo(message, err=True)


def names(text: str) -> list[str]:
    """Return the names of a list that commas separate."""
    return [name.strip() for name in text.split(",") if name.strip()]
