"""A stage under `dvc repro` is forked from a host that has loaded the libraries: nobody sees a difference.

`dvc` here is a script of that name that runs commands one after the other, as DVC does.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

import lstmfcn
from conftest import copy_of, run_stages
from lstmfcn.cli import host, warm

DVC = """
import json, subprocess, sys
for line in sys.stdin:
    command = json.loads(line)
    with open(command["out"], "w") as out, open(command["error"], "w") as error:
        done = subprocess.run(command["words"], cwd=command["folder"], env=command["environment"],
                              stdout=out, stderr=error, umask=command["mask"])
    print(done.returncode, flush=True)
"""

NOTE = """
import atexit, os, sys
def note():
    environment = sys.modules.get("lstmfcn.environment")
    if environment and len(sys.argv) > 1:
        ways = {True: "warm", False: "cold"}
        with open(os.environ["NOTES"], "a") as notes:
            notes.write(f"{sys.argv[1]} {ways[environment.is_warm()]} {'lstmfcn.config' in sys.modules}\\n")
atexit.register(note)
"""
"""Each process says at its end which stage it was, and whether it was forked."""

ENDS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL}
"""How a command ends by a signal."""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="hosts fork, which is for Linux alone"),
    pytest.mark.slow,
]


class Dvc:
    """A `dvc` that has begun, and the clone whose stages it runs."""

    def __init__(self, folder, workspace):
        (folder / "site").mkdir(parents=True, exist_ok=True)
        (folder / "site/sitecustomize.py").write_text(NOTE)
        (folder / "dvc").write_text(DVC)
        self.notes, self.out, self.error = (folder / name for name in ("notes", "out", "error"))
        self.root = workspace.root
        self.environment = os.environ | {
            "NOTES": str(self.notes),
            "PYTHONPATH": os.pathsep.join([str(folder / "site"), os.environ.get("PYTHONPATH", "")]),
        }
        # What a shell has put into the background ignores Ctrl-C, and so would all that it starts.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            [sys.executable, folder / "dvc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        signal.signal(signal.SIGINT, before)
        began = psutil.Process(self.process.pid).create_time()
        self.place = warm.place_of(self.process.pid, began)

    def begin(self, *words, mask=0o22, **variables):
        """Let it run a command of ours."""
        command = {
            "words": [sys.executable, "-m", "lstmfcn", *words],
            "folder": str(self.root),
            "environment": self.environment | variables,
            "mask": mask,
            "out": str(self.out),
            "error": str(self.error),
        }
        self.error.unlink(missing_ok=True)
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def end(self):
        """Return the status, output and complaints of the command that was begun."""
        return int(self.process.stdout.readline()), self.out.read_text(), self.error.read_text()

    def run(self, *words, **values):
        self.begin(*words, **values)
        return self.end()

    @property
    def ways(self):
        """Which stages ran how, in order; the commands themselves, which only hand over, left out."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [line.split()[:2] for line in lines if line.split()[2] == "True"]

    def command(self):
        """Return the process of the command that runs."""
        return until(lambda: psutil.Process(self.process.pid).children())[0]

    def waiting_fork(self):
        """Return the process that does the command's work, as soon as it waits for the lock of the study."""
        until(lambda: self.error.exists() and "Waiting for" in self.error.read_text())
        return of_host(self.place)[0]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def until(found, seconds=60):
    """Return what is found as soon as it is something."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return value


def of_host(place):
    """Return the forks of the host of a place."""
    hosts = hosts_of(place)
    return hosts[0].children() if hosts else []


def hosts_of(place):
    """Return the host of a place, if it is there: the process that listens."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):
            words = process.info["cmdline"] or []
            if "lstmfcn.cli.host" in words and warm.place_of(int(words[-2]), float(words[-1])) == place:
                found.append(process)
    return [process for process in found if process.ppid() not in {p.pid for p in found}]


@pytest.fixture(scope="module")
def clone(finished, tmp_path_factory):
    copy = copy_of(finished[0], tmp_path_factory.mktemp("warm") / "clone")
    run_stages(copy, finished[1], "search")  # which mends the addresses of its store, once
    return copy


@pytest.fixture(scope="module")
def dvc(clone, tmp_path_factory):
    """One whose host goes on to the next test. The package is a copy, so that a test may touch a file."""
    folder = tmp_path_factory.mktemp("dvc")
    shutil.copytree(Path(lstmfcn.__file__).parent, folder / "site/lstmfcn")
    yield from running(folder, clone)


@pytest.fixture
def another_dvc(clone, tmp_path):
    yield from running(tmp_path, clone)


def running(folder, clone):
    made = Dvc(folder, clone)
    yield made
    made.close()
    until(lambda: not hosts_of(made.place))
    assert not made.place.exists()


