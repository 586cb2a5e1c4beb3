"""The options that say how a file of series is laid out."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from lstmfcn.cli.app import names
from lstmfcn.data.layout import Layout

PANEL = "How the file is laid out; what is not said is found out"


def _option(*flags: str, metavar: str, help_: str) -> object:
    return typer.Option(*flags, metavar=metavar, help=help_, rich_help_panel=PANEL)


LabelOption = Annotated[
    str | None,
    _option(
        "--label",
        metavar="COLUMN",
        help_="The labels: a title, a number from 1, first, last, or none; of an .npz the array.",
    ),
]
IdOption = Annotated[str | None, _option("--id", metavar="COLUMN", help_="What each series is called.")]
TimeOption = Annotated[
    str | None,
    _option("--time", metavar="COLUMN", help_="A row is a time step: when. Otherwise rows are in order."),
]
ValueOption = Annotated[
    list[str] | None,
    _option(
        "--value", metavar="COLUMN", help_="A row is a time step: its values. Repeat it, once a channel."
    ),
]
ChannelOption = Annotated[
    str | None,
    _option("--channel", metavar="COLUMN", help_="A row is a time step of one channel: which."),
]
GroupOption = Annotated[
    str | None,
    _option("--group", metavar="COLUMN", help_="Whose a series is (patient, machine): stays in one split."),
]
DropOption = Annotated[
    list[str] | None, _option("--drop", metavar="COLUMN", help_="A column to leave out. Repeat it for more.")
]
ClassesOption = Annotated[
    str, _option("--classes", metavar="A,B,...", help_="The classes there are, where one is called NA.")
]
DelimiterOption = Annotated[
    str | None, _option("--delimiter", metavar="CHARACTER", help_="What parts the columns; tab for a tab.")
]
DecimalOption = Annotated[
    str | None, _option("--decimal", metavar="CHARACTER", help_="The decimal mark: . or ,")
]
EncodingOption = Annotated[
    str | None, _option("--encoding", metavar="NAME", help_="Of a text file: utf-8, utf-16, latin-1, ...")
]
HeaderOption = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="Whether the first row holds titles.", rich_help_panel=PANEL),
]
TransposeOption = Annotated[
    bool,
    typer.Option(
        "--transpose",
        help="Arrays have the axes (series, length, channels), as Keras and tsai have them.",
        rich_help_panel=PANEL,
    ),
]


def layout_of(
    *,
    label: str | None,
    id_: str | None,
    time: str | None,
    value: list[str] | None,
    channel: str | None,
    drop: list[str] | None,
    classes: str,
    delimiter: str | None,
    decimal: str | None,
    encoding: str | None,
    header: bool | None,
    transpose: bool,
    group: str | None = None,
) -> Layout:
    """Return the layout that the options say."""
    if decimal not in (None, ".", ","):
        raise typer.BadParameter(f"{decimal!r} is no decimal mark: . and , are.", param_hint="--decimal")
    return Layout(
        label=label,
        id=id_,
        time=time,
        channel=channel,
        values=tuple(value or ()),
        group=group,
        drop=tuple(drop or ()),
        classes=tuple(names(classes)),
        delimiter=delimiter,
        decimal=decimal,
        encoding=encoding,
        header=header,
        transpose=transpose,
    )


def with_layout(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say how its file is laid out; it gets the layout as `known`."""
    options = {
        "label": LabelOption,
        "id_": IdOption,
        "time": TimeOption,
        "value": ValueOption,
        "channel": ChannelOption,
        "drop": DropOption,
        "classes": ClassesOption,
        "delimiter": DelimiterOption,
        "decimal": DecimalOption,
        "encoding": EncodingOption,
        "header": HeaderOption,
        "transpose": TransposeOption,
    }
    defaults: dict[str, Any] = {"classes": "", "transpose": False}

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        said = {name: given.pop(name) for name in options}
        command(**given, known=layout_of(**said))

    own = inspect.signature(command, eval_str=True).parameters.values()
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults.get(name), annotation=option)
        for name, option in options.items()
    ]
    parameters = [p.replace(kind=p.KEYWORD_ONLY) for p in own if p.name != "known"] + added
    vars(with_options)["__signature__"] = inspect.Signature(parameters)
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_options
