"""What selection on the test split is worth: phase 1 by the paper's section IV, looked at all the way.

2000 epochs, batch 128, the plateau schedule on the training loss, three numbers of cells (the FCN has none)
and three seeds at once (`stacked.py`), the weights of the lowest training loss kept, as in the authors' later
run. Besides, the accuracy on the test split is noted every few epochs, which nothing here chooses by: so that
one set of trainings tells what choosing by it would have given. For a GPU; needs JAX and Keras, not
TensorFlow, and the archive in LSTMFCN_UCR_DIR.
"""

import argparse
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd

from lstmfcn.classifiers.table import TABLE
from lstmfcn.data.catalogue import load_catalogue

RESULTS = Path(__file__).parent / "results"
CELLS, SEEDS = (8, 64, 128), (0, 1, 2)
COLUMNS = [
    "dataset", "model", "cells", "seed", "epochs", "kept_epoch", "lowest_loss", "kept_running",
    "kept_recomputed", "last_running", "last_recomputed", "looks", "highest_look", "highest_look_epoch",
    "seconds",
]  # fmt: skip


def main():
    """Train on what is missing, in a few processes that share the device; rows are kept as they come."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", nargs="+", required=True)
    parser.add_argument("--epochs", type=int, default=2000)
    parser.add_argument("--look-every", type=int, default=5)
    parser.add_argument(
        "--precision",
        default="tensorfloat32",
        choices=("tensorfloat32", "highest"),
        help="of the second and third convolution",
    )
    parser.add_argument("--processes", type=int, default=6)
    parser.add_argument("--minutes", type=float, help="stop after so long")
    parser.add_argument("--out", type=Path, default=RESULTS / "selection.csv")
    arguments = parser.parse_args()
    jobs = [
        (dataset, model, arguments.epochs, arguments.look_every, arguments.precision)
        for dataset in arguments.datasets
        for model in (row.name for row in TABLE if row.paper or row.name == "fcn")
    ]
    if arguments.out.exists():
        done = pd.read_csv(arguments.out)
        finished = set(zip(done["dataset"], done["model"], strict=True))
        jobs = [job for job in jobs if job[:2] not in finished]
    arguments.out.parent.mkdir(exist_ok=True)
    # Triton's matrix products took XLA minutes to compile.
    os.environ.setdefault("XLA_FLAGS", "--xla_gpu_enable_triton_gemm=false")
    os.environ["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{0.9 / arguments.processes:.2f}"
    begun = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        answers = pool.imap_unordered(train, jobs)
        for count in range(1, len(jobs) + 1):
            left = arguments.minutes and arguments.minutes * 60 - (time.monotonic() - begun)
            try:
                rows = answers.next(left)
            except multiprocessing.TimeoutError:
                print(f"out of time with {len(jobs) - count + 1} of {len(jobs)} unfinished")
                break
            except Exception as error:  # noqa: BLE001 of one dataset, which must not cost the others
                print(f"[{count}/{len(jobs)}] failed: {error}"[:300], flush=True)
                continue
            table = pd.DataFrame(rows, columns=COLUMNS)
            first = not arguments.out.exists()
            table.to_csv(arguments.out, mode="a", header=first, index=False, float_format="%.6g")
            mean = table[["kept_running", "kept_recomputed", "highest_look", "seconds"]].mean()
            print(f"[{count}/{len(jobs)}] {rows[0][0]} {rows[0][1]}", mean.round(4).to_dict(), flush=True)
    if arguments.out.exists():
        tell(pd.read_csv(arguments.out))


def train(job):
    """Train all cells and seeds on one dataset; return a row of `COLUMNS` for each."""
    import jax
    from common import load
    from stacked import Architecture, Job, Recipe, Stack

    dataset, model, epochs, look_every, precision = job
    (X, y), test = load(dataset, "TRAIN"), load(dataset, "TEST")
    everything = tuple(range(len(X)))
    widths = (None,) if model == "fcn" else CELLS
    jobs = [Job(seed, cells, everything) for cells in widths for seed in SEEDS]
    recipe = Recipe(epochs, 128, look_every=look_every)
    widest = Architecture(name=model, cells=widths[-1])
    stack = Stack(widest, X, y, recipe, test=test, precision=precision)
    program = stack.compile(len(jobs), len(X))
    given = stack.arguments(jobs)
    begun = time.perf_counter()
    state, losses, looks = jax.block_until_ready(program(*given))
    seconds = (time.perf_counter() - begun) / len(jobs)

    def accuracies(network):
        fresh = stack.recomputed(network, np.arange(len(X)))
        return stack.accuracy(network), stack.accuracy(fresh)

    with jax.default_matmul_precision("highest"):
        look = jax.jit(jax.vmap(accuracies))
        kept, last = look(state.kept), look(state.network)
    losses, looks = np.asarray(losses), np.asarray(looks)
    return [
        [
            dataset, model, each.cells or 0, each.seed, epochs, int(state.kept_epoch[j]), losses[:, j].min(),
            float(kept[0][j]), float(kept[1][j]), float(last[0][j]), float(last[1][j]),
            len(looks), looks[:, j].max(), (int(looks[:, j].argmax()) + 1) * look_every, seconds,
        ]
        for j, each in enumerate(jobs)
    ]  # fmt: skip


def tell(table):
    """Print test accuracies by what is chosen on the test split, means over the seeds.

    The looks are by the running statistics.
    """
    catalogue = load_catalogue()
    for model, rows in table.groupby("model"):
        running, recomputed, highest = (
            rows.pivot_table(index=["dataset", "seed"], columns="cells", values=column)
            for column in ("kept_running", "kept_recomputed", "highest_look")
        )
        chosen = {
            "nothing": running.mean(axis=1),
            "nothing, recomputed": recomputed.mean(axis=1),
            "cells": running.max(axis=1),
            "cells, recomputed": recomputed.max(axis=1),
            "epoch": highest.mean(axis=1),
            "cells and epoch": highest.max(axis=1),
        }
        means = pd.DataFrame(chosen).groupby("dataset").mean()
        papers = means[[not catalogue[name].split_sizes_swapped for name in means.index]]
        means.loc["mean"] = means.mean()
        means.loc[f"mean of the {len(papers)} with the paper's splits"] = papers.mean()
        print(f"{model}, test accuracy by what is chosen on the test split\n{means.round(4).to_string()}")


if __name__ == "__main__":
    main()
