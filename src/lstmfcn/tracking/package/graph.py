"""Whether the graph of a package only computes, and computes what its description says.

A SavedModel is a program: it may read and write files, call Python, or hold another graph in one of its
constants. So all of it is held to what this project writes, as plain data, before TensorFlow loads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from lstmfcn.environment import load_tensorflow
from lstmfcn.tracking.package.attributes import FaultError, check_value, dtype_name, shown
from lstmfcn.tracking.package.contents import DATA, GRAPH, UntrustedModelError
from lstmfcn.tracking.package.description import Description
from lstmfcn.tracking.package.operations import COMPUTING, KEEPING, RESTORING, SAVING

NOTES = frozenset(
    {
        "_class",
        "_collective_manager_ids",
        "_has_manual_control_dependencies",
        "_lower_using_switch_merge",
        "_num_original_outputs",
        "_output_shapes",
        "_read_only_resource_inputs",
        "_user_specified_name",
    }
)
"""What TensorFlow notes on operations and arguments beside their own attributes."""

OF_FUNCTIONS = frozenset({"_construction_context", "_input_shapes"})

OBJECTS = frozenset(
    {
        "_generic_user_object",
        "signature_map",
        "trackable_dict_wrapper",
        "trackable_list_wrapper",
    }
)
"""What a SavedModel's objects are revived as: containers without behaviour."""

INITIAL, SERVED = "__saved_model_init_op", "serving_default"
"""The signatures: what runs first, which is nothing, and what TensorFlow serves."""

DEVICE = re.compile(r"(/device:(CPU|GPU):([0-9]+|\*))?")

NAMED = 8
"""Of the operations that are too much, in a sentence."""

DEEPEST = 16
"""Functions that call functions."""


@dataclass(frozen=True)
class _Place:
    """Where operations stand, and which may."""

    operations: frozenset[str]
    text: bool
    """Whether constants may be any text, such as the names of variables, and not the labels alone."""


_OUTSIDE = _Place(KEEPING, text=True)
_INSIDE = _Place(COMPUTING, text=False)
_SAVE = _Place(SAVING, text=True)
_RESTORE = _Place(RESTORING, text=True)


def check_graph(folder: Path, description: Description) -> None:
    """Look at the graph of a package, without loading it.

    Parameters
    ----------
    folder
        The package.
    description
        What it says of itself.

    Raises
    ------
    UntrustedModelError
        If the graph is not one that this project saves, or not what the description says.
    """
    load_tensorflow()
    try:
        graph = _parse(folder / GRAPH)
        savers = _savers(graph)
        _check_functions(graph, savers)
        _check_nodes(graph, savers, labels=[*(label.encode() for label in description.classes), b""])
        _check_frame(graph)
        _check_objects(graph, savers, (folder / DATA).stat().st_size)
        _check_call(graph, description)
        _check_signature(graph, description)
    except FaultError as fault:
        raise UntrustedModelError(
            f"The graph in {folder / GRAPH} is not one that lstmfcn saves: {fault}. Nothing of it was "
            "loaded; `lstmfcn promote` registers the best run anew."
        ) from fault


def _parse(path: Path) -> Any:
    """Return the one graph of a SavedModel."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise FaultError("it is damaged") from error
    if len(saved.meta_graphs) != 1:
        raise FaultError(f"it holds {len(saved.meta_graphs)} graphs")
    return saved.meta_graphs[0]


def _check_frame(graph: Any) -> None:
    """Refuse what stands beside the operations and objects: assets, other entries, other signatures."""
    if list(graph.meta_info_def.tags) != ["serve"]:
        raise FaultError(f"its tags are {list(graph.meta_info_def.tags)}")
    if graph.asset_file_def:
        raise FaultError("it reads files of its own")
    if graph.meta_info_def.any_info.type_url or set(graph.signature_def) - {SERVED} != {INITIAL}:
        raise FaultError("it has signatures of its own")
    kinds = {node.name: node.op for node in graph.graph_def.node}
    for name, collection in graph.collection_def.items():
        entries = [kinds.get(entry) for entry in collection.node_list.value]
        if name != "saved_model_main_op" or entries != ["NoOp"]:
            raise FaultError(f"it runs something when it is loaded ({name})")
    init = graph.signature_def[INITIAL]
    if init.inputs or [kinds.get(output.name) for output in init.outputs.values()] != ["NoOp"]:
        raise FaultError("it runs something when it is loaded")


def _savers(graph: Any) -> Mapping[str, _Place]:
    """Return the functions that save and restore the variables; each is called by the savers' own node."""
    nodes = {node.name: node for node in graph.graph_def.node}
    if len(nodes) < len(graph.graph_def.node):
        raise FaultError("two of its nodes have one name")
    saver = graph.saver_def
    filename = saver.filename_tensor_name.removesuffix(":0")
    entries = [saver.save_tensor_name.removesuffix(":0"), saver.restore_op_name]
    found = {}
    for entry, place in zip(entries, (_SAVE, _RESTORE), strict=True):
        node = nodes.get(entry)
        if (
            node is None
            or node.op != "StatefulPartitionedCall"
            or filename not in nodes
            or nodes[filename].op != "Placeholder"
            or list(node.input[:1]) != [filename]
        ):
            raise FaultError("its savers are not TensorFlow's")
        found[node.attr["f"].func.name] = place
    if len(found) != 2:
        raise FaultError("its savers are not TensorFlow's")
    return found


