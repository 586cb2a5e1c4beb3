"""What the file `MLmodel` of a package says: read, and held to what this project writes.

MLflow loads what this file names, so there is no key in it that is not known here. It is read strictly, as
the plain text that MLflow writes: without anchors, tags or anything that two readers of YAML may take for
different things.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from lstmfcn.data.names import PATTERN
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.tracking.package.contents import DESCRIPTION, EXAMPLES, SAVED_MODEL, UntrustedModelError

DEEPEST = 8
"""Of the levels of an `MLmodel`; ours has four."""

_WORDS = {"null": None, "true": True, "false": False}

_NO_TEXT = re.compile(
    r"""~|Null|NULL|=|<<|
    yes|Yes|YES|no|No|NO|True|TRUE|False|FALSE|on|On|ON|off|Off|OFF|
    [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|
    [-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)([eE][-+][0-9]+)?|
    [-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)|
    [-+]?(0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)|
    [0-9]{4}-[0-9][0-9]?-[0-9][0-9]?([Tt\ \t].*)?|
    """,
    re.VERBOSE,
)
"""What PyYAML, by which MLflow reads, takes for something else than text where it stands without quotes."""

_Version = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9A-Za-z+]+)*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())


class _Environments(_Strict):
    conda: Literal["conda.yaml"]
    virtualenv: Literal["python_env.yaml"]


class _PythonFunction(_Strict):
    env: _Environments
    loader_module: Literal["mlflow.tensorflow"]
    python_version: _Version


class _TensorFlow(_Strict):
    code: None
    model_type: Literal["tf2-module"]
    saved_model_dir: Literal["tf2model"]


class _Flavors(_Strict):
    python_function: _PythonFunction
    tensorflow: _TensorFlow


class _Architecture(_Strict):
    classifier: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$")]
    cells: Annotated[int, Field(ge=1)] | None
    dimension_shuffle: bool
    segments: Annotated[int, Field(ge=1)]
    members: (
        Annotated[
            list[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+(/[0-9]{1,4})?$")]],
            Field(min_length=1),
        ]
        | None
    ) = None


class _Metadata(_Strict):
    architecture: _Architecture | None = None
    classes: Annotated[list[str], Field(min_length=1)]
    counts: list[Annotated[int, Field(ge=0)]] | None = None
    temperature: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}\.[0-9]{6}$")] | None = None
    dataset: Annotated[str, StringConstraints(pattern=f"^{PATTERN}$")]
    key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    preprocessing: dict[str, str | int]
    takes: str | None = None


class _Example(_Strict):
    artifact_path: Literal["input_example.json"]
    serving_input_path: Literal["serving_input_example.json"]
    type: Literal["ndarray"]


class _Signature(_Strict):
    inputs: str
    outputs: str
    params: None


class _MLmodel(_Strict):
    flavors: _Flavors
    is_signature_from_type_hint: bool
    metadata: _Metadata
    mlflow_version: _Version
    model_id: None
    model_size_bytes: int
    model_uuid: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    prompts: None
    saved_input_example_info: _Example
    signature: _Signature
    type_hint_from_example: bool
    utc_time_created: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{2}){2} [0-9:.]{8,15}$")]


@dataclass(frozen=True)
class Description:
    """What a package says of itself.

    Attributes
    ----------
    classes
        The labels, in the order of the probabilities.
    counts
        How many training series each class had; None in packages of before it was noted.
    temperature
        What its probabilities are calibrated by; None where they are as the network gives them.
    dataset
        What it was trained on.
    key
        That of its run.
    preprocessing
        What the graph does to raw series.
    architecture
        Which network it is: the classifier's name, `cells`, `dimension_shuffle` and `segments`, and the
        `members` of an ensemble; None in packages of before it was noted.
    content
        All that the file says.
    """

    classes: tuple[str, ...]
    counts: tuple[int, ...] | None
    temperature: float | None
    dataset: str
    key: str
    preprocessing: Preprocessing
    architecture: Mapping[str, Any] | None
    content: Mapping[str, Any]


def read_description(folder: Path) -> Description:
    """Return what the file `MLmodel` of a package says.

    Raises
    ------
    UntrustedModelError
        If it says anything that this project does not write, or is not true of the folder.
    """
    path = folder / DESCRIPTION
    try:
        content = parse(path.read_text(encoding="utf-8"))
        metadata = _MLmodel.model_validate(content).metadata
        preprocessing = Preprocessing.from_description(metadata.preprocessing)
    except ValidationError as error:
        raise _refused(path, _sentence(error)) from error
    except (OSError, ValueError, TypeError) as error:
        raise _refused(path, f"is damaged: {str(error).splitlines()[0]}") from error
    classes = tuple(metadata.classes)
    if fault := next(_faults(folder, content, classes, preprocessing), None):
        raise _refused(path, fault)
    counts = None if metadata.counts is None else tuple(metadata.counts)
    temperature = None if metadata.temperature is None else float(metadata.temperature)
    return Description(
        classes,
        counts,
        temperature,
        metadata.dataset,
        metadata.key,
        preprocessing,
        content["metadata"].get("architecture"),
        content,
    )


def parse(text: str) -> Any:
    """Return what a text in YAML says; all that stands in quotes is text, and so is each plain word.

    Raises
    ------
    ValueError
        If it is not YAML, or uses more of it than PyYAML does where it writes plain values.
    """
    if odd := next((c for c in text if not (c.isascii() and c.isprintable()) and c != "\n"), None):
        raise ValueError(f"the character {odd!r} stands in it")
    events = iter(YAML(typ="safe", pure=True).parse(text))
    try:
        next(events)
        start = next(events)
        if not isinstance(start, DocumentStartEvent) or start.version or start.tags:
            raise ValueError("a directive stands in it, or nothing at all")
        value = _value(next(events), events)
        next(events)
        if not isinstance(next(events), StreamEndEvent):
            raise ValueError("it holds two documents")
    except YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    return value


def _value(event: Any, events: Iterator[Any], depth: int = 0) -> Any:
    """Return the value that begins with an event."""
    if isinstance(event, NodeEvent) and (event.anchor is not None or getattr(event, "tag", None) is not None):
        raise ValueError(f"an anchor, an alias or a tag stands in line {event.start_mark.line + 1}")
    if depth > DEEPEST:
        raise ValueError("it is nested too deeply")
    if isinstance(event, ScalarEvent):
        if event.style is not None:
            return str(event.value)
        if event.value in _WORDS:
            return _WORDS[event.value]
        if re.fullmatch("-?(0|[1-9][0-9]{0,17})", event.value):
            return int(event.value)
        if _NO_TEXT.fullmatch(event.value):
            raise ValueError(f"{event.value!r} stands without quotes in line {event.start_mark.line + 1}")
        return str(event.value)
    if isinstance(event, SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), SequenceEndEvent):
            items.append(_value(event, events, depth + 1))
        return items
    assert isinstance(event, MappingStartEvent)
    mapping: dict[str, Any] = {}
    while not isinstance(event := next(events), MappingEndEvent):
        key = _value(event, events, depth + 1)
        if not isinstance(key, str) or key in mapping:
            raise ValueError(f"the key {key!r} stands twice, or is no word")
        mapping[key] = _value(next(events), events, depth + 1)
    return mapping


def _faults(
    folder: Path, content: Any, classes: Sequence[str], preprocessing: Preprocessing
) -> Iterator[str]:
    """Yield what is untrue in a description that has just the keys of ours."""
    yield from (
        f"names the class {_short(label)}, which is no text to print"
        for label in classes
        if not label.strip() or not label.isprintable()
    )
    yield from (f"names the class {_short(label)} twice" for label, n in Counter(classes).items() if n > 1)
    counts = content["metadata"].get("counts", [1] * len(classes))
    if len(counts) != len(classes) or not any(counts):
        yield f"has {_short(counts)} for metadata.counts, which are not those of {len(classes)} classes"
    if preprocessing.describe() != (said := content["metadata"]["preprocessing"]):
        yield f"has {_short(said)} for metadata.preprocessing, which lstmfcn does not write"
    if content["metadata"].get("takes") != (None if preprocessing.strict else preprocessing.takes):
        yield f"has {_short(content['metadata'].get('takes'))} for metadata.takes, which is not so"
    if min(preprocessing.n_channels, preprocessing.length) < 1:
        yield f"speaks of series of {preprocessing.n_channels} x {preprocessing.length}"
    shapes = [-1, preprocessing.n_channels, preprocessing.length], [-1, len(classes)]
    for key, dtype, shape in zip(("inputs", "outputs"), ("float64", "float32"), shapes, strict=True):
        if content["signature"][key] != _tensor(dtype, shape):
            yield f"has a signature whose {key} are not {dtype} of {shape}, as its metadata say"
    for key in ("is_signature_from_type_hint", "type_hint_from_example"):
        if content[key]:
            yield f"has True for {key}, which lstmfcn does not write"
    size = sum((folder / name).stat().st_size for name in EXAMPLES)
    size += sum(path.stat().st_size for path in (folder / SAVED_MODEL).rglob("*") if path.is_file())
    if content["model_size_bytes"] != size:
        yield f"speaks of {content['model_size_bytes']} bytes, and its files have {size}"


def _tensor(dtype: str, shape: Sequence[int]) -> str:
    """Return a schema of one tensor, as MLflow spells it."""
    return json.dumps([{"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": list(shape)}}])


def _sentence(error: ValidationError) -> str:
    """Return what is wrong first."""
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"])) or "the whole"
    shown = _short(first["input"])
    match first["type"]:
        case "extra_forbidden":
            return f"has {place} ({shown}), which lstmfcn does not write"
        case "missing":
            return f"lacks {place}"
        case _:
            return f"has {shown} for {place}, which lstmfcn does not write"


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _refused(path: Path, what: str) -> UntrustedModelError:
    return UntrustedModelError(
        f"{path} {what}. Nothing of the model was loaded; `lstmfcn promote` registers the best run anew."
    )
