"""Where the seconds of `make repro` go: `dvc repro` in a fresh clone, stage by stage.

Jobs are what a stage sends to its workers: all training and evaluation. A stage's other seconds are
start-up, data, MLflow, report. The clone shares this one's environment; LSTMFCN_UCR_DIR spares the download.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from common import keep

from lstmfcn.files import read_json
from lstmfcn.pipeline.executors.processes import at_once
from lstmfcn.runs.cache import MANIFEST
from lstmfcn.workspace import Workspace

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clone", type=Path, help="a new folder for the clone, which is kept then")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clone = arguments.clone or Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        table = profile(clone)
    keep(table, "pipeline")
    total, jobs = table["seconds"].sum(), table["jobs"].sum()
    print(table.assign(share=table["seconds"] / total).round(2).to_string(index=False))
    print(f"in all {total:.0f} s, of which jobs {jobs:.0f} s ({jobs / total:.0%})")


def profile(clone):
    """Run the pipeline; return for each stage its seconds, and those in which its workers had jobs."""
    environment = os.environ | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(clone / "src"),
        "DVC_NO_ANALYTICS": "1",
    }
    process = subprocess.Popen(
        [str(BIN / "dvc"), "repro"], cwd=clone, env=environment, stdout=subprocess.PIPE, text=True
    )
    begun, rows, finished = time.monotonic(), [], set()
    stage = "dvc"

    def close():
        nonlocal begun, finished
        manifests = {path: read_json(path)["facts"] for path in Workspace(clone).cache.glob(f"*/{MANIFEST}")}
        own = sum(facts["seconds"] for path, facts in manifests.items() if path not in finished)
        now = time.monotonic()
        rows.append({"stage": stage, "seconds": now - begun, "jobs": own / at_once()})
        begun, finished = now, set(manifests)

    for line in process.stdout:
        if line.startswith("Running stage"):
            close()
            stage = line.split("'")[1]
    close()
    if process.wait():
        sys.exit("dvc repro failed")
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