def _check_functions(graph: Any, savers: Mapping[str, _Place]) -> None:
    """Refuse functions that pass for operations, call themselves, or call the savers."""
    from tensorflow.python.framework import op_def_registry

    library = graph.graph_def.library
    if library.gradient or library.registered_gradients:
        raise FaultError("it holds gradients")
    calls: dict[str, set[str]] = {}
    for function in library.function:
        name, owner = function.signature.name, f"its function {shown(function.signature.name)}"
        if name in calls or op_def_registry.get(name) is not None or function.signature.attr:
            raise FaultError(f"{owner} passes for something else")
        calls[name] = {c for node in function.node_def for v in node.attr.values() for c in _called(v)}
        if unknown := function.attr.keys() - OF_FUNCTIONS:
            raise FaultError(f"{owner} has the attribute {shown(min(unknown))}")
        for key, value in function.attr.items():
            check_value(owner, key, value, text=())
        for argument in function.arg_attr.values():
            if unknown := argument.attr.keys() - NOTES:
                raise FaultError(f"{owner} has an argument with the attribute {shown(min(unknown))}")
            for key, value in argument.attr.items():
                check_value(owner, key, value, text=())
    outside = [c for node in graph.graph_def.node for v in node.attr.values() for c in _called(v)]
    inside = {c for called in calls.values() for c in called}
    if unknown := (set(outside) | inside | savers.keys()) - calls.keys():
        raise FaultError(f"it calls the function {shown(min(unknown))}, which it does not hold")
    if wrong := savers.keys() & inside or {name for name in savers if outside.count(name) != 1}:
        raise FaultError(f"it calls its saver {shown(min(wrong))}")
    _check_depth(calls)


def _check_depth(calls: Mapping[str, set[str]]) -> None:
    """Refuse functions that call themselves, or each other too deeply."""
    left = dict(calls)
    for _ in range(DEEPEST):
        left = {name: called for name, called in left.items() if called & left.keys()}
        if not left:
            return
    raise FaultError(f"its functions {shown(min(left))} and others call each other without end")


def _check_nodes(graph: Any, savers: Mapping[str, _Place], *, labels: Sequence[bytes]) -> None:
    """Refuse operations and attributes that are not known."""
    parts = [(graph.graph_def.node, _OUTSIDE)]
    parts += [(f.node_def, savers.get(f.signature.name, _INSIDE)) for f in graph.graph_def.library.function]
    if others := {n.op for nodes, place in parts for n in nodes if n.op not in place.operations}:
        named = ", ".join(map(shown, sorted(others)[:NAMED]))
        more = f" and {len(others) - NAMED} others" if len(others) > NAMED else ""
        raise FaultError(f"it does more than compute, by {named}{more}")
    for nodes, place in parts:
        _check_attributes(nodes, text=None if place.text else labels)


def _check_attributes(nodes: Any, *, text: Sequence[bytes] | None) -> None:
    from tensorflow.python.framework import op_def_registry

    known = {op: {a.name for a in op_def_registry.get(op).attr} | NOTES for op in {n.op for n in nodes}}
    for node in nodes:
        if unknown := node.attr.keys() - known[node.op]:
            raise FaultError(f"{shown(node.name)} has the attribute {shown(min(unknown))}")
        if not DEVICE.fullmatch(node.device):
            raise FaultError(f"{shown(node.name)} wants the device {shown(node.device)}")
        for key, value in node.attr.items():
            check_value(shown(node.name), key, value, text=text)


