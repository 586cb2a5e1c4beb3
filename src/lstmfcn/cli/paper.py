"""The paper's own study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lstmfcn.cli.app import WorkspaceOption, app, names
from lstmfcn.workspace import Workspace

PANEL = "The paper"


@app.command(rich_help_panel=PANEL)
def reproduce(
    protocol: Annotated[str, typer.Option(help="honest or paper.")] = "honest",
    least: Annotated[
        int, typer.Option(metavar="N", help="The N datasets with the least training series times length.")
    ] = 20,
    datasets: Annotated[str, typer.Option(metavar="A,B,...", help="These datasets instead.")] = "",
    models: Annotated[str, typer.Option(metavar="A,B,...")] = "fcn,lstm_fcn,alstm_fcn",
    seeds: Annotated[int, typer.Option(metavar="N", help="How many seeds, from 0.")] = 3,
    home: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to work; otherwise .lstmfcn/reproduction.")
    ] = None,
    workspace: WorkspaceOption = Path(),
) -> None:
    """Run the paper's study, as much of it as is asked for, into results/reproduction/results.csv.

    What the table holds by the same recipe is not run again, so one and the same command goes on where
    it was stopped. With LSTMFCN_UCR_DIR, only datasets of that folder are chosen by --least.
    """
    import os

    from lstmfcn import config
    from lstmfcn.study import reproduction

    here = Workspace(workspace)
    given = os.environ.get("LSTMFCN_UCR_DIR")
    chosen = names(datasets) or reproduction.cheapest(least, Path(given) if given else None)
    overrides = {
        "protocol": protocol,
        "datasets": chosen,
        "models": names(models),
        "seeds": [*range(seeds)],
        "resamples": 1,  # the paper's figures are of the archive's own splits
    }
    settings = config.load(here.params, overrides)
    reproduction.run(settings, here=here, home=home or here.reproduction_home)
