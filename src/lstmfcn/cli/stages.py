"""The pipeline's stages, a command each, made from the table of stages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstmfcn.cli.app import WorkspaceOption, app, say
from lstmfcn.pipeline.executors import check
from lstmfcn.pipeline.stages import run_stages
from lstmfcn.pipeline.table import STAGES, Stage
from lstmfcn.workspace import Workspace

if TYPE_CHECKING:
    from lstmfcn.config import Params

PANEL = "The pipeline's stages, in order"


@contextmanager
def stage_of(workspace: Path, name: str) -> Iterator[tuple[Workspace, Params]]:
    """Lock a study for one of its stages, and say what is kept if a person stops it."""
    from lstmfcn import config
    from lstmfcn.pipeline.lock import lock
    from lstmfcn.runs.code import kept_hashes

    here = Workspace(workspace)
    settings = config.load(here.params)
    with lock(here, f"lstmfcn {name}", say), kept_hashes(here.source_hashes):
        try:
            yield here, settings
        except KeyboardInterrupt:
            say(
                "\nStopped. Finished jobs are kept, and those under way from their last checkpoint on: run "
                "the same command again."
            )
            raise typer.Exit(130) from None


def _add(stage: Stage) -> None:
    def command(workspace: WorkspaceOption = Path()) -> None:
        if stage.jobs:
            check()  # before the study is locked
        with stage_of(workspace, stage.name) as (here, settings):
            run_stages([stage.name], here, settings)

    app.command(stage.name, help=stage.summary, rich_help_panel=PANEL)(command)


def _add_going_on(stage: Stage) -> None:
    def command(
        workspace: WorkspaceOption = Path(),
        keep_going: Annotated[
            bool,
            typer.Option("--keep-going", help="Succeed as long as one dataset is sound: the rest go on."),
        ] = False,
    ) -> None:
        with stage_of(workspace, stage.name) as (here, settings):
            import_module(stage.module).run(here, settings, keep_going=keep_going)

    app.command(stage.name, help=stage.summary, rich_help_panel=PANEL)(command)


for _stage in STAGES.values():
    (_add_going_on if "--keep-going" in _stage.options else _add)(_stage)
