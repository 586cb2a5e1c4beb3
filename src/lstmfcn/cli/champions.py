"""The registered models: what serves, and what a person decides of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lstmfcn.cli.app import WorkspaceOption, app
from lstmfcn.cli.store import with_store

PANEL = "Trained models"

champions = typer.Typer()
app.add_typer(champions, name="champions", rich_help_panel=PANEL)

DatasetArgument = Annotated[str, typer.Argument(metavar="DATASET", help="As `lstmfcn champions` lists it.")]
NumberArgument = Annotated[int, typer.Argument(metavar="VERSION", help="Its number.")]
WhyOption = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for the history.")]


@champions.callback(invoke_without_command=True)
def champions_listed(
    context: typer.Context,
    workspace: WorkspaceOption = Path(),
    all_versions: Annotated[
        bool, typer.Option("--all", help="Every version, not only those in use.")
    ] = False,
) -> None:
    """List the registered models, the evidence for each, and why what serves does; or decide what serves.

    What a person decides, by these commands or by moving an alias in MLflow, stands until it is lifted: no
    stage and no `sync` changes it.
    """
    if context.invoked_subcommand is not None:
        return
    from lstmfcn import config
    from lstmfcn.evaluation.metrics import DEFAULT, metric_named
    from lstmfcn.report.registered import listed
    from lstmfcn.report.summary import EVIDENCE, ONCE, in_columns
    from lstmfcn.tracking.registry.standing import serving
    from lstmfcn.tracking.registry.versions import nothing_registered, registered

    here = with_store(workspace)
    found = registered(here)
    if not any(found.values()):
        typer.echo(nothing_registered(here))
        return
    metric = metric_named(config.load(here.params).promote.metric if here.params.exists() else DEFAULT)
    versions = [v for versions in found.values() for v in versions if v.aliases or all_versions]
    evidence, once, notes = listed(here, versions, metric)
    why = [f"{dataset}: {one}." for dataset, one in serving(here).items() if found[dataset]]
    typer.echo("\n".join([EVIDENCE, in_columns(evidence), *why, *notes]))
    if len(once) > 1:
        typer.echo(f"\n{ONCE}\n{in_columns(once)}")


@champions.command("set")
def set_(
    dataset: DatasetArgument, number: NumberArgument, why: WhyOption = "", workspace: WorkspaceOption = Path()
) -> None:
    """Put a version in charge. It stays until another is set or `lift` is called."""
    from lstmfcn.tracking.registry import steering

    typer.echo(f"{dataset}: {steering.put(with_store(workspace), dataset, number, why)}.")


@champions.command()
def rollback(dataset: DatasetArgument, why: WhyOption = "", workspace: WorkspaceOption = Path()) -> None:
    """Put the version in charge that served before. It stays, as after `set`."""
    from lstmfcn.tracking.registry import steering

    typer.echo(f"{dataset}: {steering.roll_back(with_store(workspace), dataset, why)}.")


@champions.command()
def pin(dataset: DatasetArgument, why: WhyOption = "", workspace: WorkspaceOption = Path()) -> None:
    """Keep what serves in charge, whatever the evidence for others will be."""
    from lstmfcn.tracking.registry import steering

    typer.echo(f"{dataset}: {steering.pin(with_store(workspace), dataset, why)}.")


@champions.command()
def reject(
    dataset: DatasetArgument, number: NumberArgument, why: WhyOption = "", workspace: WorkspaceOption = Path()
) -> None:
    """Keep a version, and its run, from serving. If it does, the one before it takes over."""
    from lstmfcn.tracking.registry import steering

    typer.echo(f"{dataset}: {steering.reject(with_store(workspace), dataset, number, why)}.")


@champions.command()
def lift(
    dataset: DatasetArgument,
    number: Annotated[
        int | None, typer.Argument(metavar="[VERSION]", help="One that was rejected; it may serve again.")
    ] = None,
    why: WhyOption = "",
    workspace: WorkspaceOption = Path(),
) -> None:
    """Let evidence decide again what serves."""
    from lstmfcn.tracking.registry import steering

    typer.echo(f"{dataset}: {steering.lift(with_store(workspace), dataset, number, why)}.")


@champions.command()
def history(dataset: DatasetArgument, workspace: WorkspaceOption = Path()) -> None:
    """Say what served when, and who decided so."""
    from lstmfcn.report.summary import in_columns
    from lstmfcn.tracking.registry import steering

    rows = [
        (one.when, "-" if one.version is None else str(one.version), one.what, one.who, one.why)
        for one in steering.history_of(with_store(workspace), dataset)
    ]
    typer.echo(in_columns([("WHEN", "VERSION", "WHAT", "BY", "WHY"), *rows]))


@champions.command()
def compare(
    dataset: DatasetArgument,
    first: NumberArgument,
    second: NumberArgument,
    workspace: WorkspaceOption = Path(),
) -> None:
    """Compare two versions on the training series, out of fold.

    P is how often chance alone gives such a difference, or a greater one, in this direction.
    """
    from lstmfcn.evaluation.metrics import headline_metrics, metric_named
    from lstmfcn.report.summary import in_columns
    from lstmfcn.tracking.registry import steering

    metrics = list(dict.fromkeys([*headline_metrics(), metric_named("log_loss")]))
    paired = steering.compare_versions(with_store(workspace), dataset, first, second, metrics)
    lines = [("METRIC", f"VERSION {first}", f"VERSION {second}", "BETTER", "P")]
    for metric, one in zip(metrics, paired, strict=True):
        better = "-" if one.p == 1 else str(first if one.gain > 0 else second)
        lines.append((metric.title, metric.text(one.first), metric.text(one.second), better, f"{one.p:.3f}"))
    one = paired[0]
    typer.echo(
        f"{in_columns(lines)}\n{one.n} series: version {first} alone is right for {one.only_first}, version "
        f"{second} alone for {one.only_second}."
    )
