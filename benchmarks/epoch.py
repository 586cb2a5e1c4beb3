"""Time an epoch of the engine beside Keras's own `fit`: one network, equal batches, interleaved repeats.

Usage: python benchmarks/epoch.py [repeats]
"""

import statistics
import sys
import time

from lstmfcn.backend import load_backend

load_backend()

import keras  # noqa: E402
import numpy as np  # noqa: E402

from lstmfcn.architecture import Architecture  # noqa: E402
from lstmfcn.data.series import Split  # noqa: E402
from lstmfcn.training.engine import TrainingRecipe  # noqa: E402
from lstmfcn.training.phase1 import new_engine  # noqa: E402

# (series, length, classes) of ItalyPowerDemand, GunPoint, ArrowHead and Adiac
SHAPES = {
    "ItalyPowerDemand": (67, 24, 2),
    "GunPoint": (50, 150, 2),
    "ArrowHead": (36, 251, 3),
    "Adiac": (390, 176, 37),
}
EPOCHS, BATCH = 20, 16


def main():
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"ms an epoch, batch {BATCH}, median of {repeats} interleaved repeats of {EPOCHS} epochs")
    print(f"{'shape of':18}{'fit':>9}{'engine':>9}{'ratio':>8}  ratios from to")
    for name, shape in SHAPES.items():
        times = measure(*shape, repeats)
        ratios = [fit / own for fit, own in times]
        fit, own = (statistics.median(column) for column in zip(*times, strict=True))
        spread = f"{min(ratios):.2f} {max(ratios):.2f}"
        print(f"{name:18}{fit:9.1f}{own:9.1f}{statistics.median(ratios):8.2f}  {spread}")
        keras.backend.clear_session()


def measure(n_series, length, n_classes, repeats):
    """Return (fit, engine) in ms an epoch, a pair a repeat."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_series, 1, length)).astype(np.float32)
    y = np.arange(n_series) % n_classes
    train = Split(X, y, tuple(map(str, range(n_classes))))
    architecture = Architecture(name="lstm_fcn", cells=64)
    engine = new_engine(train, architecture, seed=0)
    recipe = TrainingRecipe(epochs=EPOCHS, batch_size=BATCH, criterion="last", recompute_statistics=False)
    peer = new_engine(train, architecture, seed=0).model
    peer.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

    def fit():
        peer.fit(X, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)

    def own():
        engine.train(X, y, recipe, start=engine.initial, seed=0)

    fit(), own()  # compile
    return [(_milliseconds(fit), _milliseconds(own)) for _ in range(repeats)]


def _milliseconds(train):
    begun = time.perf_counter()
    train()
    return 1000 * (time.perf_counter() - begun) / EPOCHS


if __name__ == "__main__":
    main()
