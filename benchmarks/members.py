"""What could vote in an ensemble: networks and views of the series, each trained alone, then averaged.

Each member is trained by the default recipe but for what `MEMBERS` says, on the archive's training splits
(LSTMFCN_UCR_DIR). Its probabilities of the test series are kept in a folder, so that any combination can be
averaged afterwards without a training, by `ensembles.py`; the command goes on where it was stopped. What is
decided by it is decided on the datasets of `TUNING` alone. The rows of "light" in the results are of a
network of LITE's plan whose kernels for peaks were others.
"""

import argparse
import time
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from common import keep, load

from lstmfcn.classifiers.table import classifier_named
from lstmfcn.config import load as load_params
from lstmfcn.networks.architecture import Architecture
from lstmfcn.pipeline.executors import run_jobs
from lstmfcn.pipeline.recipes import phase1_recipe

COLUMNS = ["dataset", "member", "seed", "epochs", "loss", "seconds", "accuracy"]

TUNING = (
    "ItalyPowerDemand", "CBF", "GunPoint", "Coffee", "FaceFour", "ArrowHead", "ShapeletSim", "Wine", "Beef",
    "OliveOil", "ProximalPhalanxTW", "MiddlePhalanxOutlineAgeGroup", "Lightning2", "Ham",
    "MiddlePhalanxOutlineCorrect", "InsectWingbeatSound", "Adiac", "WordSynonyms", "ChlorineConcentration",
    "OSULeaf", "CricketX", "PhalangesOutlinesCorrect", "Worms", "Earthquakes", "Computers",
)  # fmt: skip
"""About half of the datasets of each size and number of classes; the recipe of before was tuned on eleven."""


def difference(X):
    """Return each step's change from the step before, over its deviation: (n, channels, length)."""
    changes = np.diff(X, axis=-1, prepend=X[..., :1])
    return changes / (changes.std(axis=-1, keepdims=True) + 1e-8)


