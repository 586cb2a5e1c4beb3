"""Many small trainings at once on a GPU, beside one at a time, and beside the chip's own peak.

The jobs of a stack are seeds, folds and numbers of cells of one dataset's shape, LSTM-FCN, batch 64. Needs
JAX and Keras, not TensorFlow.
"""

import argparse
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from stacked import FLOPS_A_VALUE, Architecture, Job, Recipe, Stack

from lstmfcn.data.catalogue import load_catalogue

RESULTS = Path(__file__).parent / "results"
SHAPES = {  # series, length, classes
    "ItalyPowerDemand": (67, 24, 2),
    "GunPoint": (50, 150, 2),
    "Adiac": (390, 176, 37),
    "Fish": (175, 463, 7),
}
VARIANTS = [  # jobs at once, convolution, precision of the second and third convolution
    (1, "convolutions", "tensorfloat32"),
    (18, "products", "tensorfloat32"),
    (72, "products", "tensorfloat32"),
]
MORE_VARIANTS = [  # for one shape
    (1, "products", "tensorfloat32"),
    (18, "convolutions", "tensorfloat32"),
    (1, "convolutions", "highest"),
    (72, "products", "highest"),
]
PEAK = 8192  # the matrix product's size
EPOCHS, N_FOLDS, CELLS = 20, 3, (8, 128)
COLUMNS = ["device", "repeat", "shape", "jobs", "convolution", "precision", "seconds"]


def main():
    """Compile all, then measure turn by turn; print ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", nargs="*", default=list(SHAPES), choices=SHAPES)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--epochs", type=float, default=145, help="of one training, for the archive's estimate"
    )
    parser.add_argument("--out", type=Path, default=RESULTS / "gpu.csv")
    arguments = parser.parse_args()
    device = jax.devices()[0].device_kind
    print(device, flush=True)
    keys = list(itertools.product(arguments.shapes, VARIANTS))
    keys += [(shape, each) for shape in arguments.shapes if shape == "GunPoint" for each in MORE_VARIANTS]
    begun = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        runs = dict(zip(keys, pool.map(prepare, keys), strict=True))
    print(f"{len(keys)} programs compiled in {time.perf_counter() - begun:.0f} s", flush=True)
    peaks = {precision: peak_run(precision) for precision in ("tensorfloat32", "highest")}
    arguments.out.parent.mkdir(exist_ok=True)
    rows = []
    for repeat in range(arguments.repeats):
        for precision, run in peaks.items():
            rows.append([device, repeat, "peak", 1, "product", precision, run()])
        for (shape, (n_jobs, convolution, precision)), run in runs.items():
            rows.append([device, repeat, shape, n_jobs, convolution, precision, run()])
        table = pd.DataFrame(rows, columns=COLUMNS)
        table.to_csv(arguments.out, index=False, float_format="%.6g")
        print(f"turn {repeat + 1} of {arguments.repeats}", flush=True)
    tell(table, arguments.epochs)


def prepare(key):
    """Return a function that measures the seconds of one job's epoch."""
    shape, (n_jobs, convolution, precision) = key
    n_series, length, n_classes = SHAPES[shape]
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_series, 1, length)).astype(np.float32)
    y = np.arange(n_series) % n_classes
    jobs = fold_jobs(n_series)[:n_jobs]
    stack = Stack(
        Architecture(name="lstm_fcn", cells=max(CELLS)),
        X,
        y,
        Recipe(EPOCHS, 64),
        convolution=convolution,
        precision=precision,
    )
    program = stack.compile(n_jobs, len(jobs[0].series))
    given = stack.arguments(jobs)

    def run():
        jax.block_until_ready(program(*given))
        begun, calls = time.perf_counter(), 0
        while calls == 0 or time.perf_counter() - begun < 0.3:
            jax.block_until_ready(program(*given))
            calls += 1
        return (time.perf_counter() - begun) / (calls * EPOCHS * n_jobs)

    return run


def fold_jobs(n_series):
    """Return jobs of all seeds, folds and cells; folds are cut to the size of the smallest."""
    order = np.random.default_rng(0).permutation(n_series)
    folds = [tuple(np.delete(order, np.s_[k::N_FOLDS])) for k in range(N_FOLDS)]
    size = min(map(len, folds))
    return [Job(s, c, folds[k][:size]) for s in range(12) for k in range(N_FOLDS) for c in reversed(CELLS)]


def peak_run(precision):
    """Return a function that measures the seconds of 10^12 operations of a large matrix product."""
    a = jax.random.normal(jax.random.key(0), (PEAK, PEAK))
    b = jax.random.normal(jax.random.key(1), (PEAK, PEAK))
    with jax.default_matmul_precision(precision):
        product = jax.jit(jnp.matmul).lower(a, b).compile()

    def run():
        product(a, b).block_until_ready()
        begun = time.perf_counter()
        for _ in range(10):
            result = product(a, b)
        result.block_until_ready()
        return (time.perf_counter() - begun) / (10 * 2 * PEAK**3 / 1e12)

    return run


def tell(table, epochs):
    """Print each variant's time, its ratio to one job at a time, and its share of the peak."""
    wide = table.pivot(
        index="repeat", columns=["shape", "jobs", "convolution", "precision"], values="seconds"
    )
    best = {}
    for shape, n_jobs, convolution, precision in wide.columns:
        if shape == "peak":
            print(
                f"peak, {precision}: {1 / wide[shape, n_jobs, convolution, precision].median():.0f} TFLOP/s"
            )
            continue
        seconds = wide[shape, n_jobs, convolution, precision]
        alone = wide[shape][1].T.groupby("precision").min().T[precision]  # the better way for one job
        ratio = alone / seconds
        values = len(fold_jobs(SHAPES[shape][0])[0].series) * SHAPES[shape][1]
        flops = FLOPS_A_VALUE * values / 1e12 / seconds
        share = flops * wide["peak", 1, "product", precision]
        print(
            f"{shape:17} {n_jobs:3} jobs {convolution:12} {precision:13} {1e6 * seconds.median():9.1f} us an "
            f"epoch of one, {ratio.median():6.2f} times one at a time "
            f"({ratio.min():.2f} to {ratio.max():.2f}), {share.median():.3f} of the peak"
        )
        if precision == "tensorfloat32":
            best[shape] = min(seconds.median() / values, best.get(shape, np.inf))
    rates = {np.log(np.prod(SHAPES[shape][:2])): rate for shape, rate in best.items()}
    sizes = [(entry.n_train * entry.length) for entry in load_catalogue().values()]
    nearest = [rates[min(rates, key=lambda size: abs(size - np.log(n)))] for n in sizes]
    hours = np.dot(sizes, nearest) * epochs / 3600
    print(
        f"the archive: {hours:.3f} GPU hours for {epochs:g} epochs of one model on each of {len(sizes)} "
        "datasets, at the rate of the nearest shape"
    )


if __name__ == "__main__":
    main()
