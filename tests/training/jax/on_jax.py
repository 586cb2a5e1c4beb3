"""What the tests ask of the backend JAX, in a process of its own: a process has one backend."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lstmfcn.environment import prepare_worker

prepare_worker()

import numpy as np
from backends import N_CLASSES, SEED, epoch_of, padded, recipe, series, trained

from lstmfcn.classifiers.outcome import train_with_folds
from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.build import build
from lstmfcn.training import loop
from lstmfcn.training.checkpoint import Checkpoint
from lstmfcn.training.loop import Engine, TrainingDivergedError
from lstmfcn.training.weights import get_weights, set_weights


def parity(folder, name):
    """Compute each epoch of a training on TensorFlow from where that was, and its last predictions."""
    given = dict(np.load(folder / f"{name}.npz"))
    X, y = padded(*series()) if name.startswith("padded") else series()
    engine = Engine(network(name))
    compiled = engine.compiled("float32")
    twin = compiled._twin
    found = []
    for number in range(len(given["losses"])):
        trained_order = [f"{number}/weight/{path}" for path in twin.trained]
        updated_order = [f"{number}/weight/{path}" for path in twin.updated]
        moments = [f"{number}/moment/{i}" for i in range(2 * len(twin.trained))]
        powers = np.array([given[f"{number}/moment/{i + len(moments)}"] for i in (0, 1)])
        arrays = [given[key] for key in (*trained_order, *updated_order, *moments)]
        place = np.uint32(given[f"{number}/dropout"][1] if f"{number}/dropout" in given else 0)
        state = {f"array-{i}": array for i, array in enumerate([*arrays, powers, place])}
        compiled.restore(state | {"seed": np.array(SEED)})
        found.append(epoch_of(compiled, X, y, number))
        compiled.stop()
    set_weights(engine.model, {path: given[f"last/weight/{path}"] for path in get_weights(engine.model)})
    predictions = engine.predict(X)
    engine._statistics.recompute(X)
    initial = {f"initial/{path}": value for path, value in engine.initial.items()}
    settled = {f"settled/{path}": value for path, value in get_weights(engine.model).items()}
    return {"epochs": np.array(found), "predictions": predictions, **initial, **settled}


def network(name):
    name, is_padded = name.removeprefix("padded_"), name.startswith("padded_")
    architecture = Architecture(name=name, cells=4 if "lstm" in name else None)
    X, _ = series()
    return build(
        architecture, n_channels=1, length=X.shape[2], n_classes=N_CLASSES, padded=is_padded, seed=SEED
    )


def together():
    """Train alone, and the same at once in threads, one of them on what makes it diverge."""
    X, y = series()
    parts = [slice(None), slice(0, 17), slice(4, None)]
    alone = [trained(Engine(network("lstm_fcn")), X[part], y[part], seed) for seed, part in enumerate(parts)]

    def work(seed):
        engine = Engine(network("lstm_fcn"))
        if seed == len(parts):
            try:
                return trained(engine, np.full_like(X, np.nan), y, seed)
            except TrainingDivergedError as error:
                return str(error)
        return trained(engine, X[parts[seed]], y[parts[seed]], seed)

    with ThreadPoolExecutor(4) as pool:
        *found, refused = pool.map(work, range(4))
    return {
        "alone": np.array([history.loss for history, _ in alone]),
        "together": np.array([history.loss for history, _ in found]),
        "probabilities": np.array([[p for _, p in alone], [p for _, p in found]]),
        "refused": np.array(refused),
    }


def interrupted():
    """Interrupt a training, between its epochs and within one; then train as ever."""
    X, y = series()
    engine = Engine(network("lstm_fcn"))
    stack = engine.compiled("float32")._stack

    def stop(*_):
        raise KeyboardInterrupt

    told = []
    for options in ({"observe": stop}, {}):
        stack._compute = stack._compute if options else stop
        try:
            engine.train(X, y, recipe(2), start=engine.initial, seed=SEED, **options)
        except KeyboardInterrupt:
            told.append("interrupted")
        stack.__dict__.pop("_compute", None)
    history = engine.train(X, y, recipe(2), start=engine.initial, seed=SEED)
    return {"told": np.array(told), "loss": history.loss, "seats": np.array(len(stack._seats))}


def folds():
    """Train on the whole split and on two folds, side by side and one after the other."""
    X, y = series()
    fold, found = np.arange(21) % 2, []
    for loop.backend.SIDE_BY_SIDE in (True, False):
        engine = Engine(network("lstm_fcn"))
        starts = [engine.initial] * 2
        options = {"fold": fold, "start": engine.initial, "fold_starts": starts, "seed": SEED}
        outcome = train_with_folds(engine, X, y, recipe(3), **options)
        set_weights(engine.model, outcome.weights)
        found.append((outcome, engine.predict(X)))
    return {
        "loss": np.array([outcome.history.loss for outcome, _ in found]),
        "out_of_fold": np.array([outcome.out_of_fold.probabilities for outcome, _ in found]),
        "probabilities": np.array([probabilities for _, probabilities in found]),
    }


def resumed(folder):
    """Train in one go, and stopped and gone on with, by each criterion that needs a state of its own."""
    X, y = series()
    found = {}
    for criterion in ("last", "train_loss"):
        weights = []
        for stops in (False, True):
            engine = Engine(network("lstm_fcn"))
            checkpoint = Checkpoint(folder / f"{criterion}-{stops}.npz")
            options = {"start": engine.initial, "seed": SEED, "checkpoint": checkpoint}
            if stops:
                engine.train(X, y, recipe(6, criterion), observe=lambda end: end.epoch == 3, **options)
            engine.train(X, y, recipe(6, criterion), **options)
            weights.append(np.concatenate([value.ravel() for value in get_weights(engine.model).values()]))
        found[criterion] = np.array(weights)
    return found


def main():
    folder = Path(sys.argv[1])
    for name in sys.argv[2:]:
        answer = {
            "together": together,
            "interrupted": interrupted,
            "folds": folds,
            "resumed": lambda: resumed(folder),
        }.get(name)
        np.savez(folder / f"{name}-on-jax.npz", **(answer() if answer else parity(folder, name)))
    loaded = [name for name in ("tensorflow", "mlflow", "keras_tuner", "dvc") if name in sys.modules]
    (folder / "loaded.txt").write_text(" ".join(loaded))


if __name__ == "__main__":
    main()
