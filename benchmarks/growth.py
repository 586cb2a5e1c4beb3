"""Time and memory of training against series, length, jobs and workers, and the whole archive's cost from it.

Each point is measured in a process of its own. Slopes are those of the logarithms: 1 is linear.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

import matplotlib
import numpy as np
import pandas as pd
from common import RESULTS, keep

BATCH = 64
QUEUE = 8  # jobs of the size of ItalyPowerDemand and GunPoint, as in the default pipeline
EPOCHS_A_JOB = 100

AXES = {
    "series": [(n, 150) for n in (25, 50, 100, 200, 400, 800, 1600, 3200)],
    "length": [(50, n) for n in (25, 50, 100, 200, 400, 800, 1600, 3200)],
}
CREWS = {"1 worker, 1 thread": (1, 1), "2 workers, 1 thread each": (2, 1), "1 worker, 2 threads": (1, 2)}


def main():
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="of the workers' queue, interleaved")
    parser.add_argument("--epochs", type=float, help="of one training, for the estimate of the archive")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        kind, *values = json.loads(arguments.child)
        print(json.dumps({"epoch": time_epoch, "queue": time_queue}[kind](*values)))
        return
    rows = []
    for axis, points in AXES.items():
        for n_series, length in points:
            seconds, mebibytes = child("epoch", n_series, length)
            rows.append([axis, n_series, length, seconds, mebibytes])
            print(f"{axis}: {n_series} of {length}: {1000 * seconds:.1f} ms an epoch, {mebibytes:.0f} MiB")
    table = pd.DataFrame(rows, columns=["axis", "n_series", "length", "seconds", "mebibytes"])
    keep(table, "growth")
    turns = []
    for repeat in range(arguments.repeats):
        for crew in CREWS:
            turns.append([repeat, crew, QUEUE, child("queue", *CREWS[crew], QUEUE)])
            print(f"{crew}: {QUEUE} jobs in {turns[-1][3]:.1f} s", flush=True)
    for n_jobs in (2, 4, 16, 32):
        turns.append([0, "2 workers, 1 thread each", n_jobs, child("queue", 2, 1, n_jobs)])
        print(f"2 workers, 1 thread each: {n_jobs} jobs in {turns[-1][3]:.1f} s", flush=True)
    crews = pd.DataFrame(turns, columns=["repeat", "crew", "jobs", "seconds"])
    keep(crews, "workers")
    tell(table, crews, arguments.epochs)
    draw(table, crews)


def child(*job):
    """Return what a fresh process measures."""
    command = [sys.executable, __file__, "--child", json.dumps(job)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def time_epoch(n_series, length):
    """Return the seconds an epoch takes with one thread, and the most memory of its process, in MiB."""
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from lstmfcn.environment import load_backend

    load_backend()
    engine, X, y = _engine(n_series, length)
    _train(engine, X, y, 1)
    once = _train(engine, X, y, 1)
    epochs = max(2, round(3 / once))
    seconds = _train(engine, X, y, epochs) / epochs
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def time_queue(n_workers, n_threads, n_jobs):
    """Return the seconds a queue of small jobs takes, after the workers have started."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: max(n_workers, n_threads)])
    jobs = [((67, 24), (50, 150))[i % 2] for i in range(n_jobs)]
    warm = [(8, 24)] * n_workers
    if n_threads > 1:
        os.environ |= {"TF_NUM_INTRAOP_THREADS": str(n_threads), "OMP_NUM_THREADS": str(n_threads)}
        from lstmfcn.environment import load_backend

        load_backend()
        run_job((8, 24))
        begun = time.perf_counter()
        for job in jobs:
            run_job(job)
        return time.perf_counter() - begun
    from lstmfcn.pipeline.executors import run_jobs

    list(run_jobs(run_job, warm))
    begun = time.perf_counter()
    list(run_jobs(run_job, jobs))
    return time.perf_counter() - begun


def run_job(shape):
    """Train once on series of a shape."""
    from lstmfcn.environment import load_backend

    load_backend()
    _train(*_engine(*shape), EPOCHS_A_JOB)


