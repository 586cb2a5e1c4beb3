"""What make does in a clone that was moved or copied."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT


@pytest.fixture
def clone(tmp_path):
    """Return a clone in miniature, with a .venv that has a script, an editable package and no pip."""
    clone = tmp_path / "clone"
    (clone / "src").mkdir(parents=True)
    (clone / "src/own.py").write_text("def main():\n    print(__file__)\n")
    for name in ("pyproject.toml", "constraints.txt"):
        (clone / name).write_text("")
    shutil.copy(ROOT / "Makefile", clone)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", clone / ".venv"], check=True)
    (packages,) = (clone / ".venv/lib").glob("python*/site-packages")
    (packages / "_own.pth").write_text(f"{clone}/src")
    (packages / "own-1.dist-info").mkdir()
    (packages / "own-1.dist-info/direct_url.json").write_text(f'{{"url":"{clone.as_uri()}"}}')
    script = clone / ".venv/bin/own"
    script.write_text(f"#!{clone}/.venv/bin/python\nimport sys\nfrom own import main\nsys.exit(main())\n")
    script.chmod(0o755)
    (clone / ".venv/.installed").touch()
    return clone


def make(folder):
    done = subprocess.run(["make", "-s", "setup"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def place_of(folder):
    """Return which file the script imports."""
    done = subprocess.run([folder / ".venv/bin/own"], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


@pytest.mark.parametrize("name", ["moved", "clone-2", "in a folder with blanks", "x" * 120])
@pytest.mark.parametrize("how", [shutil.move, lambda a, b: shutil.copytree(a, b, symlinks=True)])
def test_the_environment_of_a_moved_clone_is_brought_along(clone, tmp_path, name, how):
    """Its scripts run, and import the code of the clone that they are in; a copy's original is as it was."""
    assert make(clone) == ""
    assert place_of(clone) == clone / "src/own.py"
    to = tmp_path / name
    how(clone, to)
    assert make(to) == f"This clone was at {clone}: .venv is brought along.\n"
    assert place_of(to) == to / "src/own.py"
    assert str(clone) + '"' not in (next(to.glob(".venv/lib/*/site-packages/own-1.dist-info/*"))).read_text()
    assert make(to) == ""
    if clone.exists():
        assert place_of(clone) == clone / "src/own.py"
