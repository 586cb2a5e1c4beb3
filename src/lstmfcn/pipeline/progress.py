"""What a stage tells whoever runs it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial


def say(message: str) -> None:
    """Print a line of progress of the stage."""
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()


def progress_of(name: str) -> Callable[[str], None]:
    """Return a function, good in any process, by which a job says how far it is."""
    return partial(_tell, name)


def _tell(name: str, message: str) -> None:
    sys.stderr.write(f"  {name}: {message}\n")
    sys.stderr.flush()


def duration(seconds: float) -> str:
    """Return seconds as people read them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
