"""A stage on a file system that is too small, and again when it has grown."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import bumps, make_workspace, run_stages
from lstmfcn.files import DiskFullError, write_bytes
from lstmfcn.pipeline.jobs import JobsFailedError
from lstmfcn.runs.cache import Cache
from lstmfcn.workspace import Workspace

PARAMS = """
datasets: [Bumps]
models: [lstm_fcn]
references: []
seeds: [0, 1]
search: {cells: [4], folds: 2, epochs: 1, batch_size: 8}
train: {epochs: 2, batch_size: 8, folds: 2}
"""


def mount(folder, megabytes, *, again=False):
    """Make a file system of a size, or change it; skip where only root could."""
    option = f"{'remount,' if again else ''}size={megabytes}m"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip(f"no file system can be made here: {done.stderr.decode().strip()}")


@pytest.fixture
def disk(tmp_path):
    """A folder with a file system of its own, of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount(folder, 4)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_file_that_does_not_fit_is_named_and_leaves_nothing(disk):
    write_bytes(disk / "kept", b"before")
    for path in (disk / "new", disk / "kept"):
        with pytest.raises(DiskFullError, match=rf"{path.name} needs more than the [\d,]+ bytes"):
            write_bytes(path, os.urandom(5_000_000))
    assert [p.name for p in disk.iterdir()] == ["kept"]
    assert (disk / "kept").read_bytes() == b"before"


def test_a_stage_on_a_full_disk_is_completed_when_there_is_space(disk, tmp_path):
    bumps(tmp_path / "ucr")
    made = make_workspace(tmp_path / "clone", PARAMS)
    run_stages(made, tmp_path / "ucr", "fetch", "validate", "prepare", "search")
    shutil.copytree(made.root, disk / "clone", symlinks=True, ignore=shutil.ignore_patterns("mlruns", "docs"))
    clone = Workspace(disk / "clone")
    with pytest.raises((DiskFullError, JobsFailedError), match="The disk is full"):
        run_stages(clone, tmp_path / "ucr", "train")
    whole = {path.name for path in clone.cache.iterdir()}
    assert all(Cache(clone.cache).get(key) for key in whole)
    assert not list(Path(disk).rglob("*.tmp"))
    mount(disk, 200, again=True)
    run_stages(clone, tmp_path / "ucr", "train")
    assert len(list(clone.phase1.rglob("weights.npz"))) == 2
