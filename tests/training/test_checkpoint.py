"""A training that was interrupted against one that was not: equal bit for bit."""

import numpy as np
import pytest

from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.build import build
from lstmfcn.training import checkpoint as module
from lstmfcn.training.checkpoint import Checkpoint
from lstmfcn.training.loop import Engine
from lstmfcn.training.recipe import TrainingRecipe
from lstmfcn.training.weights import get_weights

RECIPES = {
    "fitted, last weights": TrainingRecipe(
        epochs=30, batch_size=3, schedule="fitted", fitted_loss=0.5, anneal_epochs=6
    ),
    "plateau, lowest loss": TrainingRecipe(
        epochs=14, batch_size=3, schedule="plateau", patience=2, criterion="train_loss"
    ),
    "selected": TrainingRecipe(
        epochs=14, batch_size=3, schedule="plateau", patience=1, criterion="test_accuracy",
        recompute_statistics=False,
    ),
}  # fmt: skip


class KilledError(Exception):
    pass


class DiesAfter(Checkpoint):
    """Saves after each epoch, and dies with the process after some."""

    def __init__(self, path, saves):
        super().__init__(path)
        self.left = saves

    def save(self, state):
        super().save(state)
        self.left -= 1
        if self.left == 0:
            raise KilledError


@pytest.mark.parametrize(
    ("model", "name"), [("lstm_fcn", "fitted, last weights"), *(("alstm_fcn", name) for name in RECIPES)]
)
def test_an_interrupted_training_ends_as_an_undisturbed_one(model, name, tmp_path, monkeypatch):
    """Killed twice, in a new process each time (a new engine with other weights and another past)."""
    monkeypatch.setattr(module, "SECONDS", 0)
    rng = np.random.default_rng(0)
    y = np.array([0, 1, 1, 2, 1, 0, 2, 1])
    X = (rng.normal(size=(8, 1, 16)) + y[:, None, None] / 2).astype("float32")
    recipe = RECIPES[name]
    noise = (rng.normal(size=(40, 1, 16)).astype("float32"), rng.integers(0, 3, 40))
    selection = noise if recipe.criterion == "test_accuracy" else None

    def engine(seed):
        architecture = Architecture(name=model, cells=4)
        return Engine(build(architecture, n_channels=1, length=16, n_classes=3, seed=seed))

    whole = engine(0)
    start = whole.initial
    expected = whole.train(X, y, recipe, start=start, seed=7, selection=selection)

    path = tmp_path / "whole.npz"
    for seed in (1, 2):
        with pytest.raises(KilledError):
            engine(seed).train(
                X, y, recipe, start=start, seed=7, selection=selection, checkpoint=DiesAfter(path, 4)
            )
    last = engine(3)
    history = last.train(X, y, recipe, start=start, seed=7, selection=selection, checkpoint=Checkpoint(path))
    for field, values in vars(expected).items():
        np.testing.assert_array_equal(getattr(history, field), values, err_msg=field)
    for weight, value in get_weights(whole.model).items():
        np.testing.assert_array_equal(get_weights(last.model)[weight], value, err_msg=weight)
    # What has ended is not trained again.
    again = engine(4)
    again.train(X, y, recipe, start=start, seed=7, selection=selection, checkpoint=DiesAfter(path, 2))
    for weight, value in get_weights(whole.model).items():
        np.testing.assert_array_equal(get_weights(again.model)[weight], value, err_msg=weight)


def test_a_damaged_checkpoint_costs_the_training_not_the_job(tmp_path):
    path = tmp_path / "whole.npz"
    assert Checkpoint(path).load() is None
    path.write_bytes(b"PK\x03\x04 torn")
    assert Checkpoint(path).load() is None
    path.write_bytes(b"")
    assert Checkpoint(path).load() is None
