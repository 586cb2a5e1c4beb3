"""Trained models: what they say of new series."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lstmfcn.cli.app import WorkspaceOption, app, names, say
from lstmfcn.cli.champions import PANEL, DatasetArgument
from lstmfcn.cli.layout import with_layout
from lstmfcn.cli.store import with_store
from lstmfcn.data.layout import Layout
from lstmfcn.workspace import Workspace

VerifyKeyOption = Annotated[
    Path | None,
    typer.Option(
        metavar="PEM",
        envvar="LSTMFCN_VERIFY_KEY",
        help="A public ed25519 key: only a folder that is signed with its private one is loaded.",
    ),
]
FileArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="Series, in any format that `lstmfcn add` reads; with labels or without."
    ),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A folder that `lstmfcn pull` made, in place of the registry's."),
]
AliasOption = Annotated[str, typer.Option(help="champion, challenger or previous.")]
VersionOption = Annotated[
    int | None, typer.Option(metavar="NUMBER", help="Of the registry, in place of an alias.")
]


@app.command(rich_help_panel=PANEL)
def pull(
    dataset: DatasetArgument,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="An empty or new folder.")],
    alias: AliasOption = "champion",
    version: VersionOption = None,
    sign_key: Annotated[
        Path | None,
        typer.Option(
            metavar="PEM",
            envvar="LSTMFCN_SIGNING_KEY",
            help="A private key to sign the folder with: `openssl genpkey -algorithm ed25519` makes one.",
        ),
    ] = None,
    workspace: WorkspaceOption = Path(),
) -> None:
    """Copy a registered model to a folder. It loads there with plain MLflow and TensorFlow."""
    from lstmfcn.tracking.registry import download
    from lstmfcn.tracking.registry.versions import called

    folder = download.pull(with_store(workspace), dataset, to, version or alias, sign_key=sign_key)
    typer.echo(
        f"{folder} holds {called(version or alias)} of {dataset}. To use it, without this project:\n\n"
        f"    import mlflow\n"
        f'    model = mlflow.pyfunc.load_model("{folder}")\n'
        f'    model.metadata.metadata["classes"]   # the labels, in the order of the outputs\n'
        f"    model.predict(X)                     # float64 (n_series, n_channels, length) to probabilities"
    )


@app.command(rich_help_panel=PANEL)
@with_layout
def predict(
    dataset: DatasetArgument,
    file: FileArgument,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="CSV", help="Where to write; otherwise beside FILE."),
    ] = None,
    model: ModelOption = None,
    alias: AliasOption = "champion",
    version: VersionOption = None,
    verify_key: VerifyKeyOption = None,
    workspace: WorkspaceOption = Path(),
    *,
    known: Layout,
) -> None:
    """Predict the series of a file: a CSV of labels and probabilities, and all metrics if labels are there.

    The file may be of any size. The CSV is there when all is done. Its column `unlike` is 1 for series that
    look unlike the training series: `lstmfcn drift` says why.
    """
    from lstmfcn.tracking.prediction import predict_file

    if model is None:
        with_store(workspace)
    typer.echo(
        predict_file(
            model or dataset,
            file,
            output,
            alias=alias,
            version=version,
            workspace=workspace,
            verify_key=verify_key,
            layout=known,
            progress=say,
        )
    )


@app.command(rich_help_panel=PANEL)
@with_layout
def drift(
    dataset: DatasetArgument,
    file: FileArgument,
    level: Annotated[
        float,
        typer.Option(min=0, max=0.5, help="The share of series that is marked where all are like the rest."),
    ] = 0.05,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="CSV", help="Where to write a row for each series, too."),
    ] = None,
    model: ModelOption = None,
    alias: AliasOption = "champion",
    version: VersionOption = None,
    verify_key: VerifyKeyOption = None,
    workspace: WorkspaceOption = Path(),
    *,
    known: Layout,
) -> None:
    """Say which series of a file look unlike the training series of a model, and how the file has changed.

    Level, spread and roughness of each channel are looked at, and the shape of the prepared series. No labels
    are needed, and nothing but the model. docs/drift.md says what this can see and what it cannot.
    """
    from lstmfcn.tracking.drift import drift_file

    if model is None:
        with_store(workspace)
    typer.echo(
        drift_file(
            model or dataset,
            file,
            output,
            level=level,
            alias=alias,
            version=version,
            workspace=workspace,
            verify_key=verify_key,
            layout=known,
        )
    )


@app.command(rich_help_panel=PANEL)
@with_layout
def explain(
    dataset: DatasetArgument,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="Series, in any format that `lstmfcn add` reads; otherwise the training split of the study.",
        ),
    ] = None,
    series: Annotated[
        str,
        typer.Option(metavar="ROWS", help="The rows of FILE to draw, such as 3,17; otherwise typical ones."),
    ] = "",
    model: ModelOption = None,
    alias: AliasOption = "champion",
    version: VersionOption = None,
    verify_key: VerifyKeyOption = None,
    network: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="The best trained run of these networks of params.yaml, registered or not, in place of the "
            "registry's model.",
        ),
    ] = "",
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Otherwise reports/explain/DATASET.")
    ] = None,
    workspace: WorkspaceOption = Path(),
    *,
    known: Layout,
) -> None:
    """Show what a model looks at: class activation maps over every channel, context vectors, attention.

    Writes a page, index.html, and explanation.npz with the arrays of every series. Examples:

    - `lstmfcn explain GunPoint` - the champion, on the series it was trained on

    - `lstmfcn explain GunPoint my.csv --series 3,17` - on a file, of which two rows are drawn

    - `lstmfcn explain GunPoint my.csv --model gunpoint` - a folder that `lstmfcn pull` made

    - `lstmfcn explain GunPoint --network fcn` - the best FCN that was trained here
    """
    from lstmfcn.report.explanation_page import explain_file, explain_training_split, trained
    from lstmfcn.tracking.explained import registered_subject

    here = Workspace(workspace)
    rows = _rows(series)
    if file is None and (rows or model):
        raise typer.BadParameter(
            "names rows of FILE" if rows else "needs a FILE", param_hint="--series" if rows else "--model"
        )
    if network:
        from lstmfcn import config

        metric = config.load(here.params).promote.metric
        subject = trained(here, dataset, names(network), metric=metric)
    else:
        if model is None:
            with_store(workspace)
        subject = registered_subject(
            model or dataset, alias=alias, version=version, workspace=workspace, verify_key=verify_key
        )
    target = to or here.report.parent / "explain" / dataset
    if file is None:
        typer.echo(explain_training_split(subject, here, dataset, target))
    else:
        typer.echo(explain_file(subject, file, target, rows=rows, layout=known))


def _rows(text: str) -> list[int]:
    try:
        return list(dict.fromkeys(int(row) for row in names(text)))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no list of rows", param_hint="--series") from None


@app.command(rich_help_panel=PANEL)
def serve(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET", help="As `lstmfcn champions` lists it, or a folder that `lstmfcn pull` made."
        ),
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes a free one.")] = 5001,
    host: Annotated[
        str, typer.Option(help="127.0.0.1 answers this machine alone, 0.0.0.0 whoever reaches it.")
    ] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Another name under which clients ask, without a port; may be given several times.",
        ),
    ] = None,
    max_body: Annotated[int, typer.Option(min=1, max=1024, help="MiB of a request, at most.")] = 32,
    alias: AliasOption = "champion",
    version: VersionOption = None,
    verify_key: VerifyKeyOption = None,
    workspace: WorkspaceOption = Path(),
) -> None:
    """Answer predictions over HTTP, and show a page to try the model with.

    `POST /invocations` takes JSON: `{"inputs": [[0.1, ...], ...]}`, a list for each series (of several
    channels a list of lists), or the other forms of MLflow's scoring protocol (`instances`,
    `dataframe_split`, `dataframe_records`). Or it takes CSV (`Content-Type: text/csv`), a line a series, as
    `lstmfcn predict` reads it.

    It answers `{"predictions": [{"label": ..., "probabilities": {...}}, ...]}`, or 400 and why not: a series
    that misses a value, is infinite or of another shape is named, counted from 0. Where the model was
    trained with a policy for them, lists of other lengths and missing values (null, an empty field) are
    answered, too.

    `GET /` is the page. `/model` says classes and shape, `/example` is a request to begin with,
    `/openapi.json` describes all. `/ping`, `/health` and `/version` are for those who watch.

    Nobody is asked for a password. What asks under another name than localhost, 127.0.0.1, [::1], HOST or an
    allowed NAME, or from a page of another site, is refused. SIGTERM or Ctrl-C ends it within five seconds.
    """
    from lstmfcn.serving.guard import name_of
    from lstmfcn.serving.limits import MEGA, Limits
    from lstmfcn.serving.server import Server, greeting, listen, serve
    from lstmfcn.tracking.champion import load_champion

    is_folder = Path(dataset, "MLmodel").is_file()
    if not is_folder:
        with_store(workspace)
    hosts = [name_of(name) for name in (host, *(allow_host or ()))]
    listener = listen(host, port)
    model = load_champion(dataset, alias=alias, version=version, workspace=workspace, verify_key=verify_key)
    registered = None if is_folder or version else alias
    server = Server(model, alias=registered, hosts=hosts, limits=Limits(body=max_body * MEGA))
    typer.echo(greeting(model, registered, listener, host))
    serve(server, listener)
