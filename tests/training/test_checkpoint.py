"""A training that was interrupted against one that was not: equal bit for bit."""

import functools

import numpy as np
import pytest

from lstmfcn.classifiers.outcome import pack_weights
from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.build import build
from lstmfcn.training import checkpoint as module
from lstmfcn.training.checkpoint import Checkpoint, TrainingState
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


@functools.cache
def engine(model, seed):
    """Return an engine whose past is that of the tests before."""
    architecture = Architecture(name=model, cells=4)
    return Engine(build(architecture, n_channels=1, length=16, n_classes=3, seed=seed))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("lstm_fcn", "fitted, last weights"),
        pytest.param("alstm_fcn", "fitted, last weights", marks=pytest.mark.exhaustive),
        ("alstm_fcn", "plateau, lowest loss"),
        ("alstm_fcn", "selected"),
    ],
)
def test_an_interrupted_training_ends_as_an_undisturbed_one(model, name, tmp_path, monkeypatch):
    """Killed twice, in a new process each time (an engine with other weights and another past)."""
    monkeypatch.setattr(module, "SECONDS", 0)
    rng = np.random.default_rng(0)
    y = np.array([0, 1, 1, 2, 1, 0, 2, 1])
    X = (rng.normal(size=(8, 1, 16)) + y[:, None, None] / 2).astype("float32")
    recipe = RECIPES[name]
    noise = (rng.normal(size=(40, 1, 16)).astype("float32"), rng.integers(0, 3, 40))
    selection = noise if recipe.criterion == "test_accuracy" else None

    whole = engine(model, 0)
    start = whole.initial
    expected = whole.train(X, y, recipe, start=start, seed=7, selection=selection)

    path = tmp_path / "whole.npz"
    for seed in (1, 2):
        with pytest.raises(KilledError):
            engine(model, seed).train(
                X, y, recipe, start=start, seed=7, selection=selection, checkpoint=DiesAfter(path, 4)
            )
    last = engine(model, 1)
    history = last.train(X, y, recipe, start=start, seed=7, selection=selection, checkpoint=Checkpoint(path))
    for field, values in vars(expected).items():
        np.testing.assert_array_equal(getattr(history, field), values, err_msg=field)
    for weight, value in get_weights(whole.model).items():
        np.testing.assert_array_equal(get_weights(last.model)[weight], value, err_msg=weight)
    # What has ended is not trained again.
    again = last
    again.train(X, y, recipe, start=start, seed=7, selection=selection, checkpoint=DiesAfter(path, 2))
    for weight, value in get_weights(whole.model).items():
        np.testing.assert_array_equal(get_weights(again.model)[weight], value, err_msg=weight)


def state(seed=0):
    """Return a state like one after three epochs, of a small network."""
    rng = np.random.default_rng(seed)
    weights = {"a/kernel": rng.normal(size=(3, 2)).astype("float32"), "b": np.arange(6, dtype="float32")}
    return TrainingState(
        loss=[0.5, 0.4, 0.3], accuracy=[0.5, 0.6, 0.7], rate=[0.1] * 3, watched=[0.5, 0.4, 0.3],
        kept_epoch=3, kept=weights, before={name: 2 * value for name, value in weights.items()},
        network={"weight-0": rng.normal(size=(3, 2)).astype("float32"), "dropout-0": np.array([7, 0])},
    )  # fmt: skip


def opened(path, training="training"):
    checkpoint = Checkpoint(path)
    checkpoint.training = training
    return checkpoint


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "whole.npz"
    opened(path).save(state())
    return path


def test_a_state_reads_back_equal(saved):
    found, expected = opened(saved).load().arrays(), state().arrays()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == value.dtype


def refused_or_equal(path):
    """Whether a checkpoint is refused; one that is not, says what it said."""
    try:
        found = opened(path).load()
    except ValueError:
        return True
    for name, value in state().arrays().items():
        np.testing.assert_array_equal(found.arrays()[name], value)
    return False


def test_a_flipped_byte_is_noticed_or_changes_nothing(saved):
    """Every 7th byte of the file, one bit of it or all: headers, data, the zip's directory."""
    content = saved.read_bytes()
    refused = 0
    for at in range(0, len(content), 7):
        for flip in (1, 255):
            saved.write_bytes(content[:at] + bytes([content[at] ^ flip]) + content[at + 1 :])
            refused += refused_or_equal(saved)
    assert refused > 2 * len(content) / 7 * 0.7


def test_a_checkpoint_cut_short_is_noticed(saved):
    content = saved.read_bytes()
    for end in range(0, len(content), 11):
        saved.write_bytes(content[:end])
        assert refused_or_equal(saved)


def swapped(arrays):
    a, b = "kept:b", "before:b"
    return arrays | {a: arrays[b], b: arrays[a]}


CHANGES = {
    "an array missing": lambda arrays: {n: v for n, v in arrays.items() if n != "network:weight-0"},
    "an array more": lambda arrays: arrays | {"network:weight-1": np.zeros(3)},
    "two arrays swapped": swapped,
    "another shape": lambda arrays: arrays | {"kept:b": np.zeros(7, "float32")},
    "another type": lambda arrays: arrays | {"kept:b": arrays["kept:b"].astype("float64")},
    "not a number": lambda arrays: arrays | {"kept:b": np.full(6, np.nan, "float32")},
    "a longer curve": lambda arrays: arrays | {"loss": np.ones(99)},
    "a negative epoch": lambda arrays: arrays | {"kept_epoch": np.array(-1)},
    "an epoch that is none": lambda arrays: arrays | {"kept_epoch": np.array("x")},
    "pickles": lambda arrays: arrays | {"kept:b": np.array([print], dtype=object)},
    "no hash": lambda arrays: {n: v for n, v in arrays.items() if n != "sha256"},
    "a hash of another type": lambda arrays: arrays | {"sha256": np.arange(4)},
    "an unknown group": lambda arrays: arrays | {"other:b": np.zeros(3)},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_checkpoint_that_was_written_anew_is_noticed(saved, change):
    with np.load(saved) as file:
        arrays = dict(file)
    np.savez(saved, **CHANGES[change](arrays))
    with pytest.raises(ValueError, match=r"changed|cannot be read"):
        opened(saved).load()


def test_a_training_starts_anew_where_its_checkpoint_is_of_no_use(tmp_path):
    """It says so, and ends with the bytes of an undisturbed one."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 1, 12)).astype("float32"), np.array([0, 1, 0, 1, 0, 1])
    recipe, path, said = TrainingRecipe(epochs=2, batch_size=3), tmp_path / "whole.npz", []
    engine = Engine(build(Architecture(name="fcn", cells=None), n_channels=1, length=12, n_classes=2, seed=0))

    def train(**changed):
        values = {"start": engine.initial, "seed": 3, "progress": said.append} | changed
        history = engine.train(X, y, values.pop("recipe", recipe), checkpoint=Checkpoint(path), **values)
        return history.to_csv(), pack_weights(get_weights(engine.model))

    expected = train()
    assert train() == expected  # from the checkpoint
    assert not said
    for other in ({"seed": 4}, {"recipe": recipe.model_copy(update={"epochs": 1})}):
        assert train(**other) != expected
        assert train() == expected
    with np.load(path) as file:
        np.savez_compressed(path, **file)
    assert train() == expected
    path.write_bytes(b"PK\x03\x04 torn")
    assert train() == expected
    assert len(said) == 6
    assert all("it starts anew" in line for line in said)
