"""The default study and more, on a machine with a card that has JAX but no network, TensorFlow or MLflow.

`pack FOLDER` puts into a folder what is needed there: this script, the package, series of the archive
(LSTMFCN_UCR_DIR), wheels of what JAX's machine may lack, and a training on TensorFlow that is to be equalled.
`python3 FOLDER/gpu_study.py run FOLDER --minutes 8` checks that first, then trains both classifiers of the
paper, both widths, all seeds with their folds and fine-tuning, as many as the time allows. Each result is
written as it comes, and a second call goes on from there.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIRST = ("ItalyPowerDemand", "GunPoint", "ArrowHead")  # the default study
SEED, PARITY = 3, ("ItalyPowerDemand", 20)  # a dataset, and how many epochs
WHEELS = (
    "keras",
    "namex",
    "optree",
    "rich",
    "pydantic",
    "pydantic-core",
    "annotated-types",
    "typing-inspection",
)
COLUMNS = (
    "dataset", "classifier", "cells", "seed", "step", "oof_accuracy", "test_accuracy", "epochs", "loss",
    "seconds", "device",
)  # fmt: skip
FLOPS_A_VALUE = 3 * 2 * (8 * 1 * 128 + 5 * 128 * 256 + 3 * 256 * 128)  # of the convolutions, both ways
TOLERANCE = 1e-5  # of a loss, in nats, on a processor
ON_A_CARD = 1e-4  # whose products are summed in another order


def pack(arguments):
    """Fill the folder."""
    sys.path.insert(0, str(HERE))
    import numpy as np
    from common import load

    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(__file__, folder / "gpu_study.py")
    package = HERE.parent / "src" / "lstmfcn"
    shutil.copytree(
        package, folder / "lstmfcn", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    arrays = {}
    for name in arguments.datasets or sorted(p.name for p in Path(os.environ["LSTMFCN_UCR_DIR"]).iterdir()):
        if not (Path(os.environ["LSTMFCN_UCR_DIR"]) / name).is_dir():
            continue
        for part in ("TRAIN", "TEST"):
            X, y = load(name, part)
            arrays |= {f"{name}/{part}/X": X.astype(np.float32), f"{name}/{part}/y": y}
    np.savez_compressed(folder / "series.npz", **arrays)
    name = PARITY[0] if f"{PARITY[0]}/TRAIN/X" in arrays else next(iter(arrays)).partition("/")[0]
    np.savez_compressed(folder / "parity.npz", name=name, **trained_here(*data_of(arrays, name, "TRAIN")))
    if arguments.python:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        platforms = [f"--platform=manylinux_2_{n}_x86_64" for n in (28, 27, 17)]
        options = [f"--python-version={arguments.python}", f"--dest={folder / 'wheels'}", *platforms]
        subprocess.run([*command, *options, *WHEELS], check=True)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20
    print(f"{folder}: {len(arrays) // 4} datasets, {size:.0f} MiB")


def data_of(arrays, name, part):
    """Return the series and classes of a split."""
    return arrays[f"{name}/{part}/X"], arrays[f"{name}/{part}/y"]


def new_engine(X, y, name, cells, seed):
    """Return an engine and the split that it trains on."""
    from lstmfcn.classifiers import phase1
    from lstmfcn.data.series import Split
    from lstmfcn.networks.architecture import Architecture

    split = Split(X, y, tuple(map(str, range(int(y.max()) + 1))))
    return phase1.new_engine(split, Architecture(name=name, cells=cells), seed=seed), split


def recipe_of(epochs):
    """Return the default recipe, with at most so many epochs where that is given."""
    from lstmfcn.training.recipe import TrainingRecipe

    return TrainingRecipe() if epochs is None else TrainingRecipe(epochs=epochs)


def trained_here(X, y):
    """Return a short training on this machine's backend, and its predictions."""
    engine, _ = new_engine(X, y, "lstm_fcn", 8, SEED)
    first = engine.predict(X)
    history = engine.train(X, y, recipe_of(PARITY[1]), start=engine.initial, seed=SEED)
    return {"loss": history.loss, "untrained": first, "trained": engine.predict(X)}