def _engine(n_series, length):
    from lstmfcn.classifiers.phase1 import reused_engine
    from lstmfcn.data.series import Split
    from lstmfcn.networks.architecture import Architecture

    X = np.random.default_rng(0).normal(size=(n_series, 1, length)).astype(np.float32)
    y = np.arange(n_series) % 2
    split = Split(X, y, ("a", "b"))
    return reused_engine(split, Architecture(name="lstm_fcn", cells=64), seed=0), X, y


def _train(engine, X, y, epochs):
    from lstmfcn.training.recipe import TrainingRecipe

    recipe = TrainingRecipe(epochs=epochs, batch_size=BATCH, schedule="constant", recompute_statistics=False)
    begun = time.perf_counter()
    engine.train(X, y, recipe, start=engine.initial, seed=0)
    return time.perf_counter() - begun


def slope(x, y):
    """Return the exponent of the power law through the points."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def tell(table, crews, epochs):
    """Print the slopes, the workers' ratios and the estimate."""
    for axis, part in table.groupby("axis"):
        x = part["n_series"] if axis == "series" else part["length"]
        half = len(part) // 2
        print(
            f"{axis}: time grows with exponent {slope(x, part['seconds']):.2f}, memory with "
            f"{slope(x[half:], part['mebibytes'][half:]):.2f} (larger half)"
        )
    wide = crews[crews["jobs"] == QUEUE].pivot(index="repeat", columns="crew", values="seconds")
    for crew in CREWS:
        ratios = wide[crew] / wide["2 workers, 1 thread each"]
        print(
            f"{crew}: {ratios.median():.2f} times as long as two workers, "
            f"{ratios.min():.2f} to {ratios.max():.2f}"
        )
    jobs = crews[crews["crew"] == "2 workers, 1 thread each"].groupby("jobs")["seconds"].median()
    print(f"jobs: time grows with exponent {slope(jobs.index, jobs):.2f}")
    if epochs:
        from lstmfcn.data.catalogue import load_catalogue

        a_value = np.median(table["seconds"] / (table["n_series"] * table["length"]))
        values = sum(entry.n_train * entry.length for entry in load_catalogue().values())
        hours = values * a_value * epochs / 3600
        print(
            f"the archive: {values} values, {hours:.1f} core hours for {epochs:g} epochs "
            "of one model on each dataset"
        )


def draw(table, crews):
    """Draw time and memory against each axis, and the workers' throughput."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    figure, axes = plt.subplots(2, 3, figsize=(12, 7))
    for column, axis in enumerate(AXES):
        part = table[table["axis"] == axis]
        x, half = part["n_series"] if axis == "series" else part["length"], len(part) // 2
        axes[0, column].loglog(x, part["seconds"], "o-")
        axes[0, column].set(ylabel="s an epoch", title=f"time, exponent {slope(x, part['seconds']):.2f}")
        axes[1, column].semilogx(x, part["mebibytes"], "o-")
        exponent = slope(x[half:], part["mebibytes"][half:])
        axes[1, column].set(
            ylabel="MiB",
            title=f"memory, exponent {exponent:.2f} (larger half)",
            ylim=(0, 1.1 * part["mebibytes"].max()),
        )
        for each in axes[:, column]:
            each.set_xlabel({"series": "series (of 150 values)", "length": "length (of 50 series)"}[axis])
    jobs = crews[crews["crew"] == "2 workers, 1 thread each"].groupby("jobs")["seconds"].median()
    axes[0, 2].loglog(jobs.index, jobs, "o-")
    axes[0, 2].set(
        xlabel="jobs (datasets)", ylabel="s", title=f"queue, exponent {slope(jobs.index, jobs):.2f}"
    )
    axes[0, 2].set(xticks=jobs.index, yticks=(10, 20, 50, 100))
    for each in (axes[0, 2].xaxis, axes[0, 2].yaxis):
        each.set_major_formatter(ScalarFormatter())
        each.set_minor_formatter(NullFormatter())
    wide = crews[crews["jobs"] == QUEUE].groupby("crew")["seconds"].median().reindex(CREWS)
    axes[1, 2].barh(list(CREWS), QUEUE / wide)
    axes[1, 2].set(xlabel="jobs a second", title="workers")
    for each in axes.flat:
        each.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(RESULTS / "growth.png", dpi=150)


if __name__ == "__main__":
    main()
