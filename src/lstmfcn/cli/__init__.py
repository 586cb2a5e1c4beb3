"""The command line. Each command imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstmfcn import environment
from lstmfcn.errors import LstmfcnError
from lstmfcn.workspace import Workspace

if TYPE_CHECKING:
    from lstmfcn.config import Params

app = typer.Typer(
    help="LSTM-FCN and ALSTM-FCN time series classifiers as a tracked, validated, reproducible pipeline.",
    epilog="The pipeline as a whole: `make repro`, or `dvc repro` in an activated environment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

PIPELINE, MODELS, CARE = "The pipeline's stages, in order", "Trained models", "Care"
PAPER = "The paper"

STAGES = {
    "fetch": "Put each dataset of params.yaml under data/raw/.",
    "validate": "Check the fetched data with Great Expectations.",
    "prepare": "Encode labels, normalise series, write the two splits.",
    "search": "Find the number of LSTM cells by cross-validation on the training split.",
    "train": "Phase 1 of each dataset, model and seed.",
    "finetune": "Algorithm 1: fine-tune in iterations.",
    "evaluate": "Open the test split, once, and write results/.",
    "compare": "Ranks, Wilcoxon tests, and the paper's Table I beside ours.",
    "promote": "Register the best run of each dataset on out-of-fold evidence.",
    "report": "Write reports/index.html.",
}

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", metavar="DIR", help="The clone to work in: holds params.yaml.")
]
DatasetArgument = Annotated[str, typer.Argument(metavar="DATASET", help="As `lstmfcn champions` lists it.")]
AliasOption = Annotated[str, typer.Option(help="champion, challenger or previous.")]


@contextmanager
def _stage_of(workspace: Path, name: str) -> Iterator[tuple[Workspace, Params]]:
    """Hold a clone for one of its stages, and say what is kept if a person stops it."""
    from lstmfcn import config
    from lstmfcn.pipeline.lock import hold

    here = Workspace(workspace)
    settings = config.load(here.params)
    with hold(here, f"lstmfcn {name}", lambda text: typer.echo(text, err=True)):
        try:
            yield here, settings
        except KeyboardInterrupt:
            typer.echo(
                "\nStopped. Finished jobs are kept, and those under way from their last checkpoint on: "
                "run the same command again.",
                err=True,
            )
            raise typer.Exit(130) from None


def _add_stage(name: str, text: str) -> None:
    def command(workspace: WorkspaceOption = Path()) -> None:
        with _stage_of(workspace, name) as (here, settings):
            importlib.import_module(f"lstmfcn.pipeline.stages.{name}").run(here, settings)

    app.command(name, help=text, rich_help_panel=PIPELINE)(command)


for _stage, _text in STAGES.items():
    if _stage == "validate":

        @app.command("validate", help=_text, rich_help_panel=PIPELINE)
        def validate(
            workspace: WorkspaceOption = Path(),
            keep_going: Annotated[
                bool,
                typer.Option("--keep-going", help="Succeed as long as one dataset is sound: the rest go on."),
            ] = False,
        ) -> None:
            """Check the fetched data."""
            from lstmfcn.pipeline.stages import validate as stage

            with _stage_of(workspace, "validate") as (here, settings):
                stage.run(here, settings, keep_going=keep_going)
    else:
        _add_stage(_stage, _text)


@app.command(rich_help_panel=MODELS)
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
        typer.echo("Nothing is registered yet: run `make repro`.")
        return
    lines = [("DATASET", "VERSION", "ALIASES", "MODEL", "CELLS", "PHASE", "OOF ACCURACY", "OOF LOSS")]
    for dataset, versions in found.items():
        for v in versions:
            if v.aliases or all_versions:
                phase = f"fine-tuned {v.iteration}" if v.iteration else "phase 1"
                cells = "-" if v.cells == "None" else v.cells
                evidence = (f"{v.oof_accuracy:.4f}", f"{v.oof_loss:.4f}")
                lines.append(
                    (dataset, str(v.version), ", ".join(v.aliases), v.model, cells, phase, *evidence)
                )
    typer.echo(in_columns(lines))


@app.command(rich_help_panel=MODELS)
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
        f"{folder} holds the {alias} of {dataset}. To use it, without this project:\n\n"
        f"    import mlflow\n"
        f'    model = mlflow.pyfunc.load_model("{folder}")\n'
        f'    model.metadata.metadata["classes"]   # the labels, in the order of the outputs\n'
        f"    model.predict(X)                     # float32 (n_series, n_channels, length) to probabilities"
    )


@app.command(rich_help_panel=MODELS)
def predict(
    dataset: DatasetArgument,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Series: .tsv, .ts or comma-separated, labels or not.")
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
    workspace: WorkspaceOption = Path(),
) -> None:
    """Predict the series of a file: a CSV of labels and probabilities, the accuracy if labels are there."""
    from lstmfcn.tracking.prediction import predict_file

    target = output or file.with_name(f"{file.stem}.predictions.csv")
    typer.echo(predict_file(model or dataset, file, target, alias=alias, workspace=workspace))


@app.command(rich_help_panel=MODELS)
def explain(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="One of params.yaml, trained.")],
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Series to explain; otherwise the training split.")
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="fcn, lstm_fcn or alstm_fcn; otherwise the best.")
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
    from lstmfcn.report.explanation import explain_to_folder

    here = Workspace(workspace)
    settings = config.load(here.params)
    folder = to or here.report.parent / "explain" / dataset
    models = _names(model) or list(settings.models)
    typer.echo(
        explain_to_folder(
            here, dataset, folder, models=models, file=file, normalise=settings.prepare.normalise
        )
    )


@app.command(rich_help_panel=MODELS)
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


@app.command(rich_help_panel=PAPER)
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
    from lstmfcn import config
    from lstmfcn.study import reproduction

    here = Workspace(workspace)
    given = os.environ.get("LSTMFCN_UCR_DIR")
    chosen = _names(datasets) or reproduction.cheapest(least, Path(given) if given else None)
    overrides = {"protocol": protocol, "datasets": chosen, "models": _names(models), "seeds": [*range(seeds)]}
    settings = config.load(here.params, overrides)
    reproduction.run(settings, here=here, home=home or here.reproduction_home)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


@app.command(rich_help_panel=CARE)
def sync(workspace: WorkspaceOption = Path()) -> None:
    """Bring MLflow up to date with the runs of this clone, any number of times."""
    from lstmfcn import config
    from lstmfcn.pipeline.lock import hold
    from lstmfcn.pipeline.stages.promote import register
    from lstmfcn.tracking import mlflow as tracking

    here = Workspace(workspace)
    with hold(here, "lstmfcn sync", lambda text: typer.echo(text, err=True)):
        count = tracking.sync(here, typer.echo)
        typer.echo(f"{count} runs were missing in {tracking.shown(tracking.tracking_uri(here))}.")
        if here.promotions.exists():
            register(here, config.load(here.params))


@app.command(rich_help_panel=CARE)
def summary(workspace: WorkspaceOption = Path()) -> None:
    """Say what the pipeline gave; fails if a dataset was left out."""
    from lstmfcn import config
    from lstmfcn.report.summary import in_columns, summarise

    here = Workspace(workspace)
    lines, left_out = summarise(here, config.load(here.params))
    typer.echo(in_columns(lines))
    typer.echo(f"\nThe report: {here.report}   The runs: make ui")
    if left_out:
        raise LstmfcnError("Left out by the validation:\n" + "\n".join(f"  - {line}" for line in left_out))


@app.command(rich_help_panel=CARE)
def doctor(workspace: WorkspaceOption = Path()) -> None:
    """Check this clone and its surroundings, mend what can be mended, and say what cannot."""
    from lstmfcn.pipeline.doctor import examine

    here = Workspace(workspace)
    worst = True
    for fine, message in examine(here):
        typer.echo(f"{'ok  ' if fine else 'BAD '} {message}")
        worst = worst and fine
    if not worst:
        raise typer.Exit(1)


def main() -> None:
    """Run a command; an error that the user can mend is printed without a traceback."""
    environment.prepare_command()
    try:
        app()
    except ModuleNotFoundError as error:
        missing = environment.missing_library(error)
        if missing is None:
            raise
        typer.echo(f"error: {missing}", err=True)
        sys.exit(1)
    except LstmfcnError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        place = error.filename or "a temporary file"
        typer.echo(f"error: the disk is full ({place}). Make space, then run the command again.", err=True)
        sys.exit(1)