def test_a_warm_stage_says_and_leaves_what_a_cold_one_does(dvc, clone):
    """Also with a folder, variables and a umask of its own; and an error is the same error."""
    found = {}
    for way, variables in (("cold", {"LSTMFCN_COLD": "1"}), ("warm", {})):
        found[way] = [
            dvc.run(*words, **variables)
            for words in (["search"], ["evaluate"], ["search", "-w", "nowhere"], ["train", "--what"])
        ]
    assert found["warm"] == found["cold"]
    assert [status for status, _, _ in found["warm"]] == [0, 0, 1, 2]
    assert ["search", "warm"] in dvc.ways
    assert ["evaluate", "warm"] in dvc.ways
    assert "finished before" in found["warm"][0][1]


def test_a_command_that_is_told_to_end_ends_its_fork(dvc, clone):
    """The fork waits for the lock of the study, which this process holds."""
    for number, expected in ENDS.items():
        with FileLock(clone.lock):
            dvc.begin("search")
            fork = dvc.waiting_fork()
            dvc.command().send_signal(number)
            status, _, said = dvc.end()
            until(lambda fork=fork: not fork.is_running())
        assert status == expected
        assert "Traceback" not in said
    assert dvc.run("search")[0] == 0


def test_a_command_that_is_stopped_stops_its_fork_until_it_goes_on(dvc, clone):
    with FileLock(clone.lock):
        dvc.begin("search")
        fork, command = dvc.waiting_fork(), dvc.command()
        command.send_signal(signal.SIGTSTP)
        until(lambda: fork.status() == command.status() == psutil.STATUS_STOPPED)
        command.send_signal(signal.SIGCONT)
        until(lambda: fork.status() != psutil.STATUS_STOPPED)
    assert dvc.end()[0] == 0


def test_what_a_host_has_forked_ends_with_it_and_the_next_stage_runs_cold(another_dvc, clone):
    dvc = another_dvc
    with FileLock(clone.lock):
        dvc.begin("search")
        fork = dvc.waiting_fork()
        hosts_of(dvc.place)[0].kill()
        status, _, _ = dvc.end()
        until(lambda: not fork.is_running())
    assert status == -signal.SIGKILL
    assert dvc.run("compare")[0] == 0
    assert dvc.ways[-1] == ["compare", "cold"]


def test_what_dvc_has_left_ends_with_it(clone, tmp_path):
    """Nothing is left of a `dvc` that was killed: no process, no socket, no lock that is held."""
    dvc = Dvc(tmp_path / "bin", clone)
    with FileLock(clone.lock):
        dvc.begin("search")
        fork, command = dvc.waiting_fork(), dvc.command()
        dvc.process.kill()
        dvc.process.communicate()
        until(lambda: not fork.is_running() and not command.is_running() and not hosts_of(dvc.place))
    assert not dvc.place.exists()


def test_in_another_environment_a_stage_runs_cold(dvc):
    """What an import gives may depend on any variable, but not on the name that DVC gives a stage."""
    dvc.run("search")
    assert dvc.run("evaluate", DVC_STAGE="evaluate")[0] == 0
    assert dvc.run("compare", OMP_NUM_THREADS="7")[0] == 0
    assert dvc.ways[-3:] == [["search", "warm"], ["evaluate", "warm"], ["compare", "cold"]]


def test_code_that_was_changed_since_is_not_run_warm(dvc):
    """A file is touched between two stages; once it is as it was, the host serves again."""
    path = dvc.notes.with_name("site") / "lstmfcn/runs/run.py"
    known = path.stat()
    assert dvc.run("search")[0] == 0
    os.utime(path)
    assert dvc.run("search")[0] == 0
    os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))
    assert dvc.run("search")[0] == 0
    assert dvc.ways[-3:] == [["search", "warm"], ["search", "cold"], ["search", "warm"]]


def test_a_stage_that_no_dvc_runs_is_cold(clone, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["lstmfcn", "search"])
    assert warm.run_warm() is None


def test_nobody_else_is_listened_to(tmp_path, monkeypatch):
    """A host listens in a folder of its user's alone, or not at all."""
    monkeypatch.setattr(warm.tempfile, "gettempdir", lambda: str(tmp_path))
    place = warm.place_of(1, 1.0)
    place.parent.mkdir(mode=0o755)
    with pytest.raises(PermissionError, match="alone"):
        host._listen(place)
    place.parent.rmdir()
    place.parent.symlink_to(tmp_path)
    with pytest.raises(PermissionError, match="alone"):
        host._listen(place)
    place.parent.unlink()
    host._listen(place).close()
    assert place.exists()
