"""Time an epoch of each implementation, side by side: equal data, batches and threads, repeats interleaved.

Each implementation waits in a process of its own and computes when asked, one at a time. The ceiling is
what an epoch's convolutions would take at the speed of the middle one, measured in the same turns.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from common import keep

HERE = Path(__file__).parent
PEERS = HERE / ".venv/bin/python"

# Series, length and classes of the training splits; the three largest are cut to fewer series.
SHAPES = {
    "ItalyPowerDemand": (67, 24, 2),
    "GunPoint": (50, 150, 2),
    "ECG200": (100, 96, 2),
    "Adiac": (390, 176, 37),
    "OSULeaf": (200, 427, 6),
    "ElectricDevices": (2048, 96, 7),
    "FordA": (512, 500, 2),
    "HandOutlines": (128, 2709, 2),
}
OURS = ("lstm_fcn", "fcn", "lstm_fcn_bfloat16", "keras_fit", "ceiling", "matrix_product")
COLUMNS = ["dataset", "threads", "batch_size", "repeat", "contender", "seconds"]
THEIRS = ("sktime_lstm_fcn", "aeon_fcn", "tsai_lstm_fcn")


class Contender:
    """An implementation in a process of its own."""

    def __init__(self, name, shape, batch_size, threads):
        python = PEERS if name in THEIRS else sys.executable
        command = [python, HERE / "contenders.py", name, *shape, batch_size, threads]
        self.name = name
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )

    def time(self, epochs):
        """Return the seconds an epoch took; None where the implementation failed."""
        try:
            print(epochs, file=self._process.stdin, flush=True)
            return float(self._process.stdout.readline())
        except (BrokenPipeError, ValueError):
            self._said.seek(0)
            print(f"{self.name} failed:", *self._said.readlines()[-1:])
            return None

    def end(self):
        """End the process."""
        self._process.kill()
        self._process.communicate()


def main():
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", nargs="*", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=2, help="about how long a turn takes")
    arguments = parser.parse_args()
    names = OURS + (THEIRS if PEERS.exists() else ())
    if not PEERS.exists():
        print("Without sktime, aeon and tsai: `make peers` installs them.")
    tables = []
    for dataset in arguments.datasets:
        tables.append(pd.DataFrame(measure(dataset, names, arguments), columns=COLUMNS))
        tell(tables[-1])
        keep(tables[-1], "speed")  # at once: a large one takes some ten minutes
    tell_means(pd.concat(tables))


def measure(dataset, names, arguments):
    """Return a row of `COLUMNS` for each implementation and repeat."""
    rows = []
    shape, threads, batch_size = SHAPES[dataset], arguments.threads, arguments.batch_size
    contenders = [Contender(name, shape, batch_size, threads) for name in names]
    try:
        first = {c.name: c.time(1) for c in contenders}  # compiles
        epochs = {
            c.name: max(1, round(arguments.seconds / (c.time(1) or 1)))
            for c in contenders
            if first[c.name] is not None
        }
        for repeat in range(arguments.repeats):
            for contender in contenders:
                if contender.name not in epochs:
                    continue
                seconds = contender.time(epochs[contender.name])
                rows.append([dataset, threads, batch_size, repeat, contender.name, seconds])
    finally:
        for contender in contenders:
            contender.end()
    return rows


def tell(table):
    """Print each implementation's time, and its ratio to ours within each repeat."""
    times = table.pivot_table(index="repeat", columns="contender", values="seconds")
    print(f"\n{table['dataset'].iloc[0]}, {table['threads'].iloc[0]} thread(s)")
    print(f"  {'':18}{'ms an epoch':>12}{'ratio':>8}   from    to")
    for name in [*OURS[:-1], *THEIRS]:
        if name in times:
            ratios = times[name] / times["lstm_fcn"]
            print(
                f"  {name:18}{1000 * times[name].median():12.1f}{ratios.median():8.2f}"
                f"{ratios.min():8.2f}{ratios.max():6.2f}"
            )
    print(f"  {'matrix product':18}{1 / times['matrix_product'].median():12.0f} GFLOP/s", flush=True)


def tell_means(table):
    """Print the geometric mean of each implementation's ratios over the datasets."""
    ours = table[table["contender"] == "lstm_fcn"].groupby("dataset")["seconds"].median()
    for name, group in table[table["contender"] != "matrix_product"].groupby("contender"):
        ratios = group.groupby("dataset")["seconds"].median() / ours
        print(f"{name:20} geometric mean of the ratios {statistics.geometric_mean(ratios):.2f}")


if __name__ == "__main__":
    main()
