"""At which commit a study stands."""

from __future__ import annotations

import subprocess
from pathlib import Path

DECISIVE = ("src", "params.yaml", "constraints.txt")
"""What of a study decides its results: what the stages write there (dvc.lock, pages) does not."""


def commit_of(root: Path) -> str | None:
    """Return the commit of a study, "-dirty" behind it if something decisive differs; None without git."""
    git = ["git", "-C", str(root)]
    try:
        commit, changes = (
            subprocess.run([*git, *command], capture_output=True, text=True, check=True).stdout.strip()
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--", *DECISIVE])
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}-dirty" if changes else commit