def halved(X):
    """Return the means of two steps each: (n, channels, length / 2)."""
    even = X[..., : X.shape[-1] // 2 * 2]
    return even.reshape(*X.shape[:-1], -1, 2).mean(axis=-1)


def fcn_with(series, seeds, sizes=(8, 5, 3), dilations=(1, 1, 1), filters=(128, 256, 128)):
    """Return what the last layer sees of FCN, with other kernels, dilations or filters."""
    import keras

    x = keras.layers.Permute((2, 1))(series)
    for size, dilation, n in zip(sizes, dilations, filters, strict=True):
        x = convolved(x, size, dilation, n, seeds)
    return keras.layers.GlobalAveragePooling1D()(x)


def convolved(x, sizes, dilation, filters, seeds):
    """Return the result of one block; of several kernel sizes each has its share of the filters."""
    import keras

    sizes = sizes if isinstance(sizes, tuple) else (sizes,)
    parts = [
        keras.layers.Conv1D(
            filters // len(sizes), size, padding="same", dilation_rate=dilation,
            kernel_initializer=keras.initializers.HeUniform(next(seeds)),
        )(x)
        for size in sizes
    ]  # fmt: skip
    x = keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
    x = keras.layers.BatchNormalization(momentum=0.99, epsilon=0.001)(x)
    return keras.layers.ReLU()(x)


LONG = ((8, 16, 32, 64), 5, 3)
"""Kernels of a first layer that sees shapes of several lengths; it costs little, having one channel below."""

MEMBERS = {
    "fcn": {"network": Architecture(name="fcn")},
    "lstm_fcn_8": {"network": Architecture(name="lstm_fcn", cells=8)},
    "lstm_fcn_64": {"network": Architecture(name="lstm_fcn", cells=64)},
    "alstm_fcn_8": {"network": Architecture(name="alstm_fcn", cells=8)},
    "alstm_fcn_64": {"network": Architecture(name="alstm_fcn", cells=64)},
    "difference": {"network": Architecture(name="fcn"), "view": difference},
    "halved": {"network": Architecture(name="fcn"), "view": halved},
    "long": {"network": partial(fcn_with, sizes=LONG)},
    "dilated": {"network": partial(fcn_with, dilations=(1, 4, 8))},
    "wide": {"network": partial(fcn_with, sizes=LONG, dilations=(1, 2, 4))},
    "slim": {"network": partial(fcn_with, sizes=LONG, dilations=(1, 2, 4), filters=(64, 96, 64))},
    "lite": {"network": Architecture(name="lite"), "recipe": {"epochs": 600}},
    "lite_halved": {"network": Architecture(name="lite"), "view": halved, "recipe": {"epochs": 600}},
    "lite_difference": {"network": Architecture(name="lite"), "view": difference, "recipe": {"epochs": 600}},
    "mini_rocket": {"fit": "rocket"},
    # As their library has them; the second needs PyTorch.
    "aeons_mini_rocket": {"reference": "mini_rocket"},
    "multi_rocket_hydra": {"reference": "multi_rocket_hydra"},
    # Other recipes.
    "lite_long": {"network": Architecture(name="lite"), "recipe": {"epochs": 1500}},
    "lstm_fcn_64_rate3": {
        "network": Architecture(name="lstm_fcn", cells=64),
        "recipe": {"initial_rate": 3e-3},
    },
    "lstm_fcn_64_even": {
        "network": Architecture(name="lstm_fcn", cells=64),
        "recipe": {"class_weighting": False},
    },
    "lstm_fcn_64_long": {"network": Architecture(name="lstm_fcn", cells=64), "recipe": {"epochs": 800}},
    "alstm_fcn_8_long": {"network": Architecture(name="alstm_fcn", cells=8), "recipe": {"epochs": 800}},
    "lstm_fcn_64_batch16": {"network": Architecture(name="lstm_fcn", cells=64), "recipe": {"batch_size": 16}},
}


def engine_of(network, X, y, seed):
    """Return an engine for a project's network, or for a function from series to features."""
    from lstmfcn.classifiers.phase1 import new_engine
    from lstmfcn.data.series import Split
    from lstmfcn.environment import keras_defaults
    from lstmfcn.training.loop import Engine

    if not callable(network):
        return new_engine(Split(X, y, tuple(map(str, range(y.max() + 1)))), network, seed=seed)
    import keras

    with keras_defaults():
        seeds = iter(np.random.SeedSequence(seed).generate_state(64).tolist())
        series = keras.Input(X.shape[1:], name="series")
        kernel = keras.initializers.GlorotUniform(next(seeds))
        logits = keras.layers.Dense(int(y.max()) + 1, kernel_initializer=kernel, name="logits")
        model = keras.Model(
            series, keras.layers.Softmax(name="probabilities")(logits(network(series, seeds)))
        )
        return Engine(model)


def train(job):
    """Train one member on one dataset; return its row and its probabilities of the test series."""
    dataset, name, seed = job
    member = MEMBERS[name]
    view = member.get("view", lambda X: X)
    (X, y), (test_X, test_y) = load(dataset, "TRAIN"), load(dataset, "TEST")
    X, test_X = (view(values).astype(np.float32) for values in (X, test_X))
    fit = next((how for key, how in FITS.items() if key in member), fit_network)
    epochs, loss, seconds, probabilities = fit(member, X, y, test_X, seed)
    accuracy = (probabilities.argmax(axis=1) == test_y).mean()
    return [dataset, name, seed, epochs, loss, round(seconds, 2), accuracy], probabilities


def fit_network(member, X, y, test_X, seed):
    """Return epochs, the last loss, processor seconds and the probabilities of the test series."""
    from lstmfcn.environment import load_backend

    load_backend()
    recipe = phase1_recipe(load_params(Path(__file__).parent.parent / "params.yaml"))
    recipe = recipe.model_copy(update=member.get("recipe", {}))
    engine = engine_of(member["network"], X, y, seed)
    begun = time.process_time()
    history = engine.train(X, y, recipe, start=engine.initial, seed=seed)
    seconds = time.process_time() - begun
    return len(history.loss), history.loss[-1], seconds, engine.predict(test_X)


def fit_reference(member, X, y, test_X, seed):
    """Return the same of an estimator of another library, which has neither epochs nor losses."""
    row = classifier_named(member["reference"])
    module, _, name = row.source.partition(":")
    made = getattr(import_module(module), name)(**row.options, random_state=seed)
    some = np.r_[:8, np.unique(y, return_index=True)[1]]  # of each class
    made.fit(X[some], y[some])  # its code is compiled now
    begun = time.process_time()
    made.fit(X, y)
    return 0, np.nan, time.process_time() - begun, made.predict_proba(test_X)


def fit_rocket(_member, X, y, test_X, seed):
    """Return the same of MiniRocket as a network: its seconds hold those of its folds."""
    from lstmfcn.classifiers import mini_rocket
    from lstmfcn.classifiers.outcome import pack_weights
    from lstmfcn.data.series import Split
    from lstmfcn.environment import load_backend
    from lstmfcn.runs.identity import Identity

    load_backend()
    row, train = classifier_named("mini_rocket"), Split(X, y, tuple(map(str, range(int(y.max()) + 1))))
    one = Identity(dataset="A", classifier="mini_rocket", seed=seed)
    job = SimpleNamespace(train=train, identity=one, n_folds=3, selection=None, progress=lambda _: None)
    mini_rocket.load(row, X.shape[1])  # its code is compiled now
    begun = time.process_time()
    outcome = mini_rocket.train(row, job)
    seconds = time.process_time() - begun
    run = SimpleNamespace(identity=one, params={})
    files = {"weights.npz": pack_weights(outcome.weights)}
    (probabilities,) = mini_rocket.predict(row, [(run, files)], train, test_X)
    return 0, outcome.out_of_fold.loss, seconds, probabilities


FITS = {"reference": fit_reference, "fit": fit_rocket}


def main():
    """Train what is missing, the smallest datasets first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the probabilities are kept")
    parser.add_argument("--members", nargs="*", default=list(MEMBERS), choices=list(MEMBERS))
    parser.add_argument("--datasets", nargs="*", default=list(TUNING))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    arguments = parser.parse_args()

    def place(job):
        dataset, member, seed = job
        return arguments.folder / f"{member}-{seed}" / f"{dataset}.npz"

    jobs = [
        job
        for dataset in arguments.datasets
        for seed in arguments.seeds
        for member in arguments.members
        if not place(job := (dataset, member, seed)).exists()
    ]
    for count, (index, (row, probabilities)) in enumerate(run_jobs(train, jobs), start=1):
        path = place(jobs[index])
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, probabilities=np.round(probabilities * 255).astype(np.uint8))
        keep(pd.DataFrame([row], columns=COLUMNS), "members")
        print(f"[{count}/{len(jobs)}]", *row, flush=True)


if __name__ == "__main__":
    main()
