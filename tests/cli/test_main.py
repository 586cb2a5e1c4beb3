"""The command line's top: what the system refuses is one sentence, whatever terminal it is shown on."""

import errno
import io
import os
import shutil
import subprocess
import sys

import pytest

from conftest import copy_of, make_workspace
from lstmfcn import cli, oserrors


def run(monkeypatch, *arguments, encoding="utf-8"):
    """Run a command in this process; return its status and what it said on a terminal of an encoding."""
    streams = {name: io.TextIOWrapper(io.BytesIO(), encoding=encoding) for name in ("stdout", "stderr")}
    with monkeypatch.context() as patch:
        for name, stream in streams.items():
            patch.setattr(sys, name, stream)
        patch.setattr(sys, "argv", ["lstmfcn", *map(str, arguments)])
        patch.setattr("lstmfcn.environment.prepare_command", lambda: None)
        with pytest.raises(SystemExit) as ended:
            cli.main()
    said = b""
    for stream in streams.values():
        stream.flush()
        said += stream.buffer.getvalue()
    return ended.value.code, said.decode()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.EACCES, "permission denied"),
        (errno.EPERM, "permission denied"),
        (errno.EROFS, "read-only file system. Copy the study"),
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EISDIR, "it is a folder"),
        (errno.ENOTDIR, "is a file. Move that away"),
        (errno.EMFILE, "ulimit"),
        (errno.EIO, "the disk cannot be read"),
        (errno.EBUSY, os.strerror(errno.EBUSY)),
    ],
)
@pytest.mark.parametrize("command", ["champions", "summary", "train"])
def test_what_the_system_refuses_is_one_sentence_with_the_file(tmp_path, monkeypatch, command, code, said):
    workspace = make_workspace(tmp_path / "clone")

    def refuse(*_arguments, **_keywords):
        raise OSError(code, os.strerror(code), str(workspace.root / "some file"))

    for place in ("tracking.registry.versions.is_missing", "config.load"):
        monkeypatch.setattr(f"lstmfcn.{place}", refuse)
    status, text = run(monkeypatch, command, "-w", workspace.root)
    assert status == 1
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    assert said in text
    assert str(workspace.root / "some file") in text


@pytest.mark.parametrize("length", [240, 300, 5000])
def test_a_name_too_long_is_one_sentence(tmp_path, monkeypatch, length):
    workspace = make_workspace(tmp_path / "clone")
    for arguments in (
        ("pull", "Bumps", "--to", tmp_path / ("x" * length)),
        ("champions", "-w", "x" * length),
    ):
        status, text = run(
            monkeypatch, *arguments, *(["-w", workspace.root] if arguments[0] == "pull" else [])
        )
        assert text.count("\n") == 1
        assert len(text) < 1000
        if length > oserrors.LONGEST:
            assert status == 1
            assert "is too long for a file" in text or "Nothing is registered" in text


@pytest.mark.parametrize(
    "arguments", [["--help"], ["champions"], ["doctor"], ["no-such-command"], ["licences"]]
)
def test_a_terminal_that_knows_ascii_alone_is_told_all_the_same(tmp_path, monkeypatch, arguments):
    """What a stage prints has characters replaced; typer's own words go out as UTF-8."""
    workspace = make_workspace(tmp_path / "Größe Ω", "datasets: [Größe]\nmodels: [fcn]\n")
    monkeypatch.chdir(workspace.root)
    _, text = run(monkeypatch, *arguments, encoding="ascii")
    assert text


CLOSED = """
import io, os, sys
from pathlib import Path
root, commands = Path(sys.argv[1]), sys.argv[2:]
from lstmfcn import cli
for folder in ("data", "mlruns", ".lstmfcn", "results", "models", "reports", "."):
    for rights in (0o500, 0):
        (root / folder).chmod(rights)
        for command in commands:
            sys.stderr, kept = io.StringIO(), sys.stderr
            sys.argv = ["lstmfcn", command, "-w", str(root)]
            try:
                cli.main()
            except SystemExit as ended:
                said, code = sys.stderr.getvalue(), ended.code
            finally:
                sys.stderr = kept
            assert "Traceback" not in said, said
            told = "permission denied" in said or "readable" in said
            assert told or not code or command == "doctor", (command, folder, said)
    (root / folder).chmod(0o755)
print("all told")
"""


def test_a_closed_folder_ends_no_command_in_a_traceback(finished, tmp_path):
    """In a process without the superuser's right to pass closed doors."""
    as_user = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    if as_user and shutil.which("setpriv") is None:
        pytest.skip("the superuser passes closed doors, and setpriv is not installed")
    workspace = copy_of(finished[0], tmp_path / "clone")
    command = [
        *as_user,
        sys.executable,
        "-c",
        CLOSED,
        str(workspace.root),
        "champions",
        "summary",
        "doctor",
        "sync",
    ]
    done = subprocess.run([*command, "code"], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.endswith("all told\n"), done.stderr[-2000:]
