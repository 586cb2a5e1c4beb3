"""Making a study: the folder in which a pipeline runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

from lstmfcn import config
from lstmfcn.environment import MissingLibraryError
from lstmfcn.errors import LstmfcnError
from lstmfcn.files import write_text
from lstmfcn.pipeline.table import dvc_yaml

PLOTS_PAGE = "../reports/plots/page.html"
"""What `dvc plots` draws on, as seen from `.dvc`."""

TEMPLATE = {
    ".gitignore": "gitignore",
    ".dvcignore": "dvcignore",
    ".dvc/config": "dvcconfig",
    ".dvc/plots/evidence.json": "evidence.json",
    ".dvc/plots/curves.json": "curves.json",
    "data/README.md": "data.md",
    "data/own/README.md": "own.md",
    "mlruns/README.md": "mlruns.md",
    "README.md": "README.md",
}
"""What is copied into a new study, and from which file of `template/`."""


def files_of(name: str, datasets: tuple[str, ...] = ()) -> Mapping[str, str]:
    """Return the files of a new study, by their path in it.

    Parameters
    ----------
    name
        What its README calls it.
    datasets
        What its `params.yaml` lists; the schema's own where there are none.
    """
    overrides = {"datasets": datasets} if datasets else {}
    template = resources.files("lstmfcn.study") / "template"
    copied = {path: (template / file).read_text(encoding="utf-8") for path, file in TEMPLATE.items()}
    return copied | {
        "params.yaml": config.as_yaml(**overrides),
        "dvc.yaml": dvc_yaml(),
        "README.md": copied["README.md"].replace("NAME", name, 1),
    }


def make(folder: Path, datasets: tuple[str, ...] = ()) -> list[str]:
    """Make a study, or bring what is not the user's own up to date in one; return what was written.

    In a folder that holds a study already, `dvc.yaml` and the templates of its plots are written anew, since
    they are of this version, and what is missing is added: files, and keys of `params.yaml` that are new,
    with their defaults. All else is left as it is.

    Parameters
    ----------
    folder
        Where; made if it is not there.
    datasets
        See `files_of`.

    Raises
    ------
    LstmfcnError
        If the folder is a file, holds what is no study's, or git or DVC are missing or fail.
    """
    if folder.exists() and not folder.is_dir():
        raise LstmfcnError(f"{folder} is a file. Name a new folder, or an empty one.")
    if others := _files_of_others(folder):
        raise LstmfcnError(f"{folder} holds other things ({', '.join(others[:5])}). Name a new folder.")
    if find_spec("dvc") is None:
        raise MissingLibraryError(
            "dvc is not installed: a study is run by it. `pip install 'lstmfcn[pipeline]'` installs it."
        )
    folder.mkdir(parents=True, exist_ok=True)
    if not _succeeds("git", "rev-parse", "--git-dir", folder=folder):
        call("git", "init", "--quiet", folder=folder)
    new = not (folder / ".dvc").is_dir()
    if new:
        inside = _top_of_git(folder) != folder.resolve()
        call(sys.executable, "-m", "dvc", "init", "--quiet", *(["--subdir"] if inside else []), folder=folder)
    written = []
    title = os.fsencode(folder.resolve().name).decode("utf-8", errors="replace")  # whatever the locale
    for name, text in files_of(title, datasets).items():
        path = folder / name
        ours = name == "dvc.yaml" or name.startswith(".dvc/plots/") or (new and name.startswith(".dvc"))
        if not path.exists() or (ours and path.read_text(encoding="utf-8") != text):
            write_text(path, text)
            written.append(name)
    if (missing := _missing(folder / "params.yaml")) is not None:
        write_text(folder / "params.yaml", missing)
        written.append("params.yaml")
    if "html_template" not in (folder / ".dvc/config").read_text(encoding="utf-8"):
        call(sys.executable, "-m", "dvc", "config", "plots.html_template", PLOTS_PAGE, folder=folder)
        written.append(".dvc/config")
    return written


def _missing(path: Path) -> str | None:
    """Return parameters with the keys that an older version did not know; None where all are there.

    DVC stops where a key is missing that a stage names. A file that is not understood is left to its user.
    """
    try:
        added = config.what_it_lacks(path)
    except LstmfcnError:
        return None
    return f"{path.read_text(encoding='utf-8').rstrip()}\n\n{added}" if added else None


def _files_of_others(folder: Path) -> list[str]:
    """Return what a folder holds that is neither a study's nor a new repository's."""
    if not folder.is_dir() or (folder / "params.yaml").exists():
        return []
    names = sorted(path.name for path in folder.iterdir())
    return [name for name in names if not name.startswith((".", "README", "LICENSE", "CHANGELOG"))]


def _top_of_git(folder: Path) -> Path:
    command = ["git", "-C", str(folder), "rev-parse", "--show-toplevel"]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())


def _succeeds(*command: str, folder: Path) -> bool:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True).returncode == 0
    except OSError:
        raise LstmfcnError(f"{command[0]} is missing. Install it, then run the command again.") from None


def call(*command: str, folder: Path) -> None:
    """Run a command in a folder; raise an error with what it said if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        what = done.stderr.strip() or done.stdout.strip()
        raise LstmfcnError(f"`{' '.join(command[-4:])}` failed in {folder}: {what}")
