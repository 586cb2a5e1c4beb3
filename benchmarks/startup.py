"""Time whole commands beside `import tensorflow`, interleaved, in a clone in which `make repro` has run."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from common import keep

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workspace", type=Path, default=HERE.parent, help="the clone")
    arguments = parser.parse_args()
    test = next((arguments.workspace / "data/raw/GunPoint").glob("*_TEST.*"))
    with tempfile.TemporaryDirectory() as folder:
        predictions = Path(folder) / "predictions.csv"
        commands = {
            "lstmfcn --help": [BIN / "lstmfcn", "--help"],
            "import tensorflow": [sys.executable, "-c", "import tensorflow"],
            "lstmfcn predict": [BIN / "lstmfcn", "predict", "GunPoint", test, "--output", predictions],
            "lstmfcn champions": [BIN / "lstmfcn", "champions"],
            "dvc repro, nothing to do": [BIN / "dvc", "repro"],
        }
        rows = [
            {"repeat": repeat, "command": name, "seconds": seconds(command, arguments.workspace)}
            for repeat in range(arguments.repeats + 1)
            for name, command in commands.items()
        ]
    table = pd.DataFrame(rows)
    table = table[table["repeat"] > 0]  # the first fills the disk's cache
    keep(table, "startup")
    wide = table.pivot(index="repeat", columns="command", values="seconds")
    for name in commands:
        ratio = statistics.median(wide[name] / wide["import tensorflow"])
        print(f"{name:26}{wide[name].median():7.2f} s, from {wide[name].min():.2f} to {wide[name].max():.2f},"
              f" {ratio:.2f} times import tensorflow")  # fmt: skip


def seconds(command, workspace):
    """Return how long a command took."""
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}
    begun = time.perf_counter()
    subprocess.run(
        [str(part) for part in command], cwd=workspace, env=environment, capture_output=True, check=True
    )
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
