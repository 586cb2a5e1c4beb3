"""The stages, a module each: it reads its inputs, runs its jobs, and lays down its outputs."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from lstmfcn.pipeline.table import STAGES

if TYPE_CHECKING:
    from lstmfcn.config import Params
    from lstmfcn.workspace import Workspace


def run_stages(names: Iterable[str], workspace: Workspace, params: Params) -> None:
    """Run stages one after the other, in this process."""
    for name in names:
        import_module(STAGES[name].module).run(workspace, params)
