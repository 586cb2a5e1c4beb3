"""A study of one small dataset, from `lstmfcn init` on: `dvc repro` with warm stages, and with cold ones.

Cold is each stage in a process of its own (LSTMFCN_COLD). Processor seconds are of all processes, the host of
warm stages among them.
"""

import argparse
import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from common import keep

from lstmfcn.files import read_json
from lstmfcn.runs.cache import MANIFEST
from lstmfcn.workspace import Workspace

BIN = Path(sys.executable).parent
PR_SET_CHILD_SUBREAPER = 36


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="ItalyPowerDemand")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # so that the host, whose parent has ended, counts too
    rows = []
    for repeat in range(arguments.repeats):
        for way, variables in {"cold": {"LSTMFCN_COLD": "1"}, "warm": {}}.items():
            with tempfile.TemporaryDirectory() as folder:
                study = Path(folder, "study")
                subprocess.run(
                    [BIN / "lstmfcn", "init", study, "--datasets", arguments.dataset],
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
                rows.append({"repeat": repeat, "way": way, **measure(study, variables)})
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    keep(table, "small_study")
    print(table.groupby("way")[["seconds", "processor", "jobs"]].median().round(1).to_string())


def measure(study, variables):
    """Return the seconds of `dvc repro`, those of all processors, and those in which jobs ran."""
    environment = os.environ | variables
    environment |= {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}
    before, begun = processor(), time.monotonic()
    subprocess.run([BIN / "dvc", "repro"], cwd=study, env=environment, check=True, capture_output=True)
    seconds = time.monotonic() - begun
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    jobs = [read_json(path)["facts"]["seconds"] for path in Workspace(study).cache.glob(f"*/{MANIFEST}")]
    return {"seconds": seconds, "processor": processor() - before, "jobs": sum(jobs) / 2}


def processor():
    """Return the processor seconds of all that has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
