"""`code`: write down what each stage depends on besides data and parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lstmfcn.config import Params
from lstmfcn.files import has_content, hash_file, to_json, write_text
from lstmfcn.pipeline.dependencies import code_of_stage
from lstmfcn.pipeline.table import STAGES
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params) -> None:
    """Write a file for each stage; one that would be the same is left alone."""
    for stage in STAGES.values():
        if stage.name == "code":
            continue
        found: dict[str, Any] = {"code": code_of_stage(stage, params)}
        if stage.name == "compare":
            found["inputs"] = _named_files(params.compare.references, workspace.root)
        text = to_json(found)
        path = workspace.root / stage.code_file
        if not has_content(path, text.encode()):
            write_text(path, text)


def _named_files(references: tuple[str, ...], root: Path) -> dict[str, str]:
    """Return the hash of each reference that is a file of the study or of this machine."""
    paths = {source: root / source for source in references}
    return {source: hash_file(path) for source, path in paths.items() if path.is_file()}
