"""`LSTMFCN_THREADS`: so many trainings of a job at once, and the same bytes as one after the other."""

import threading
import time

import numpy as np
import pytest

from lstmfcn.classifiers.outcome import cross_validate
from lstmfcn.classifiers.phase1 import new_engine, train_phase1
from lstmfcn.data.series import Split
from lstmfcn.networks.architecture import Architecture
from lstmfcn.training.loop import Engine, TrainingDivergedError
from lstmfcn.training.recipe import TrainingRecipe

ALSTM_FCN = Architecture(name="alstm_fcn", cells=4)
RECIPE = TrainingRecipe(epochs=3, batch_size=8, initial_rate=2e-3)
FOLDS = 3


@pytest.fixture(scope="module")
def train(bumped):
    X, y = bumped
    return Split(X.astype("float32"), y, ("a", "b", "c"))


@pytest.fixture(scope="module")
def engine(train):
    return new_engine(train, ALSTM_FCN, seed=0)


def bytes_of(engine, train, scratch=None):
    return train_phase1(engine, train, RECIPE, n_folds=FOLDS, seed=0, scratch=scratch).files(train.classes)


def test_trainings_at_once_give_what_they_give_one_after_the_other(engine, train, tmp_path, monkeypatch):
    """Weights, curve and predictions, byte for byte; each waits for another that is under way.

    So do those that go on from checkpoints, some of which a job with one thread has left.
    """
    expected = bytes_of(engine, train, tmp_path)
    meeting, alone, used = threading.Barrier(2), Engine.train, set()

    def meet(self, *arguments, **options):
        meeting.wait(timeout=60)
        used.add(self)
        return alone(self, *arguments, **options)

    monkeypatch.setenv("LSTMFCN_THREADS", "2")
    monkeypatch.setattr(Engine, "train", meet)
    assert bytes_of(engine, train) == expected
    assert len(used) == 2
    (tmp_path / "whole.npz").unlink()
    (tmp_path / "fold-1.npz").unlink()
    assert bytes_of(engine, train, tmp_path) == expected
    assert used == set(engine.crew(2))


@pytest.mark.parametrize("threads", ["1", "2"])
def test_where_no_series_can_be_held_out_there_are_no_folds(engine, train, monkeypatch, threads):
    monkeypatch.setenv("LSTMFCN_THREADS", threads)
    nobody = np.full(len(train.y), -1)
    oof, kept = cross_validate(engine, train.X, train.y, RECIPE, fold=nobody, starts=[], seed=0)
    assert np.isnan(oof.probabilities).all()
    assert kept == ()


def test_of_several_that_fail_the_first_in_order_is_told_as_with_one_thread(engine, train, monkeypatch):
    """The second fold fails long after the training on the whole split has."""

    def fail(self, *arguments, seed, **options):
        if seed not in (0, 2000):
            return trained(self, *arguments, seed=seed, **options)
        time.sleep(0.3 if seed else 0.0)
        raise TrainingDivergedError(f"seed {seed}")

    trained = Engine.train
    monkeypatch.setattr(Engine, "train", fail)
    for threads in ("1", "4"):
        monkeypatch.setenv("LSTMFCN_THREADS", threads)
        with pytest.raises(TrainingDivergedError, match="seed 2000"):
            bytes_of(engine, train)
