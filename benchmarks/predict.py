"""Time `lstmfcn predict` on files of growing size, and measure its memory, beside a matrix product.

The network is an LSTM-FCN of 8 cells with its first weights: what it answers takes as long as if it were
trained. The product is that of the largest convolution's size, in float32 on one thread: no series can be
predicted faster than its convolutions' multiplications at that speed.
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

LENGTH, CLASSES = 150, 2
OPERATIONS = 2 * LENGTH * (8 * 128 + 5 * 128 * 256 + 3 * 256 * 128)
"""Of the convolutions of a series."""

PACKAGE = """
import sys
sys.path.insert(0, "tests")
from untrained import package
from lstmfcn.networks.architecture import Architecture
package(sys.argv[1], classes=("a", "b"), shape=(1, 150), architecture=Architecture(name="lstm_fcn", cells=8))
"""

PRODUCT = """
import time
import tensorflow as tf
A, B = tf.random.normal((4096, 640)), tf.random.normal((640, 256))
product = tf.function(lambda: tf.reduce_sum(A @ B))
product()
times = []
for _ in range(20):
    begun = time.process_time()
    product()
    times.append(time.process_time() - begun)
print(2 * 4096 * 640 * 256 / min(times))
"""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 200_000, 1_000_000])
    arguments = parser.parse_args()
    root = Path(__file__).parent.parent
    environment = os.environ | ONE_THREAD | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        subprocess.run([sys.executable, "-c", PACKAGE, here / "model"], cwd=root, env=environment, check=True)
        for size in arguments.sizes:
            write(here / "series.csv", size)
            product = subprocess.run(
                [sys.executable, "-c", PRODUCT], env=environment, capture_output=True, text=True, check=True
            )
            command = [sys.executable, "-m", "lstmfcn", "predict", "any", here / "series.csv"]
            seconds, cpu, megabytes = measured([*command, "--model", here / "model"], environment)
            ceiling = float(product.stdout) / OPERATIONS
            rows.append({"series": size, "seconds": seconds, "cpu_seconds": cpu, "mebibytes": megabytes,
                         "per_cpu_second": size / cpu, "ceiling_per_second": ceiling})  # fmt: skip
            print(rows[-1], flush=True)
    keep(pd.DataFrame(rows).round(1), "predict")


def write(path, size):
    """Write random series, a line each; a thousand different ones, again and again."""
    import numpy as np

    values = np.random.default_rng(0).normal(size=(1000, LENGTH))
    lines = [",".join(f"{v:.5f}" for v in row) + "\n" for row in values]
    with path.open("w") as file:
        for i in range(size):
            file.write(lines[i % 1000])


def measured(command, environment):
    """Return the seconds, processor seconds and most MiB of memory of a command."""
    begun = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], env=environment)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} failed")
    return time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