def check(folder, arrays):
    """Compare a training here with the one on TensorFlow; stop if they are not the same."""
    import numpy as np

    given = np.load(folder / "parity.npz")
    found = trained_here(*data_of(arrays, str(given["name"]), "TRAIN"))
    losses = np.abs(found["loss"] - given["loss"])
    untrained = float(np.abs(found["untrained"] - given["untrained"]).max())
    trained = float(np.abs(found["trained"] - given["trained"]).max())
    print(
        f"parity: the loss of the first epoch differs by {losses[0]:.1e}, of the second by {losses[1]:.1e}, "
        f"of the last by {losses[-1]:.1e}; predictions untrained by {untrained:.1e}, trained by {trained:.1e}"
    )
    if max(losses[0], losses[1], untrained) > (ON_A_CARD if is_card() else TOLERANCE):
        raise SystemExit("The backend does not train the same network: nothing was started.")


def is_card():
    """Return whether JAX has a card."""
    import jax

    return jax.devices()[0].platform == "gpu"


def job(arrays, key, arguments):
    """Train one network with its folds, fine-tune it, and return a row for each step."""
    import numpy as np

    from lstmfcn.classifiers.finetuning import iterate
    from lstmfcn.classifiers.phase1 import train_phase1
    from lstmfcn.training.recipe import FineTuning, fine_tuning_recipe
    from lstmfcn.training.weights import set_weights

    name, classifier, cells, seed = key
    X, y = data_of(arrays, name, "TRAIN")
    test_X, test_y = data_of(arrays, name, "TEST")
    engine, split = new_engine(X, y, classifier, cells, seed)
    recipe, tuning, rows, begun = recipe_of(arguments.epochs), FineTuning(), [], time.monotonic()

    def note(step, outcome):
        set_weights(engine.model, outcome.weights)
        right = float(np.mean(engine.predict(test_X).argmax(axis=1) == test_y))
        history = outcome.history
        seconds = round(time.monotonic() - begun, 2)
        rows.append(
            [*key, step, outcome.out_of_fold.accuracy, right, len(history.loss), history.loss[-1], seconds]
        )

    outcome = train_phase1(engine, split, recipe, n_folds=arguments.folds, seed=seed)
    note("phase1", outcome)
    for index in range(1, arguments.iterations + 1):
        outcome = iterate(
            engine, split, fine_tuning_recipe(recipe, tuning), index=index, start=outcome.weights,
            fold_starts=outcome.fold_weights, n_folds=arguments.folds, seed=seed,
        )  # fmt: skip
        note(f"finetuned{index}", outcome)
    return rows


def run(arguments):
    """Check, then train what the time allows."""
    folder = arguments.folder
    if wheels := sorted(map(str, folder.glob("wheels/*.whl"))):
        site = folder / "site"
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target"]
        if not site.exists():
            subprocess.run([*install, str(site), *wheels], check=True)
        sys.path.insert(0, str(site))
    sys.path.insert(0, str(folder))
    os.environ["KERAS_BACKEND"] = "jax"
    from lstmfcn.environment import prepare_worker, programs_kept

    prepare_worker()
    if list(Path("/dev").glob("nvidia[0-9]*")):
        os.environ.setdefault("XLA_FLAGS", "--xla_gpu_enable_triton_gemm=false")  # minutes of compiling less
    os.environ.update(programs_kept() | {"JAX_COMPILATION_CACHE_DIR": str(folder / "programs")})
    begun, compiling = time.monotonic(), Compiling()
    import numpy as np

    arrays = dict(np.load(folder / "series.npz"))
    check(folder, arrays)
    out = arguments.out or folder / "results.csv"
    known = finished(out)
    names = sorted({key.partition("/")[0] for key in arrays}, key=lambda n: arrays[f"{n}/TRAIN/X"].size)
    names = [n for n in FIRST if n in names] + [n for n in names if n not in FIRST]
    keys = [
        (name, classifier, cells, seed)
        for name in names
        for classifier in arguments.classifiers
        for cells in arguments.cells
        for seed in range(arguments.seeds)
        if (name, classifier, str(cells), str(seed)) not in known
    ]
    rate, n_jobs, values = peak(), 0, 0
    pool = ThreadPoolExecutor(arguments.at_once)
    until = begun + 60 * arguments.minutes
    started = time.monotonic()

    def work(key):
        return job(arrays, key, arguments) if time.monotonic() < until else []

    futures = [pool.submit(work, key) for key in keys]
    try:
        for future in as_completed(futures, timeout=max(1.0, until - time.monotonic())):
            rows = future.result()
            keep(out, rows)
            n_jobs += bool(rows)
            values += sum(row[7] * arrays[f"{row[0]}/TRAIN/X"].size for row in rows) * (arguments.folds or 1)
            minutes = (time.monotonic() - started) / 60
            for row in rows[-1:]:
                print(f"[{n_jobs}/{len(keys)}, {n_jobs / minutes:.1f} jobs a minute]", *row, flush=True)
    except TimeoutError:
        print(f"The time is up: {len(keys) - n_jobs} jobs are left. The same command goes on with them.")
    seconds = time.monotonic() - started
    if n_jobs:
        share = FLOPS_A_VALUE * values / 1e12 / seconds / rate
        print(
            f"{device()}: {n_jobs} jobs in {seconds:.0f} s, {60 * n_jobs / seconds:.1f} a minute; "
            f"{share:.4f} of the measured peak of {rate:.1f} TFLOP/s; {compiling.seconds:.0f} s of all "
            "threads were compiling"
        )
        archive(seconds / max(values, 1))
    sys.stdout.flush()
    os._exit(0)  # what is under way is not waited for


