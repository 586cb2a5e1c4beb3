"""What the operations of a package's graph may have for attributes: numbers, shapes, names, constants."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from math import prod
from typing import Any

NUMBERS = frozenset({"DT_BOOL", "DT_DOUBLE", "DT_FLOAT", "DT_INT32", "DT_INT64"})

TYPES = NUMBERS | {"DT_RESOURCE", "DT_STRING", "DT_VARIANT"}
"""Of attributes. A variant is the list of a loop's outputs; no constant may be one."""

SETTINGS = frozenset(
    {
        "allow_soft_placement",
        "device_count",
        "experimental",
        "gpu_options",
        "inter_op_parallelism_threads",
        "intra_op_parallelism_threads",
        "pluggable_device_options",
    }
)
"""Of a call: on what it runs, not what."""

MOST_VALUES = 100_000
"""Of a constant, which may be spelled in a few bytes."""

LONGEST_TEXT = 1024
"""Of an attribute."""


class FaultError(Exception):
    """What is wrong with a graph, as half a sentence."""


def check_value(owner: str, key: str, value: Any, *, text: Sequence[bytes] | None) -> None:
    """Refuse an attribute that could hold more than a number, a shape or a name.

    Parameters
    ----------
    owner
        What to call in errors what has it.
    key, value
        Its name, and TensorFlow's `AttrValue`.
    text
        What alone a constant of text may hold, value by value; None for any, such as the names of variables.

    Raises
    ------
    FaultError
        Saying what is wrong.
    """
    kind = value.WhichOneof("value")
    if kind == "placeholder" or value.list.tensor:
        raise FaultError(f"{owner} has a {key} that is not filled in")
    if key.startswith("_") and kind in ("func", "tensor"):
        raise FaultError(f"{owner} hides something in {key}")
    functions = [value.func] if kind == "func" else list(value.list.func)
    if any(function.attr for function in functions):
        raise FaultError(f"{owner} hides something in {key}")
    types = [value.type] if kind == "type" else list(value.list.type)
    if others := {dtype_name(t) for t in types} - TYPES:
        raise FaultError(f"{owner} has values of {min(others)}")
    for content in [value.s] if kind == "s" else value.list.s:
        if key == "config_proto":
            _check_settings(owner, content)
        elif len(content) > LONGEST_TEXT or (key == "executor_type" and content):
            raise FaultError(f"{owner} hides something in {key}")
    if kind == "tensor":
        _check_constant(owner, value.tensor, text=text)


def _check_settings(owner: str, content: bytes) -> None:
    """Refuse settings of a call that say more than on what it runs."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from tensorflow.core.protobuf import config_pb2

    settings = config_pb2.ConfigProto()
    try:
        settings.ParseFromString(content)
    except DecodeError as error:
        raise FaultError(f"{owner} has damaged settings") from error
    names = {field.name for field, _ in settings.ListFields()}
    inner = [value for _, value in settings.experimental.ListFields()]
    if unknown := names - SETTINGS:
        raise FaultError(f"{owner} has the setting {min(unknown)}")
    if not all(isinstance(value, bool | int) for value in inner):
        raise FaultError(f"{owner} has experimental settings")


def _check_constant(owner: str, tensor: Any, *, text: Sequence[bytes] | None) -> None:
    dtype = dtype_name(tensor.dtype)
    sizes = [dim.size for dim in tensor.tensor_shape.dim]
    if dtype not in NUMBERS | {"DT_STRING"}:
        raise FaultError(f"the constant {owner} is of {dtype}")
    is_labels = text is None or (list(tensor.string_val), sizes) == (list(text), [len(text)])
    if dtype == "DT_STRING" and (tensor.tensor_content or not is_labels):
        raise FaultError(f"the constant {owner} is text other than its classes")
    if tensor.variant_val or tensor.resource_handle_val:
        raise FaultError(f"the constant {owner} hides something")
    if any(size < 0 for size in sizes) or prod(sizes) > MOST_VALUES:
        raise FaultError(f"the constant {owner} has the shape {sizes}")


@functools.cache
def dtype_name(number: int) -> str:
    """Return TensorFlow's name of a dtype, such as "DT_FLOAT"."""
    from tensorflow.core.framework import types_pb2

    known = types_pb2.DataType.DESCRIPTOR.values_by_number.get(number)
    return str(known.name) if known else f"a type {number}"


def shown(name: str) -> str:
    """Return a name of a graph as it may stand in a sentence."""
    return name[:80] if name.isprintable() else repr(name[:80])
