"""Test accuracy against training compute: the default recipe beside 2000 epochs of the paper's schedule.

Or the default recipe in bfloat16 beside itself. Same network, seeds and criterion (the last weights, batch
norm's statistics recomputed); the datasets took no part in tuning the default recipe. Results are kept as
they come: the command goes on where it was stopped. Needs the UCR archive in LSTMFCN_UCR_DIR.
"""

import argparse
import time
from pathlib import Path

import matplotlib
import pandas as pd
from common import RESULTS, keep, load

from lstmfcn.config import load as load_params
from lstmfcn.pipeline.executors import run_jobs
from lstmfcn.pipeline.recipes import phase1_recipe

HERE = Path(__file__).parent
TABLE = RESULTS / "accuracy.csv"
FIGURE = RESULTS / "accuracy.png"
COLUMNS = ["dataset", "recipe", "seed", "epoch", "seconds", "accuracy", "accuracy_running", "last"]

HELD_BACK = (
    "SonyAIBORobotSurface1",
    "MoteStrain",
    "TwoLeadECG",
    "DiatomSizeReduction",
    "ECG200",
    "ShapeletSim",
    "BeetleFly",
    "BirdChicken",
    "ToeSegmentation1",
    "MiddlePhalanxTW",
    "DistalPhalanxOutlineAgeGroup",
    "Herring",
)
"""The default recipe was tuned on ItalyPowerDemand, GunPoint, CBF, Coffee, ArrowHead, Beef, Wine, OliveOil,
FaceFour, ProximalPhalanxTW and MiddlePhalanxOutlineAgeGroup; none of these."""

RECIPES = ("default", "paper", "bfloat16")

CHECKPOINTS = {1, 2, 5, 10, 20, 35, 50, 75, 100, 150, 200, 300, 400, 600, 800, 1000, 1250, 1500, 1750}