def archive(seconds_a_value):
    """Print what the archive would take at the rate that was measured."""
    from lstmfcn.data.catalogue import load_catalogue

    epochs, folds = 145, 3  # what a training took on average in the default study, and about as many folds
    values = sum(entry.n_train * entry.length for entry in load_catalogue().values()) * epochs * folds
    hours = seconds_a_value * values / 3600
    print(f"the archive's 85 datasets, one classifier, width and seed with its folds: {hours:.2f} hours")


def finished(out):
    """Return the jobs that have results."""
    if not out.exists():
        return set()
    with out.open(newline="") as file:
        return {tuple(row[:4]) for row in list(csv.reader(file))[1:]}


def keep(out, rows):
    """Write the rows of a job, all or none."""
    new = not out.exists()
    with out.open("a", newline="") as file:
        writer = csv.writer(file)
        writer.writerows(([COLUMNS] if new else []) + [[*row, device()] for row in rows])


def device():
    """Return the name of the device."""
    import jax

    return jax.devices()[0].device_kind


def peak():
    """Return how many 10^12 operations a second a large product of float32 takes."""
    import jax

    size = 8192 if is_card() else 1024
    with jax.default_matmul_precision("highest"):
        a = jax.random.normal(jax.random.key(0), (size, size))
        product = jax.jit(lambda a: a @ a).lower(a).compile()
        product(a).block_until_ready()
        begun = time.perf_counter()
        for _ in range(5):
            product(a).block_until_ready()
    return 5 * 2 * size**3 / 1e12 / (time.perf_counter() - begun)


class Compiling:
    """Counts the seconds in which programs are compiled."""

    def __init__(self):
        from lstmfcn.environment import load_backend

        load_backend()
        import jax

        self.seconds = 0.0
        jax.monitoring.register_event_duration_secs_listener(self._note)

    def _note(self, event, seconds, **_):
        if event.endswith("backend_compile_duration"):
            self.seconds += seconds


def main():
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("folder", type=Path)
    packing.add_argument("--datasets", nargs="*")
    packing.add_argument("--python", help="fetch wheels for this version, as 3.12")
    packing.set_defaults(call=pack)
    running = commands.add_parser("run")
    running.add_argument("folder", type=Path)
    running.add_argument("--minutes", type=float, default=8)
    running.add_argument("--out", type=Path, help="where results are appended; FOLDER/results.csv")
    running.add_argument("--at-once", type=int, default=48, help="trainings in a stack")
    running.add_argument("--seeds", type=int, default=5)
    running.add_argument("--folds", type=int, default=3)
    running.add_argument("--iterations", type=int, default=2, help="of fine-tuning")
    running.add_argument("--epochs", type=int, help="the most; as the recipe has it")
    running.add_argument("--cells", type=int, nargs="*", default=[8, 128])
    running.add_argument("--classifiers", nargs="*", default=["lstm_fcn", "alstm_fcn"])
    running.set_defaults(call=run)
    arguments = parser.parse_args()
    arguments.call(arguments)


if __name__ == "__main__":
    main()
