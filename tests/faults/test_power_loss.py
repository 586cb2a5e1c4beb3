"""A process that ends, and a machine that stops, between writing a file and giving it its name."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from conftest import make_workspace
from lstmfcn.files import write_bytes
from lstmfcn.pipeline.lock import lock

DIE = """
import os, signal, sys
from pathlib import Path
from lstmfcn.files import atomic_path

with atomic_path(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"hal")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_file_that_was_being_written_is_as_before_and_nothing_is_left_of_the_new_one(tmp_path):
    workspace = make_workspace(tmp_path / "clone")
    path = workspace.phase1 / "Bumps/weights.npz"
    write_bytes(path, b"before")
    assert subprocess.run([sys.executable, "-c", DIE, str(path)]).returncode == -signal.SIGKILL
    assert path.read_bytes() == b"before"
    assert len(list(path.parent.iterdir())) == 2
    with lock(workspace, "the next stage", print):
        assert [p.name for p in path.parent.iterdir()] == ["weights.npz"]


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """Otherwise a file system may keep the name and lose the content when the power goes."""
    events = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor):
        events.append(("fsync", os.fstat(descriptor).st_size, os.fstat(descriptor).st_ino))
        fsync(descriptor)

    def note_replace(source, target, **more):
        found = Path(source).stat()
        events.append(("rename", found.st_size, found.st_ino))
        replace(source, target, **more)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    write_bytes(tmp_path / "file", bytes(100_000))
    (first, *synced), (second, *renamed) = events
    assert (first, second) == ("fsync", "rename")
    assert synced == renamed
    assert synced[0] == 100_000
