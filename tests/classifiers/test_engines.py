"""Compiled networks that are lent: equal to new ones, to one user at a time, and never after a fork."""

import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

from lstmfcn import FCNClassifier, LSTMFCNClassifier
from lstmfcn.classifiers import engines
from lstmfcn.environment import ForkedProcessError, refuse_fork

FEW = {"epochs": 3, "batch_size": 8}


@pytest.fixture(autouse=True)
def _none_idle(monkeypatch):
    monkeypatch.setattr(engines, "_idle", [])
    monkeypatch.setattr(engines, "KEPT", 3)


def bytes_of(fitted, X):
    weights = {name: value.tobytes() for name, value in fitted.weights_.items()}
    return weights, fitted.loss_curve_, fitted.predict_proba(X).tobytes()


def test_a_lent_engine_gives_what_a_new_one_gives(bumped, monkeypatch):
    """To the byte, whatever seed, batch size, rates and number of series it had before."""
    X, y = bumped
    kind = {"cells": 4, "random_state": 3}

    def others():
        LSTMFCNClassifier(cells=4, epochs=2, batch_size=4, random_state=1).fit(X[:12] * 2, y[:12])
        LSTMFCNClassifier(cells=4, epochs=2, learning_rate=0.5, fine_tuning_iterations=1).fit(-X, y)

    new = bytes_of(LSTMFCNClassifier(**kind, **FEW, validation_share=0.3).fit(X, y), X)
    monkeypatch.setattr(engines, "_idle", [])
    others()
    (idle,) = engines._idle
    again = bytes_of(LSTMFCNClassifier(**kind, **FEW, validation_share=0.3).fit(X, y), X)
    assert engines._idle == [idle]
    assert again == new


@pytest.mark.usefixtures("tiny")
def test_so_many_are_kept_and_none_that_was_left_half_way(bumped):
    X, y = bumped
    for length in range(5, 7 + engines.KEPT):
        FCNClassifier(**FEW).fit(X[:, :, :length], y)
    assert [shape.length for shape, _ in engines._idle] == list(range(7, 7 + engines.KEPT))

    def fails(_facts):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FCNClassifier(**FEW, callbacks=fails).fit(X[:, :, :7], y)
    assert 7 not in [shape.length for shape, _ in engines._idle]


@pytest.mark.usefixtures("tiny")
def test_threads_give_what_one_thread_gives(bumped):
    X, y = bumped
    seeds = [0, 1, 2, 3] * 4

    def fit(seed):
        return bytes_of(FCNClassifier(**FEW, random_state=seed).fit(X + seed, y), X)

    expected = [fit(seed) for seed in seeds[:4]] * 4
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fit, seeds)) == expected
    assert len(engines._idle) <= engines.KEPT


@pytest.mark.usefixtures("tiny")
def test_threads_share_one_fitted_estimator(bumped):
    X, y = bumped
    fitted = [FCNClassifier(**FEW, random_state=seed).fit(X, y) for seed in (0, 1)]
    expected = [each.predict_proba(X) for each in fitted]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: fitted[i % 2].predict_proba(X), range(60)))
    for i, answer in enumerate(answers):
        np.testing.assert_array_equal(answer, expected[i % 2])


@pytest.mark.usefixtures("tiny")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("deed", ["predict", "fit"])
def test_after_a_fork_it_raises_and_does_not_hang(deed, bumped):
    X, y = bumped
    fitted = FCNClassifier(**FEW).fit(X, y)
    refuse_fork()  # not here
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            getattr(fitted, deed)(*((X,) if deed == "predict" else (X, y)))
            os.write(write, b"answered")
        except ForkedProcessError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    assert b"spawn" in os.read(read, 1000)
    os.waitpid(child, 0)
    refuse_fork()


def test_joblibs_processes_fit_and_predict(bumped):
    """One process of joblib's default backend: its fit and a copy of ours answer as here, to a rounding."""
    X, y = bumped
    fitted = FCNClassifier(**FEW).fit(X, y)
    try:
        there, again = Parallel(n_jobs=2)([delayed(fit_and_predict)(pickle.dumps(fitted), X, y)])[0]
    finally:
        get_reusable_executor().shutdown(wait=True)
    np.testing.assert_allclose(there, fitted.predict_proba(X), atol=1e-5)
    np.testing.assert_allclose(again, fitted.predict_proba(X), atol=1e-5)


def fit_and_predict(pickled, X, y):
    fitted = pickle.loads(pickled)
    return fitted.predict_proba(X), fitted.fit(X, y).predict_proba(X)
