"""`deploy/slurm.sh`, run with stand-ins for what a cluster has: who begins when, and who is told to end."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import ROOT

SCRIPT = ROOT / "deploy/slurm.sh"

SAY = 'say() { echo "$*" >> "$LOG"; }\n'
"""Writes a line of the log that all stand-ins share."""

STAY = """
exec 2> /dev/null
ended() { say "$1 ended"; exit 0; }
stay() { trap "ended '$1'" TERM; say "$1 up"; while :; do sleep 0.05; done; }
"""
"""Stays until it is told to end."""

STAND_INS = {
    "scontrol": 'test "$1 $2" = "show hostnames" && tr , "\\n" <<< "$3"',
    "hostname": 'test "$1" = --ip-address && echo "$NODE_ADDRESSES"',
    "srun": """
say "srun $*"
while [[ $1 == --* ]]; do shift; done
exec "$@"
""",
    "ray": """
case "$*" in
  status*) [[ -e $LOG.up && $RAY_AUTH_MODE == token && $RAY_AUTH_TOKEN == "$(< "$LOG.up")" ]] ;;
  *--head*)
    [[ $HEAD == fails ]] && exit 1
    (sleep 0.4; echo "$RAY_AUTH_TOKEN" > "$LOG.up") &
    sleep 0.2; stay head ;;
  *) [[ $RAY_AUTH_TOKEN == "$(< "$LOG.up")" ]] || say "another token"; stay workers ;;
esac
""",
    "lstmfcn": 'say "lstmfcn $* at $LSTMFCN_RAY_ADDRESS"; exit 1',
    "dvc": """
trap 'say "dvc ended"; exit 143' TERM
say "dvc $* at $LSTMFCN_RAY_ADDRESS in $PWD"
[[ $SLURM_JOB_NODELIST == n1 ]] || until grep --quiet "workers up" "$LOG"; do sleep 0.02; done
[[ $STUDY == waits ]] || exit "$STUDY"
(trap 'sleep 0.3; ended stage' TERM; say "stage up"; while :; do sleep 0.05; done) &
wait
""",
}


class Job:
    """The script, as SLURM begins it on three nodes."""

    def __init__(self, folder, **variables):
        self.log, self.study, self.scratch = (
            folder / "log",
            folder / "study",
            Path(f"/tmp/ray-{os.getpid()}000"),
        )
        (folder / "bin").mkdir(exist_ok=True)
        (self.study / ".dvc/tmp").mkdir(parents=True, exist_ok=True)
        for name, body in STAND_INS.items():
            (folder / "bin" / name).write_text(f"#!/usr/bin/env bash\n{SAY}{STAY}{body}")
            (folder / "bin" / name).chmod(0o755)
        given = {
            "VENV": str(folder),
            "LOG": str(self.log),
            "SLURM_JOB_ID": self.scratch.name.removeprefix("ray-"),
            "SLURM_JOB_NODELIST": "n1,n2,n3",
            "SLURM_CPUS_PER_TASK": "16",
            "SLURM_SUBMIT_DIR": str(self.study),
            "NODE_ADDRESSES": "127.0.1.1 fd00::7 10.0.0.7",
            "HEAD": "starts",
            "STUDY": "0",
        }
        self.process = subprocess.Popen(
            ["bash", SCRIPT], env=os.environ | given | variables, stderr=subprocess.PIPE, text=True
        )

    def said(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def when(self, begins):
        """Return the number of the one line that begins so."""
        (number,) = (i for i, line in enumerate(self.said()) if line.startswith(begins))
        return number

    def end(self):
        """Return its exit status, and what it complained of."""
        complaints = self.process.communicate(timeout=30)[1]
        return self.process.returncode, complaints


@pytest.mark.parametrize("status", [0, 3])
def test_the_head_begins_then_the_workers_then_the_study_and_all_end(tmp_path, status):
    (tmp_path / "study/.dvc/tmp").mkdir(parents=True)
    left = tmp_path / "study/.dvc/tmp/rwlock"
    left.write_text("of a job that was killed")
    job = Job(tmp_path, STUDY=str(status))
    job.scratch.mkdir()
    assert job.end()[0] == status
    head, workers, *_ = (line for line in job.said() if line.startswith("srun"))
    address = f"10.0.0.7:{20000 + int(job.scratch.name.removeprefix('ray-')) % 6000}"
    for word in ("--nodelist=n1", "--num-cpus=15", "--node-ip-address=10.0.0.7", f"--temp-dir={job.scratch}"):
        assert word in head.split()
    for word in ("--exclude=n1", "--nodes=2", "--ntasks=2", "--num-cpus=16", f"--address={address}"):
        assert word in workers.split()
    up, doctor = job.when("head up"), job.when(f"lstmfcn doctor at {address}")
    repro = job.when(f"dvc repro at {address} in {job.study}")
    assert job.said().index(head) < up < min(job.said().index(workers), doctor)
    assert doctor < repro < min(job.when("head ended"), job.when("workers ended"))
    assert not left.exists()
    assert not job.scratch.exists()


def test_before_the_time_is_up_the_stage_is_told_first_and_clears_up_before_ray_ends(tmp_path):
    """As `--signal=B:TERM` tells the script. The same job then does it once more, and ends well."""
    job = Job(tmp_path, STUDY="waits")
    until(lambda: "stage up" in job.said())
    job.process.send_signal(signal.SIGTERM)
    assert job.end()[0] == 143
    assert job.when("dvc ended") < job.when("stage ended")
    assert job.when("stage ended") < min(job.when("head ended"), job.when("workers ended"))
    job.log.unlink()
    Path(f"{job.log}.up").unlink()
    assert Job(tmp_path).end()[0] == 0


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"HEAD": "fails"}, "Ray's head did not start on n1"),
        ({"NODE_ADDRESSES": "127.0.1.1"}, "knows itself by no address that others reach"),
    ],
)
def test_what_cannot_begin_is_said_and_nothing_else_begins(tmp_path, variables, reason):
    job = Job(tmp_path, **variables)
    status, complaints = job.end()
    assert status == 1
    assert reason in complaints
    assert not [line for line in job.said() if line.startswith(("dvc", "lstmfcn"))]


def test_one_node_is_head_and_worker(tmp_path):
    job = Job(tmp_path, SLURM_JOB_NODELIST="n1", SLURM_CPUS_PER_TASK="1")
    assert job.end()[0] == 0
    assert sum("ray start" in line for line in job.said()) == 1
    assert "--num-cpus=1" in job.said()[0].split()


def test_slurm_reads_all_options_since_they_stand_before_the_first_command():
    """It reads no further; a comment behind an option begins with #."""
    head = re.match(r"(?:(?:#.*)?\n)*", SCRIPT.read_text()).group()
    options = re.findall(r"^#SBATCH (--[\w-]+(?:=\S+)?) *(?:#.*)?$", head, re.MULTILINE)
    assert len(options) == SCRIPT.read_text().count("#SBATCH") == 10
    assert "--signal=B:TERM@120" in options
    assert "--dependency=singleton" in options


def until(found, seconds=30):
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.02)
