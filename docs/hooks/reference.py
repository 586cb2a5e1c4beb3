"""The reference, made from the code: commands, parameters, metrics, findings and the API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from typer.cli import get_docs_for_click

import lstmfcn.aeon
from lstmfcn.cli import app
from lstmfcn.config import Params
from lstmfcn.data.findings import FATAL, PREPARED, WHAT
from lstmfcn.evaluation.metrics import all_metrics
from lstmfcn.training.recipe import Values

INSIDE = (
    *("config", "workspace", "errors", "study", "pipeline", "serving", "report", "tracking"),
    *("classifiers", "explain", "training", "networks", "evaluation", "data", "runs"),
)
"""What of the package has a page of its own, beside what is public."""


def commands() -> str:
    """Return the help of every command, as typer writes it."""
    command = typer.main.get_command(app)
    context = command.make_context("lstmfcn", [], resilient_parsing=True)
    return get_docs_for_click(obj=command, ctx=context, name="lstmfcn", title="Commands")


def params() -> str:
    """Return each parameter of `params.yaml`, its type, its default and what it does."""
    parts = [
        "# params.yaml",
        "What is not in the file is as its default here. `dvc exp run -S train.epochs=500` changes any of "
        "them for one run; unknown keys and impossible values are refused. The section `paper` may hold "
        "values of `search`, `train` and `finetune`, which `protocol: paper` lays over the others.",
        "## Top level",
        _table(("key", "value", "default", "what it does"), _parameters(Params)),
    ]
    for name, field in Params.model_fields.items():
        if isinstance(field.default, Values):
            section = type(field.default)
            parts += [
                f"## {field.alias or name}",
                field.description or "",
                _table(("key", "value", "default", "what it does"), _parameters(section)),
            ]
            parts += [
                f"### {name}.{key}\n\nOf each dataset named there:\n\n"
                + _table(("key", "value", "default", "what it does"), _parameters(inner))
                for key, inner in _sections_by_name(section)
            ]
    return "\n\n".join(parts)


def metrics() -> str:
    """Return the table of metrics."""
    rows = (
        (
            f"`{metric.name}`",
            metric.title,
            "higher" if metric.higher_is_better else "lower",
            _yes(metric.needs_probabilities),
            _yes(metric.class_balanced),
            _yes(metric.interval is not None),
            _yes(metric.headline),
        )
        for metric in all_metrics().values()
    )
    head = ("name", "title", "better", "of probabilities", "classes alike", "interval", "in every table")
    return (
        "# Metrics\n\nWhat each is and when to use it: [Metrics](../metrics.md). `promote.metric` and "
        "`search.metric` take any name here; the columns of `results.csv` are `oof_<name>` and `<name>`, "
        f"with `_low` and `_high` where there is an interval.\n\n{_table(head, rows)}\n"
    )


def findings() -> str:
    """Return the catalogue of what the validation finds."""
    section = Params.model_fields["validate_"].default
    fields = type(section).model_fields
    rows = (
        (
            f"`{name}`",
            WHAT[name],
            _flat(fields[name].description),
            getattr(section, name),
            "no" if name in FATAL else "yes",
            _flat(PREPARED.get(name, "")),
        )
        for name in fields
    )
    head = ("finding", "what is said", "when", "default", "may be changed", "what handles it")
    return (
        "# Findings of the validation\n\n`validate` names the file and the rows. A finding is an `error`, "
        "which leaves its dataset out, a `warn`ing, or `ignore`d; the section `validate` of `params.yaml` "
        f"says which.\n\n{_table(head, rows)}\n"
    )


PUBLIC = {
    "classifiers.estimators": lstmfcn.aeon.__all__,
    "tracking.champion": ["load_champion", "Champion"],
    "tracking.fits": ["track", "register"],
}
"""What is imported from `lstmfcn` itself, by the module where it is."""


def public() -> str:
    """Return the page of what is imported from `lstmfcn` itself."""
    homes = [f"lstmfcn.{module}.{name}" for module, names in PUBLIC.items() for name in names]
    blocks = "\n\n".join(f"::: {home}\n    options:\n      inherited_members: true" for home in homes)
    return (
        "# Python\n\nAll of these are imported from `lstmfcn`, the estimators from `lstmfcn.aeon` too, as "
        f"aeon's classifiers.\n\n{blocks}\n"
    )


def inside(name: str) -> str:
    """Return the page of a package or module and of what is in it, but for what `public` shows."""
    elsewhere = "|".join(
        one for module, names in PUBLIC.items() if module.startswith(f"{name}.") for one in names
    )
    options = {"show_submodules": True, "show_root_full_path": True, "filters": ["!^_", f"!^({elsewhere})$"]}
    return f"::: lstmfcn.{name}\n    options: {json.dumps(options)}\n"


MADE: dict[str, Callable[[], str]] = {
    "reference/commands.md": commands,
    "reference/params.md": params,
    "reference/metrics.md": metrics,
    "reference/findings.md": findings,
    "reference/python.md": public,
    **{f"reference/inside/{name}.md": partial(inside, name) for name in INSIDE},
}


def _parameters(model: type[Values]) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        if isinstance(field.default, Values):
            continue
        default = "" if field.is_required() else f"`{_yaml(field.default)}`"
        described = _flat(field.description)
        yield f"`{field.alias or name}`", _type(field.annotation, field.metadata), default, described


def _sections_by_name(model: type[Values]) -> Iterator[tuple[str, type[Values]]]:
    for name, field in model.model_fields.items():
        for inner in get_args(field.annotation):
            if isinstance(inner, type) and issubclass(inner, Values):
                yield name, inner


def _type(annotation: Any, metadata: Any = ()) -> str:
    """Return what a value may be, as people who write YAML say it."""
    bounds = [text for limit in metadata for text in _bounds(limit)]
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _type(inner, [*more, *metadata])
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{_yaml(value)}`" for value in get_args(annotation))
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join("null" if one is type(None) else _type(one) for one in get_args(annotation))
    if get_origin(annotation) is tuple:
        return f"list of: {_type(get_args(annotation)[0])}"
    names = {int: "integer", float: "number", str: "text", bool: "true or false"}
    return " ".join([names.get(annotation, "values by name"), " and ".join(bounds)]).strip()


def _bounds(given: Any) -> Iterator[str]:
    for limit in getattr(given, "metadata", [given]):
        for sign, name in ((">", "gt"), ("≥", "ge"), ("<", "lt"), ("≤", "le")):
            if (value := getattr(limit, name, None)) is not None:
                yield f"{sign} {value}"


def _yaml(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, tuple):
        return f"[{', '.join(map(_yaml, value))}]"
    return str(value)


def _yes(value: bool) -> str:
    return "yes" if value else ""


def _flat(text: str | None) -> str:
    return " ".join((text or "").split())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |" for row in lines
    )
