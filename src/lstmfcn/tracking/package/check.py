"""What may be loaded as a model: what was registered, byte for byte, and a graph that only computes.

To load a model is to trust it. MLflow, by which others load it, imports whatever module a model's file
`MLmodel` names, and a TensorFlow graph may read and write files or call Python. So both are looked at before
anything is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from lstmfcn.environment import load_tensorflow
from lstmfcn.errors import LstmfcnError
from lstmfcn.files import hash_file, hash_of

SAVED_MODEL = "tf2model"
"""The folder of the graph and its weights in a package."""

OF_THE_DOWNLOAD = ("registered_model_meta",)
"""What MLflow adds to a folder that it downloads."""

# A model keeps variables, restores them, and calls its own functions. No other operation with an effect
# is needed, and none of those that read files or call Python though TensorFlow counts them as without one.
VARIABLES_AND_CALLS = {
    "AssignVariableOp",
    "DisableCopyOnRead",
    "MergeV2Checkpoints",
    "PartitionedCall",
    "ReadVariableOp",
    "RestoreV2",
    "SaveV2",
    "StatefulPartitionedCall",
    "VarHandleOp",
    "VarIsInitializedOp",
    "While",
}
READ_OR_CALL = {"MatchingFiles", "PyFuncStateless", "ReadFile"}


class UntrustedModelError(LstmfcnError):
    """A model is not what was registered, or does more than compute."""


def checksum(folder: Path) -> str:
    """Return a SHA-256, in hex, of the names and contents of a model's files."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in OF_THE_DOWNLOAD)
    return hash_of([[p.relative_to(folder).as_posix(), hash_file(p)] for p in files])


def read_description(folder: Path) -> dict[str, Any]:
    """Return what the file `MLmodel` of a package says; its metadata, which are ours, hold text alone."""
    text = (folder / "MLmodel").read_text(encoding="utf-8")
    description: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    # MLflow follows another version of YAML, in which a label such as 1e3 is text without quotes.
    return description | {"metadata": YAML(typ="base", pure=True).load(text).get("metadata")}


def check(folder: Path, *, registered: str | None = None) -> None:
    """Look at a downloaded model before it is loaded.

    Parameters
    ----------
    folder
        The model, as MLflow saves it.
    registered
        Its checksum when it was registered; None where nobody can know.

    Raises
    ------
    UntrustedModelError
        If the checksums differ, the model is not one that lstmfcn saves, or its graph does more than
        compute.
    """
    if registered is not None and checksum(folder) != registered:
        raise UntrustedModelError(
            f"The model in {folder} is not the one that was registered: its SHA-256 differs. Nothing of it "
            "was loaded. Find out who changed the store; `lstmfcn promote` registers the best run again."
        )
    try:
        flavors = read_description(folder)["flavors"]
        loader = flavors["python_function"]
        saved = flavors["tensorflow"]
        plain = (
            set(flavors) == {"python_function", "tensorflow"}
            and loader["loader_module"] == "mlflow.tensorflow"
            and not loader.get("code")
            and not saved.get("code")
            and saved["model_type"] == "tf2-module"
            and saved["saved_model_dir"] == SAVED_MODEL
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, YAMLError) as error:
        raise UntrustedModelError(f"{folder}/MLmodel is missing or damaged: {error}") from error
    if not plain:
        raise UntrustedModelError(
            f"{folder} is not a model that lstmfcn saved: its MLmodel names other code to load. "
            "Nothing of it was loaded."
        )
    effects = sorted(set(_effects(folder / SAVED_MODEL / "saved_model.pb")))
    if effects:
        raise UntrustedModelError(
            f"The graph of {folder} does more than compute ({', '.join(effects)}). It was not loaded."
        )


def _effects(path: Path) -> Iterator[str]:
    """Yield the operations of a graph that a model of ours does not need."""
    load_tensorflow()
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from tensorflow.core.protobuf import saved_model_pb2
    from tensorflow.python.framework import op_def_registry

    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise UntrustedModelError(f"{path} is missing or damaged: {error}") from error
    for graph in saved.meta_graphs:
        functions = graph.graph_def.library.function
        nodes = [*graph.graph_def.node, *(node for function in functions for node in function.node_def)]
        own = {function.signature.name for function in functions}
        for name in {node.op for node in nodes} - VARIABLES_AND_CALLS - own:
            known = op_def_registry.get(name)
            if known is None or known.is_stateful or name in READ_OR_CALL:
                yield name
