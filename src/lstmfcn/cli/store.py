"""Bringing a tracking store up to date with the files of a study: the runs, and the registered models."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from lstmfcn.cli.app import say
from lstmfcn.workspace import Workspace


def fill_store(here: Workspace, tell: Callable[[str], None], *, restore: bool = False) -> None:
    """Log the runs that the store lacks, and register the best of them. Whoever calls holds the lock."""
    from lstmfcn import config
    from lstmfcn.pipeline.stages.promote import register
    from lstmfcn.tracking import store
    from lstmfcn.tracking.causes import called
    from lstmfcn.tracking.cockpit.furnishing import furnish
    from lstmfcn.tracking.sync import sync
    from lstmfcn.wording import counted

    count = sync(here, tell, restore=restore)
    tell(f"Missing in {called(store.tracking_uri(here))} until now: {counted(count, 'run')}.")
    if here.promotions.exists():
        register(here, config.load(here.params), restore=restore)
    furnish(here)


def with_store(workspace: Path) -> Workspace:
    """Return a study whose models are registered: one that was pulled gets its store here, once."""
    from lstmfcn.pipeline.lock import lock
    from lstmfcn.tracking.store import is_missing

    here = Workspace(workspace)
    if here.promotions.exists() and is_missing(here):
        with lock(here, "lstmfcn sync", say):
            if is_missing(here):  # else another command has made it meanwhile
                say("The study has no tracking store yet: it is filled from what was pulled, once.")
                with redirect_stdout(sys.stderr):
                    fill_store(here, say)
    return here
