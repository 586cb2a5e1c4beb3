"""Trained models: what is registered, and what it says of new series."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lstmfcn.cli import layout
from lstmfcn.cli.app import WorkspaceOption, app, names, say
from lstmfcn.workspace import Workspace

PANEL = "Trained models"

DatasetArgument = Annotated[str, typer.Argument(metavar="DATASET", help="As `lstmfcn champions` lists it.")]
AliasOption = Annotated[str, typer.Option(help="champion, challenger or previous.")]


@app.command(rich_help_panel=PANEL)
def champions(
    workspace: WorkspaceOption = Path(),
    all_versions: Annotated[
        bool, typer.Option("--all", help="Every version, not only those in use.")
    ] = False,
) -> None:
    """List the registered models and the evidence for each."""
    from lstmfcn.report.summary import in_columns
    from lstmfcn.tracking.registry import registered

    found = registered(Workspace(workspace))
    if not any(found.values()):
        typer.echo("Nothing is registered yet: run `dvc repro`.")
        return
    lines = [("DATASET", "VERSION", "ALIASES", "MODEL", "CELLS", "PHASE", "OOF ACCURACY", "OOF LOG LOSS")]
    for dataset, versions in found.items():
        for v in versions:
            if v.aliases or all_versions:
                phase = f"fine-tuned {v.iteration}" if v.iteration else "phase 1"
                cells = "-" if v.cells == "None" else v.cells
                evidence = (f"{v.oof_accuracy:.4f}", f"{v.oof_log_loss:.4f}")
                lines.append(
                    (dataset, str(v.version), ", ".join(v.aliases), v.model, cells, phase, *evidence)
                )
    typer.echo(in_columns(lines))


@app.command(rich_help_panel=PANEL)
def pull(
    dataset: DatasetArgument,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="An empty or new folder.")],
    alias: AliasOption = "champion",
    workspace: WorkspaceOption = Path(),
) -> None:
    """Copy a registered model to a folder. It loads there with plain MLflow and TensorFlow."""
    from lstmfcn.tracking import download

    folder = download.pull(Workspace(workspace), dataset, to, alias)
    typer.echo(
        f"{folder} holds the {alias} of {dataset}. To use it, without this project:\n\n    import mlflow\n"
        f'    model = mlflow.pyfunc.load_model("{folder}")\n'
        f'    model.metadata.metadata["classes"]   # the labels, in the order of the outputs\n'
        f"    model.predict(X)                     # float64 (n_series, n_channels, length) to probabilities"
    )


@app.command(rich_help_panel=PANEL)
def predict(
    dataset: DatasetArgument,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Series, in any format that `lstmfcn add` reads; with labels or without.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="CSV", help="Where to write; otherwise beside FILE."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A folder that `lstmfcn pull` made, in place of the registry's."),
    ] = None,
    alias: AliasOption = "champion",
    label: layout.LabelOption = None,
    id_: layout.IdOption = None,
    time: layout.TimeOption = None,
    value: layout.ValueOption = None,
    channel: layout.ChannelOption = None,
    drop: layout.DropOption = None,
    classes: layout.ClassesOption = "",
    delimiter: layout.DelimiterOption = None,
    decimal: layout.DecimalOption = None,
    encoding: layout.EncodingOption = None,
    header: layout.HeaderOption = None,
    transpose: layout.TransposeOption = False,
    workspace: WorkspaceOption = Path(),
) -> None:
    """Predict the series of a file: a CSV of labels and probabilities, the accuracy if labels are there.

    The file may be of any size. The CSV is there when all is done.
    """
    from lstmfcn.tracking.prediction import predict_file

    known = layout.layout_of(
        label=label,
        id_=id_,
        time=time,
        value=value,
        channel=channel,
        drop=drop,
        classes=classes,
        delimiter=delimiter,
        decimal=decimal,
        encoding=encoding,
        header=header,
        transpose=transpose,
    )
    typer.echo(
        predict_file(
            model or dataset, file, output, alias=alias, workspace=workspace, layout=known, progress=say
        )
    )


@app.command(rich_help_panel=PANEL)
def explain(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="One of params.yaml, trained.")],
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Series to explain; otherwise the training split.")
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="A network of params.yaml; otherwise the best.")
    ] = "",
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Otherwise reports/explain/DATASET.")
    ] = None,
    workspace: WorkspaceOption = Path(),
) -> None:
    """Show what a trained network looks at: class activation maps, context vectors, attention.

    Writes a page, index.html, and explanation.npz with the arrays of every series.
    """
    from lstmfcn import config
    from lstmfcn.report.explanation_page import explain_to_folder

    here = Workspace(workspace)
    settings = config.load(here.params)
    folder = to or here.report.parent / "explain" / dataset
    models = names(model) or list(settings.models)
    typer.echo(explain_to_folder(here, dataset, folder, models=models, file=file))


@app.command(rich_help_panel=PANEL)
def serve(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET", help="As `lstmfcn champions` lists it, or a folder that `lstmfcn pull` made."
        ),
    ],
    port: Annotated[int, typer.Option(help="Where to listen.")] = 5001,
    host: Annotated[str, typer.Option(help="127.0.0.1 answers this machine alone.")] = "127.0.0.1",
    alias: AliasOption = "champion",
    workspace: WorkspaceOption = Path(),
) -> None:
    """Answer predictions over HTTP, as MLflow's scoring server does."""
    from lstmfcn.tracking.champion import load_champion

    model = load_champion(dataset, alias=alias, workspace=workspace)
    shape = " x ".join(str(n) for n in model.shape)
    classes = ", ".join(model.classes[:10]) + (", ..." if len(model.classes) > 10 else "")
    typer.echo(
        f"Serving the {alias} of {model.dataset}, which takes series of {shape} (channels x values) and "
        f"answers with the probabilities of {classes}; stop with Ctrl-C. In another shell:\n\n"
        f"    curl http://{host}:{port}/invocations -H 'Content-Type: application/json' "
        "-d '{\"inputs\": [[[0.1, 0.2, ...]]]}'\n"
    )
    model.serve(host, port)