def main():
    """Run what is missing, print the table, draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--datasets", nargs="*", default=list(HELD_BACK))
    parser.add_argument("--recipes", nargs="*", default=["default", "paper"], choices=RECIPES)
    arguments = parser.parse_args()
    done = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=COLUMNS)
    finished = set(
        zip(*(done[done["last"].astype(bool)][c] for c in ("dataset", "recipe", "seed")), strict=True)
    )
    jobs = [
        (dataset, recipe, seed)
        for seed in range(arguments.seeds)
        for dataset in arguments.datasets
        for recipe in arguments.recipes
    ]
    jobs = [job for job in jobs if job not in finished]
    for count, (index, rows) in enumerate(run_jobs(train, jobs), start=1):
        keep(pd.DataFrame(rows, columns=COLUMNS), "accuracy")
        print(f"[{count}/{len(jobs)}]", *jobs[index], f"accuracy {rows[-1][5]:.4f}", flush=True)
    table = pd.read_csv(TABLE)
    tell(table[table["recipe"].isin(arguments.recipes) & (table["seed"] < arguments.seeds)])


def train(job):
    """Train once; return a row of `COLUMNS` for each checkpoint. The clock stands while it is looked at."""
    from lstmfcn.environment import load_backend

    load_backend()
    import tensorflow as tf

    from lstmfcn.classifiers.phase1 import new_engine
    from lstmfcn.data.series import Split
    from lstmfcn.networks.architecture import Architecture
    from lstmfcn.networks.lstm_fcn import LOW_PRECISION
    from lstmfcn.training.schedule import schedule_of
    from lstmfcn.training.tensorflow.epoch import CompiledEpoch
    from lstmfcn.training.tensorflow.statistics import BatchNormStatistics
    from lstmfcn.training.weights import class_weights, copy_weights

    dataset, name, seed = job
    (X, y), (test_X, test_y) = load(dataset, "TRAIN"), load(dataset, "TEST")
    recipe = recipe_of(name)
    split = Split(X, y, tuple(map(str, range(y.max() + 1))))
    engine = new_engine(split, Architecture(name="lstm_fcn", cells=64), seed=seed)
    compiled = CompiledEpoch(engine.model, recipe.compute, LOW_PRECISION)
    statistics = BatchNormStatistics(engine.model)
    schedule = schedule_of(recipe)
    series = tf.constant(X), tf.constant(y), tf.constant(class_weights(y, int(y.max()) + 1)[y])
    rows, seconds, loss, epoch = [], 0.0, None, 0

    def look(*, last):
        copy_weights(compiled.model, engine.model)
        running = (engine.predict(test_X).argmax(axis=1) == test_y).mean()
        begun = time.process_time()
        statistics.recompute(X)
        taken = time.process_time() - begun if last else 0
        accuracy = (engine.predict(test_X).argmax(axis=1) == test_y).mean()
        rows.append([dataset, name, seed, epoch, round(seconds + taken, 2), accuracy, running, last])

    compiled.start(engine.initial, seed)
    compiled.run(*series, batch_size=recipe.batch_size, rate=0.0, seed=(0, 0))  # compiles
    statistics.recompute(X)
    compiled.start(engine.initial, seed)
    while (rate := schedule.step(epoch, loss)) is not None:
        if epoch in CHECKPOINTS:
            look(last=False)
        begun = time.process_time()
        loss, _ = compiled.run(*series, batch_size=recipe.batch_size, rate=rate, seed=(seed, epoch))
        seconds += time.process_time() - begun
        epoch += 1
    look(last=True)
    return rows


def recipe_of(name):
    """Return the default recipe, that in bfloat16, or the paper's with the default's criterion."""
    protocol = "paper" if name == "paper" else "honest"
    recipe = phase1_recipe(load_params(HERE.parent / "params.yaml", {"protocol": protocol}))
    compute = "bfloat16" if name == "bfloat16" else recipe.compute
    changed = {"criterion": "last", "recompute_statistics": True, "compute": compute}
    return recipe.model_copy(update=changed)


def tell(table):
    """Print accuracies and compute; of the default beside the paper's, draw accuracy against compute."""
    ends = table[table["last"]]
    wide = ends.pivot_table(index="dataset", columns="recipe", values=["accuracy", "epoch", "seconds"])
    wide.loc["mean"] = wide.mean()
    print(wide.round(4).to_string())
    if not {"default", "paper"} <= set(table["recipe"]):
        return
    share = wide["seconds"]["default"].sum() / wide["seconds"]["paper"].sum()
    per_dataset = (wide["seconds"]["default"] / wide["seconds"]["paper"]).drop("mean")
    print(f"compute: {share:.3f} of the paper's in all, {per_dataset.mean():.3f} in the mean over datasets")
    draw(table)


def draw(table):
    """Draw mean test accuracy against the mean share of the paper's compute, a point an epoch looked at."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4))
    curves = {
        "paper's schedule, recomputed statistics": ("paper", "accuracy"),
        "paper's schedule, running statistics": ("paper", "accuracy_running"),
        "default recipe, on its way": ("default", "accuracy"),
    }
    whole = table[(table["recipe"] == "paper") & table["last"]].set_index(["dataset", "seed"])["seconds"]
    for label, (recipe, column) in curves.items():
        part = table[table["recipe"] == recipe].set_index(["dataset", "seed", "epoch"])[column]
        # A training that has ended stays where it ended.
        part = part.unstack("epoch").sort_index(axis=1).ffill(axis=1)
        share = (
            table[table["recipe"] == recipe]
            .set_index(["dataset", "seed", "epoch"])["seconds"]
            .unstack("epoch")
            .sort_index(axis=1)
            .ffill(axis=1)
            .div(whole, axis=0)
        )
        axes.plot(share.mean(), part.mean(), marker=".", label=label)
    ends = table[(table["recipe"] == "default") & table["last"]].set_index(["dataset", "seed"])
    axes.plot(
        [(ends["seconds"] / whole).mean()], [ends["accuracy"].mean()], "*", markersize=14, color="black",
        label="default recipe",
    )  # fmt: skip
    axes.set(xscale="log", xlabel="training compute, share of 2000 epochs", ylabel="mean test accuracy")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(FIGURE, dpi=150)


if __name__ == "__main__":
    main()
