"""The care of a study."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from lstmfcn.cli.app import WorkspaceOption, app, say
from lstmfcn.cli.store import fill_store, with_store
from lstmfcn.errors import LstmfcnError, TrackingError
from lstmfcn.wording import counted
from lstmfcn.workspace import Workspace

PANEL = "Care"


@app.command(rich_help_panel=PANEL)
def sync(
    workspace: WorkspaceOption = Path(),
    restore: Annotated[
        bool,
        typer.Option(
            "--restore", help="Bring back the study's runs and models that were deleted in MLflow, too."
        ),
    ] = False,
) -> None:
    """Bring MLflow up to date with the runs of this study, any number of times.

    It works in a study that was moved or copied, too: what MLflow notes of where files lie is mended first.
    """
    from lstmfcn.pipeline.lock import lock

    here = Workspace(workspace)
    with lock(here, "lstmfcn sync", say):
        fill_store(here, typer.echo, restore=restore)


@app.command(rich_help_panel=PANEL)
def ui(
    workspace: WorkspaceOption = Path(),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where MLflow listens.")] = 5000,
) -> None:
    """Look at the runs in MLflow: print links to views that answer, and start its server.

    Where `MLFLOW_TRACKING_URI` names a server, the links lead there, and none is started.
    """
    from lstmfcn.tracking import server
    from lstmfcn.tracking.cockpit.furnishing import experiment_of, furnish, links

    here = with_store(workspace)
    experiment = experiment_of(here)
    if experiment is None:
        raise LstmfcnError("There are no runs to look at yet: run `dvc repro`, or `lstmfcn sync`.")
    try:
        furnish(here)
    except TrackingError as error:  # who may only read has the links all the same
        say(str(error))
    address = server.address(here, port)
    for title, link in links(here, address, experiment.experiment_id):
        typer.echo(f"{title}\n  {link}")
    if server.is_ours(here):
        server.check_port(port)
        typer.echo(f"\nMLflow listens on {address} until Ctrl-C.")
        raise typer.Exit(server.run(here, port))


@app.command(rich_help_panel=PANEL)
def status(workspace: WorkspaceOption = Path()) -> None:
    """Say what the stage at work is at: its queue, its rate, the epochs under way, the time that is left."""
    from lstmfcn.pipeline.status import status as told

    typer.echo("\n".join(told(Workspace(workspace))))


@app.command(rich_help_panel=PANEL)
def summary(
    workspace: WorkspaceOption = Path(),
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Every metric of what serves, with 95 % intervals.")
    ] = False,
) -> None:
    """Say what the pipeline gave; fails if a dataset was left out or its source is gone."""
    from lstmfcn import config
    from lstmfcn.report.summary import EVIDENCE, ONCE, OVER, OVER_ONCE, in_columns, measured, summarise
    from lstmfcn.tracking import store
    from lstmfcn.tracking.registry.standing import serving

    here = Workspace(workspace)
    params = config.load(here.params)
    try:
        standing = serving(here)
        versions = {dataset: one.version for dataset, one in standing.items() if one.version}
        why = [f"{dataset}: {standing[dataset]}." for dataset in params.datasets if dataset in standing]
    except LstmfcnError as error:  # MLflow is not installed, or its store does not answer
        versions, why = None, [f"What serves is not known: {error}"]
    found = summarise(here, params, versions)
    typer.echo("\n".join([EVIDENCE, in_columns(found.evidence), *found.notes, *why]))
    if found.over[1:]:
        typer.echo(f"\n{OVER}\n{in_columns(found.over)}")
    typer.echo(f"\n{ONCE}\n{in_columns(found.once)}")
    if found.over_once[1:]:
        typer.echo(f"\n{OVER_ONCE}\n{in_columns(found.over_once)}")
    if metrics:
        typer.echo("\n" + in_columns(measured(here, params, versions)))
    typer.echo(f"\nThe report: {here.report}   The runs: {store.how_to_look(here)}")
    if found.left_out:
        lines = "\n".join(f"  - {line}" for line in found.left_out)
        raise LstmfcnError(f"Left out, or a copy whose source is gone:\n{lines}")


@app.command(rich_help_panel=PANEL)
def results(
    to: Annotated[Path, typer.Option(metavar="DIR", help="Where to write them.")],
    workspace: WorkspaceOption = Path(),
) -> None:
    """Write the test predictions of each resample as tsml-eval and aeon read them (docs/resamples.md)."""
    from lstmfcn import config
    from lstmfcn.report.results_files import write_results_files

    here = Workspace(workspace)
    written = write_results_files(here, config.load(here.params), to)
    typer.echo(f"Written in {to}: {counted(len(written), 'file')}.")


@app.command(rich_help_panel=PANEL)
def doctor(
    workspace: WorkspaceOption = Path(),
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare weights and all outputs with their known hashes, too.")
    ] = False,
) -> None:
    """Check this study and its surroundings, mend what can be mended, and say what cannot."""
    from lstmfcn.pipeline.doctor import examine
    from lstmfcn.pipeline.verify import verify as compared

    here = Workspace(workspace)
    _mend_store(here)
    worst = True
    for fine, message in chain(examine(here), compared(here, say) if verify else ()):
        typer.echo(f"{'ok  ' if fine else 'BAD '} {message}")
        worst = worst and fine
    if not worst:
        raise typer.Exit(1)


def _mend_store(here: Workspace) -> None:
    """Put a damaged store of the study's own aside, and make it anew."""
    from lstmfcn.pipeline.lock import lock
    from lstmfcn.tracking.rebuild import is_damaged, put_aside

    if not is_damaged(here):
        return
    with lock(here, "lstmfcn doctor", say):
        aside = put_aside(here)
        typer.echo(f"ok   the tracking store was damaged: it is {aside} now, and is made anew")
        fill_store(here, typer.echo)


@app.command(rich_help_panel=PANEL)
def licences() -> None:
    """List the licence of every package that this one depends on, and which ask something of a product."""
    from lstmfcn.licences import licences as found
    from lstmfcn.report.summary import in_columns

    listed = found()
    typer.echo(in_columns([("PACKAGE", "VERSION", "PART", "LICENCE")] + [row.cells for row in listed]))
    asking = [row.name for row in listed if row.is_reciprocal]
    typer.echo(f"\nThese ask something of whoever passes them on (SECURITY.md): {', '.join(asking)}.")