def _check_objects(graph: Any, savers: Mapping[str, _Place], bytes_of_weights: int) -> None:
    """Refuse objects that act when they are loaded, and variables that the weights cannot fill."""
    objects = graph.object_graph_def
    if savers.keys() & objects.concrete_functions.keys():
        raise FaultError("it offers its savers to be called")
    expected = 0
    for node in objects.nodes:
        kind = node.WhichOneof("kind")
        if kind not in ("user_object", "variable", "function", "bare_concrete_function"):
            raise FaultError(f"it holds a {kind}")
        if node.registered_name or node.registered_saver or node.saveable_objects or node.slot_variables:
            raise FaultError("it holds an object with savers of its own")
        if kind == "user_object" and node.user_object.identifier not in OBJECTS:
            raise FaultError(f"it holds an object {shown(node.user_object.identifier)}")
        if kind == "variable":
            expected += _bytes_of(node.variable)
    if expected > bytes_of_weights:
        raise FaultError(f"its variables have {expected:,} bytes, and its weights {bytes_of_weights:,}")


def _bytes_of(variable: Any) -> int:
    sizes = [dim.size for dim in variable.shape.dim]
    if dtype_name(variable.dtype) != "DT_FLOAT" or any(size < 1 for size in sizes):
        raise FaultError(f"its variable {shown(variable.name)} has the shape {sizes}")
    return 4 * int(prod(sizes))


def _check_call(graph: Any, description: Description) -> None:
    """Refuse a graph that takes or gives something else than its description says."""
    objects = graph.object_graph_def
    children = [child for root in objects.nodes[:1] for child in root.children]
    called = [child.node_id for child in children if child.local_name == "__call__"]
    if len(called) != 1 or not 0 <= called[0] < len(objects.nodes):
        raise FaultError("it cannot be called")
    names = list(objects.nodes[called[0]].function.concrete_functions)
    if len(names) != 1 or names[0] not in objects.concrete_functions:
        raise FaultError("it can be called in more than one way")
    signature = objects.concrete_functions[names[0]]
    arguments = [
        _spec(argument)
        for values in signature.canonicalized_input_signature.tuple_value.values[:1]
        for argument in values.tuple_value.values
    ]
    shape = (-1, description.preprocessing.n_channels, description.preprocessing.length)
    if arguments != [("DT_DOUBLE", shape)]:
        raise FaultError(f"it does not take series of {shape[1]} x {shape[2]}, as its MLmodel says")
    n_classes = len(description.classes)
    if _spec(signature.output_signature) != ("DT_FLOAT", (-1, n_classes)):
        raise FaultError(f"it does not give the probabilities of {n_classes} classes, as its MLmodel says")


def _check_signature(graph: Any, description: Description) -> None:
    """Refuse a signature that takes or gives something else than `ServingModel.with_labels`.

    Packages of before it have none.
    """
    if SERVED not in graph.signature_def:
        return
    signature, taken = graph.signature_def[SERVED], description.preprocessing
    if signature.method_name != "tensorflow/serving/predict" or signature.defaults:
        raise FaultError("it has signatures of its own")
    series = {"series": ("DT_DOUBLE", (-1, taken.n_channels, taken.length))}
    answers = {"label": ("DT_STRING", (-1,)), "probabilities": ("DT_FLOAT", (-1, len(description.classes)))}
    for tensors, expected in ((signature.inputs, series), (signature.outputs, answers)):
        found = {
            name: (dtype_name(tensor.dtype), tuple(dim.size for dim in tensor.tensor_shape.dim))
            for name, tensor in tensors.items()
        }
        if found != expected:
            raise FaultError(f"its signature does not speak of {' and '.join(expected)}")


def _spec(value: Any) -> tuple[str, tuple[int, ...]]:
    """Return the dtype and shape of a tensor of a signature."""
    spec = value.tensor_spec_value
    return dtype_name(spec.dtype), tuple(dim.size for dim in spec.shape.dim)


def _called(value: Any) -> Iterator[str]:
    """Yield the functions that an attribute names."""
    if value.WhichOneof("value") == "func":
        yield value.func.name
    yield from (function.name for function in value.list.func)
