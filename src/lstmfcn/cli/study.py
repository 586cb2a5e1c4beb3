"""Studies: the folders in which a pipeline runs, and one's own data in them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from lstmfcn.cli import layout
from lstmfcn.cli.app import WorkspaceOption, app, names, say
from lstmfcn.workspace import Workspace

PANEL = "Begin"


@app.command(rich_help_panel=PANEL)
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder, or an older study.")],
    datasets: Annotated[
        str, typer.Option(metavar="A,B,...", help="What params.yaml lists; otherwise three small ones.")
    ] = "",
) -> None:
    """Make a study: params.yaml, dvc.yaml and what else a pipeline needs, under git and DVC.

    In the folder of a study, dvc.yaml and the templates of its plots are brought up to date with this
    version, params.yaml gets the keys that it lacks, and nothing else is changed.
    """
    from lstmfcn.study.new import make

    written = make(folder, tuple(names(datasets)))
    typer.echo(f"Written in {folder}: {', '.join(written)}." if written else f"{folder} is up to date.")
    typer.echo(f"Next: cd {shlex.quote(str(folder))} && dvc repro")


@app.command(rich_help_panel=PANEL)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the dataset is to be called.")],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="One file, which is split, or a training and a test file: .csv, .tsv, .ts, .arff, .parquet, "
            ".npz or .npy, each with .gz behind it too.",
        ),
    ],
    test_share: Annotated[
        float, typer.Option(metavar="SHARE", help="Of one file: how much of it is the test split.")
    ] = 0.25,
    lengths: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY",
            help="What becomes of unequal lengths: resample, truncate, pad or refuse "
            "(docs/unequal-lengths.md). Written to params.yaml, prepare.datasets.",
        ),
    ] = None,
    missing: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY",
            help="What becomes of missing values: interpolate, mask or refuse (docs/missing-values.md). "
            "Written there too.",
        ),
    ] = None,
    length: Annotated[
        int | None, typer.Option(metavar="VALUES", help="With --lengths: to which length. Written there too.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Go on where something is odd.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what was understood; write nothing.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a dataset of that name.")] = False,
    label: layout.LabelOption = None,
    id_: layout.IdOption = None,
    time: layout.TimeOption = None,
    value: layout.ValueOption = None,
    channel: layout.ChannelOption = None,
    group: layout.GroupOption = None,
    drop: layout.DropOption = None,
    classes: layout.ClassesOption = "",
    delimiter: layout.DelimiterOption = None,
    decimal: layout.DecimalOption = None,
    encoding: layout.EncodingOption = None,
    header: layout.HeaderOption = None,
    transpose: layout.TransposeOption = False,
    workspace: WorkspaceOption = Path(),
) -> None:
    """Bring your own data into the study: data/own/NAME, under DVC, listed in params.yaml.

    It says what it understood before it writes, and asks where something is odd. Examples:

    - `lstmfcn add Pumps pumps.csv` - a row a series, split 75 : 25, the same way each time

    - `lstmfcn add Pumps train.csv test.csv --label state` - the labels in a column of that title

    - `lstmfcn add Gait gait.csv --label 3 --group patient --drop 1` - each patient in one split

    - `lstmfcn add Gait walks.csv --id walk --time t --value x --value y --label gait` - a row a time step

    - `lstmfcn add Home meters.parquet --id home --time t --channel meter --value kW --label type`

    - `lstmfcn add Sleep sleep.npz --transpose` - arrays X (series, length, channels) and y

    - `lstmfcn add Vowels vowels.ts --lengths pad --length 29` - series of unequal lengths

    - `lstmfcn add Pumps pumps.csv --dry-run` - look first
    """
    from lstmfcn.pipeline.lock import lock
    from lstmfcn.study import adding

    if len(files) > 2:
        raise typer.BadParameter("one file, or a training and a test file", param_hint="FILE...")
    if not 0 < test_share < 1:
        raise typer.BadParameter(f"{test_share:g} is no share between 0 and 1", param_hint="--test-share")
    known = layout.layout_of(
        label=label,
        id_=id_,
        time=time,
        value=value,
        channel=channel,
        group=group,
        drop=drop,
        classes=classes,
        delimiter=delimiter,
        decimal=decimal,
        encoding=encoding,
        header=header,
        transpose=transpose,
    )

    def agree(question: str) -> bool:
        return yes or (sys.stdin.isatty() and typer.confirm(question))

    policies = {"lengths": lengths, "missing": missing, "length": length}
    here = Workspace(workspace)
    with lock(here, "lstmfcn add", say):
        adding.add(
            here,
            name,
            files,
            known,
            share=test_share,
            policies={name: value for name, value in policies.items() if value is not None},
            replacing=replace,
            dry_run=dry_run,
            agree=agree,
            say=typer.echo,
            terminal=sys.stdout.encoding or "ascii",
        )
