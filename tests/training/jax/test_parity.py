"""The backend JAX against TensorFlow: the same networks, on the same batches, with the same masks."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lstmfcn.environment import ONE_THREAD
from lstmfcn.networks.architecture import Architecture
from lstmfcn.networks.build import build
from lstmfcn.training.loop import Engine
from lstmfcn.training.weights import get_weights, set_weights
from training.jax.backends import N_CLASSES, SEED, epoch_of, padded, series

pytest.importorskip("jax", reason="the extra jax is not installed")
pytestmark = pytest.mark.slow

OFTEN = {"lstm_fcn": 60, "padded_lstm_fcn": 10}
SELDOM = [
    pytest.param(name, marks=pytest.mark.exhaustive)
    for name in ("fcn", "alstm_fcn", "padded_alstm_fcn", "resnet", "lite")
]


def on_tensorflow(name, epochs):
    """Train epoch by epoch; return each state, what each epoch gave, and the predictions at the end."""
    is_padded = name.startswith("padded_")
    X, y = padded(*series()) if is_padded else series()
    plain = name.removeprefix("padded_")
    architecture = Architecture(name=plain, cells=4 if "lstm" in plain else None)
    model = build(architecture, n_channels=1, length=24, n_classes=N_CLASSES, padded=is_padded, seed=SEED)
    engine = Engine(model)
    compiled, found, gave = engine.compiled("float32"), {}, []
    compiled.start(engine.initial, SEED)
    for number in range(epochs):
        found |= {f"{number}/weight/{path}": value for path, value in compiled.weights().items()}
        state = compiled.state()
        moments = sum(key.startswith("moment-") for key in state)
        found |= {f"{number}/moment/{i}": state[f"moment-{i}"] for i in range(moments)}
        if "dropout-0" in state:
            found[f"{number}/dropout"] = state["dropout-0"]
        gave.append(epoch_of(compiled, X, y, number))
    found |= {f"last/weight/{path}": value for path, value in compiled.weights().items()}
    set_weights(model, compiled.weights())
    found |= {"losses": np.array(gave), "predictions": engine.predict(X)}
    engine._statistics.recompute(X)
    found |= {f"settled/{path}": value for path, value in get_weights(model).items()}
    return found | {f"initial/{path}": value for path, value in engine.initial.items()}


def ask(folder, *names):
    """Let JAX answer, in a process of its own."""
    here = Path(__file__).parent
    kept = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    environment = kept | {"KERAS_BACKEND": "jax", "PYTHONPATH": os.pathsep.join([*sys.path, str(here)])}
    done = subprocess.run(
        [sys.executable, here / "on_jax.py", folder, *names], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert not (folder / "loaded.txt").read_text()


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Return what both gave, by the name of the question."""
    folder = tmp_path_factory.mktemp("backends")
    theirs = {name: on_tensorflow(name, epochs) for name, epochs in OFTEN.items()}
    for name, found in theirs.items():
        np.savez(folder / f"{name}.npz", **found)
    names = (*OFTEN, "together", "interrupted", "folds", "resumed")
    ask(folder, *names)
    ours = {name: dict(np.load(folder / f"{name}-on-jax.npz")) for name in names}
    return theirs, ours


@pytest.fixture
def both(request, tmp_path):
    """Return what TensorFlow and JAX gave for a network."""
    name = request.param
    if name in OFTEN:
        theirs, ours = request.getfixturevalue("answers")
        return theirs[name], ours[name]
    theirs = on_tensorflow(name, 5)
    np.savez(tmp_path / f"{name}.npz", **theirs)
    ask(tmp_path, name)
    return theirs, dict(np.load(tmp_path / f"{name}-on-jax.npz"))


@pytest.mark.parametrize("both", [*OFTEN, *SELDOM], indirect=True)
def test_every_epoch_of_a_training_has_the_same_loss_and_accuracy(both):
    """Each from where TensorFlow was: from there on rounding alone drives two trainings apart."""
    theirs, ours = both
    np.testing.assert_allclose(ours["epochs"][:, 0], theirs["losses"][:, 0], atol=1e-5)
    np.testing.assert_allclose(ours["epochs"][:, 1], theirs["losses"][:, 1], atol=0.5 / 21)


@pytest.mark.parametrize("both", [*OFTEN, *SELDOM], indirect=True)
def test_the_same_weights_give_the_same_predictions_and_statistics(both):
    theirs, ours = both
    np.testing.assert_allclose(ours["predictions"], theirs["predictions"], atol=1e-5)
    for path in (key for key in theirs if key.startswith("settled/")):
        np.testing.assert_allclose(ours[path], theirs[path], rtol=1e-4, atol=1e-5, err_msg=path)


@pytest.mark.parametrize("both", OFTEN, indirect=True)
def test_networks_begin_with_the_same_weights(both):
    theirs, ours = both
    for path in (key for key in theirs if key.startswith("initial/")):
        np.testing.assert_allclose(ours[path], theirs[path], atol=2e-6, err_msg=path)


def test_a_training_in_a_stack_is_what_it_is_alone(answers):
    """Though the others have other series, other seeds, or diverge."""
    _, ours = answers
    found = ours["together"]
    np.testing.assert_allclose(found["together"][:, :2], found["alone"][:, :2], atol=1e-5)
    np.testing.assert_allclose(found["together"], found["alone"], atol=1e-3)  # rounding grows
    np.testing.assert_allclose(*found["probabilities"], atol=1e-2)
    assert "The training loss became" in str(found["refused"])


def test_folds_are_side_by_side_what_they_are_one_after_the_other(answers):
    found = answers[1]["folds"]
    np.testing.assert_allclose(*found["loss"], atol=1e-4)
    np.testing.assert_allclose(*found["out_of_fold"], atol=1e-2)
    np.testing.assert_allclose(*found["probabilities"], atol=1e-2)
    assert np.isfinite(found["out_of_fold"]).all()


def test_an_interrupted_training_keeps_no_other_waiting(answers):
    found = answers[1]["interrupted"]
    assert found["told"].tolist() == ["interrupted"] * 2
    assert found["seats"] == 0
    assert np.isfinite(found["loss"]).all()


@pytest.mark.parametrize("criterion", ["last", "train_loss"])
def test_a_training_that_was_stopped_ends_with_the_same_bits(answers, criterion):
    np.testing.assert_array_equal(*answers[1]["resumed"][criterion])
