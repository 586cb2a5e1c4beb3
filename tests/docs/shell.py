"""A reader's shell: bash runs what a page shows, and what would take too long is done in this process.

- `lstmfcn` and `dvc` run here, where TensorFlow, Great Expectations and DVC are loaded once for all pages.
- `dvc repro` runs the stages here by a recipe of one epoch, but for the report, whose figures take most of
  the time. (`faults/test_kill_repro.py` runs DVC's own.)
- `dvc exp run` checks what it is asked to set; `make` says whether it knows the target.

All else is what the machine has.
"""

import io
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from dvc.cli import main as dvc

from conftest import ROOT
from lstmfcn import cli, config, yaml12
from lstmfcn.pipeline.stages import run_stages
from lstmfcn.pipeline.table import STAGES
from lstmfcn.study import adding, new
from lstmfcn.workspace import Workspace

new_call = new.call

QUICK = {
    "models": ["fcn"],
    "references": [],
    "train": {"epochs": 1, "folds": 2, "batch_size": 64},
    "finetune": {"iterations": 0},
}

DRAWING_LEFT_OUT = [name for name in STAGES if name != "report"]

ASK = """#!{python} -IS
import json, os, socket, sys
name = os.path.basename(sys.argv[0])
kept = {{k: v for k, v in os.environ.items() if k.startswith(("LSTMFCN_", "MLFLOW_"))}}
asked = json.dumps([name, sys.argv[1:], os.getcwd(), kept]) + "\\n"
with socket.socket(socket.AF_UNIX) as line:
    line.connect({address!r})
    line.sendall(asked.encode())
    code, out, err = json.loads(line.makefile().read())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


class Shell:
    """What a page's commands run in. Folder and exported variables last from block to block."""

    def __init__(self, folder, cache):
        """Begin in a folder; studies take finished jobs from a cache, and leave theirs there."""
        self.cwd, self._cache = folder, cache
        self._bin = Path(tempfile.mkdtemp(prefix="sh"))  # short: the address of a socket has a hundred bytes
        self._line = socket.socket(socket.AF_UNIX)
        self._line.bind(str(self._bin / "line"))
        self._line.listen()
        for name in ("lstmfcn", "dvc", "make"):
            path = self._bin / name
            path.write_text(ASK.format(python=sys.executable, address=str(self._bin / "line")))
            path.chmod(0o755)
        (self._bin / ".curlrc").write_text("fail-with-body\nsilent\n")  # else a refusal would pass
        self._environment = os.environ | {
            "PATH": f"{self._bin}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self._bin),
            **{
                f"GIT_{who}_{what}": "r@example.org"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        }

    def run(self, script):
        """Run a block; return what it printed. A command that fails ends it and is an error."""
        state = self._bin / "state"
        whole = f"set -euo pipefail\ntrap 'pwd > {state}; env -0 >> {state}' EXIT\n{script}"
        with subprocess.Popen(
            ["bash", "-c", whole],
            cwd=self.cwd,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as bash:
            said = b""
            while ready := select.select([self._line, bash.stdout], [], [])[0]:
                if self._line in ready:
                    self._answer()
                if bash.stdout in ready:
                    more = os.read(bash.stdout.fileno(), 65536)
                    said += more
                    if not more:
                        break
        text = said.decode()
        assert bash.wait() == 0, f"\n{script}\n{text}"
        cwd, _, environment = state.read_text().partition("\n")
        self.cwd = Path(cwd)
        self._environment = dict(pair.split("=", 1) for pair in environment.split("\0") if pair)
        return text

    def close(self):
        self._line.close()
        shutil.rmtree(self._bin)

    def _answer(self):
        line, _ = self._line.accept()
        with line:
            name, arguments, cwd, environment = json.loads(line.makefile().readline())
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(cwd)
                patch.delenv("MLFLOW_TRACKING_URI", raising=False)  # a snippet's, before
                for variable, value in environment.items():
                    patch.setenv(variable, value)
                done = _run(lambda: getattr(self, f"_{name}")(arguments), patch)
            line.sendall(json.dumps(done).encode())

    def _lstmfcn(self, arguments):
        sys.argv[1:] = arguments
        try:
            with pytest.MonkeyPatch.context() as patch:
                for module in (new, adding):
                    patch.setattr(module, "call", _call)
                cli.main()
        finally:
            if arguments[0] == "init":
                _make_quick(Workspace(Path(arguments[1])), self._cache)

    def _dvc(self, arguments):
        here = Workspace(Path())
        if arguments[:1] == ["repro"]:
            self._repro(here, arguments[1:])
        elif arguments[:2] == ["exp", "run"]:
            values = yaml12.read(here.params)
            for setting in (a for a in arguments[2:] if "=" in a):
                key, _, value = setting.partition("=")
                *sections, name = key.split(".")
                inner = values
                for section in sections:
                    inner = inner.setdefault(section, {})
                inner[name] = json.loads(value) if value[:1].isdigit() else value
            config.parse(values)
        else:
            sys.exit(dvc(arguments))

    def _repro(self, here, stages):
        run_stages(stages or DRAWING_LEFT_OUT, here, config.load(here.params))
        lock = here.root / "dvc.lock"
        lock.write_text("schema: '2.0'\nstages: {}\n")  # as DVC's own would, it gives git something to commit

    def _make(self, arguments):
        done = subprocess.run(
            [shutil.which("make"), "-n", "-C", ROOT, *arguments], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


def _call(*command, folder):
    """Do what `lstmfcn.study.new.call` does; DVC runs here, too."""
    if command[1:3] == ("-m", "dvc"):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            assert dvc(list(command[3:])) == 0
    else:
        new_call(*command, folder=folder)


def _make_quick(study, cache):
    """Give a new study the recipe of one epoch, one dataset where none was asked for, and the cache."""
    if study.cache.is_symlink():
        return
    datasets = config.load(study.params).datasets
    listed = ("GunPoint",) if datasets == config.DATASETS else datasets
    study.params.write_text(config.as_yaml(datasets=listed, **QUICK))
    study.cache.parent.mkdir()
    shutil.copy(cache.parent / "mlflow.db", study.mlruns)  # an empty store: MLflow takes seconds to make one
    study.cache.symlink_to(cache)


def _run(command, patch):
    """Return the exit status of what runs in this process, and what it printed."""
    streams = {name: io.StringIO() for name in ("stdout", "stderr")}
    for name, stream in streams.items():
        patch.setattr(sys, name, stream)
    patch.setattr(sys, "argv", ["lstmfcn"])
    patch.setattr("lstmfcn.environment.prepare_command", lambda: None)
    try:
        code = command()
    except SystemExit as ended:
        code = ended.code
    return code or 0, *(stream.getvalue() for stream in streams.values())
