"""Algorithm 1 and cross-validation on a small problem whose answer is known."""

import numpy as np
import pytest

from lstmfcn.classifiers import outcome as outcomes
from lstmfcn.classifiers.finetuning import iterate
from lstmfcn.classifiers.phase1 import reused_engine, train_phase1
from lstmfcn.data.series import Split
from lstmfcn.networks.architecture import Architecture
from lstmfcn.training.recipe import TrainingRecipe

LSTM_FCN = Architecture(name="lstm_fcn", cells=4)
RECIPE = TrainingRecipe(epochs=24, batch_size=8, initial_rate=2e-3)


@pytest.fixture(scope="module")
def train():
    rng = np.random.default_rng(0)
    y = np.arange(24) % 3
    X = 0.3 * rng.normal(size=(24, 1, 20)).astype("float32")
    for i, c in enumerate(y):
        X[i, 0, 3 + 5 * c : 6 + 5 * c] += 2
    return Split(X, y, ("a", "b", "c"))


@pytest.fixture(scope="module")
def phase1(train):
    engine = reused_engine(train, LSTM_FCN, seed=0)
    return engine, train_phase1(engine, train, RECIPE, n_folds=3, seed=0)


def test_out_of_fold_predictions_find_the_bump(phase1, train):
    oof = phase1[1].out_of_fold
    assert oof.accuracy > 0.8
    true = oof.probabilities[np.arange(24), train.y]
    np.testing.assert_allclose(oof.loss, -np.log(true).mean(), rtol=1e-5)
    assert sorted(set(oof.fold)) == [0, 1, 2]


def test_a_held_out_series_cannot_influence_its_own_prediction(train):
    """Its fold's model has not seen it: with another label it is predicted the same, to the bit."""
    engine = reused_engine(train, LSTM_FCN, seed=0)
    fold = np.arange(24) // 8
    starts = [engine.initial] * 3
    recipe = TrainingRecipe(epochs=3, batch_size=8)
    before, _ = outcomes.cross_validate(engine, train.X, train.y, recipe, fold=fold, starts=starts, seed=0)
    poisoned = np.where(fold == 0, (train.y + 1) % 3, train.y)
    after, _ = outcomes.cross_validate(engine, train.X, poisoned, recipe, fold=fold, starts=starts, seed=0)
    np.testing.assert_array_equal(before.probabilities[fold == 0], after.probabilities[fold == 0])
    assert np.any(before.probabilities[fold != 0] != after.probabilities[fold != 0])


def test_a_patient_cannot_influence_the_prediction_of_his_own_series(train):
    """All but one of a patient's series are noise instead: the one is predicted the same, to the bit.

    By phase 1 and by fine-tuning; what others are predicted changes.
    """
    names = np.array([f"patient {i // 4}" for i in range(24)])
    noise = np.random.default_rng(1).normal(size=(3, 1, 20)).astype("float32")
    recipe = TrainingRecipe(epochs=3, batch_size=8)
    engine = reused_engine(train, LSTM_FCN, seed=0)
    found = []
    for X in (train.X, np.concatenate([train.X[:1], noise, train.X[4:]])):
        split = Split(X, train.y, train.classes, names)
        first = train_phase1(engine, split, recipe, n_folds=3, seed=0)
        second = iterate(
            engine,
            split,
            recipe,
            index=1,
            start=first.weights,
            fold_starts=first.fold_weights,
            n_folds=3,
            seed=0,
        )
        found.append([out.out_of_fold.probabilities for out in (first, second)])
        assert (first.out_of_fold.fold >= 0).all()
    for before, after in zip(*found, strict=True):
        np.testing.assert_array_equal(before[0], after[0])
        assert np.any(before[4:] != after[4:])


def test_an_iteration_goes_on_from_the_weights_it_is_given(phase1, train):
    """The same start gives the same outcome, to the bit, whatever the engine did in between."""
    engine, first = phase1
    arguments = {"n_folds": 3, "seed": 0}
    one = iterate(
        engine, train, RECIPE, index=1, start=first.weights, fold_starts=first.fold_weights, **arguments
    )
    two = iterate(
        engine, train, RECIPE, index=2, start=one.weights, fold_starts=one.fold_weights, **arguments
    )
    again = iterate(
        engine, train, RECIPE, index=1, start=first.weights, fold_starts=first.fold_weights, **arguments
    )
    assert again.files(train.classes) == one.files(train.classes)
    assert two.history.rate[0] == pytest.approx(RECIPE.initial_rate / 2)
    assert two.history.loss[0] < first.history.loss[0]


def test_an_outcomes_files_read_back(phase1, train):
    files = phase1[1].files(train.classes)
    assert set(files) == {"weights.npz", "fold-0.npz", "fold-1.npz", "fold-2.npz", "history.csv", "oof.csv"}
    read = outcomes.unpack_weights(files["weights.npz"])
    for path, value in phase1[1].weights.items():
        np.testing.assert_array_equal(read[path], value)
    assert len(outcomes.fold_weights(files)) == 3
