"""The search for the number of cells: each width once, whatever was torn when it was killed."""

import shutil

import numpy as np
import pytest

from lstmfcn.classifiers import outcome as outcomes
from lstmfcn.classifiers.search import search_cells
from lstmfcn.data.series import Split
from lstmfcn.networks.architecture import Architecture
from lstmfcn.training.recipe import TrainingRecipe

LSTM_FCN = Architecture(name="lstm_fcn", cells=4)


@pytest.fixture(scope="module")
def train():
    rng = np.random.default_rng(0)
    y = np.arange(24) % 3
    X = 0.3 * rng.normal(size=(24, 1, 20)).astype("float32")
    for i, c in enumerate(y):
        X[i, 0, 3 + 5 * c : 6 + 5 * c] += 2
    return Split(X, y, ("a", "b", "c"))


def test_the_search_tries_each_width_once_and_goes_on_where_it_was_stopped(train, tmp_path, monkeypatch):
    arguments = {"n_folds": 3, "seed": 0, "directory": tmp_path}
    recipe = TrainingRecipe(epochs=3, batch_size=8)
    one = search_cells(train, LSTM_FCN, recipe, cells=[4], **arguments)
    tried = []
    real = outcomes.cross_validate
    monkeypatch.setattr(
        "lstmfcn.classifiers.search.cross_validate", lambda *a, **k: tried.append(1) or real(*a, **k)
    )
    both = search_cells(train, LSTM_FCN, recipe, cells=[4, 8], **arguments)
    assert len(tried) == 1
    assert {t.cells for t in both} == {4, 8}
    assert one[0] in both
    assert both == sorted(both, key=lambda t: (-t.accuracy, t.loss, t.cells))


TORN = {
    "the oracle's state": lambda folder: (folder / "oracle.json").write_text('{"ongoing_tri'),
    "the tuner's state": lambda folder: (folder / "tuner0.json").write_text(""),
    "the oracle's state, never written": lambda folder: (folder / "oracle.json").unlink(),
    "a trial that was begun": lambda folder: spoil(folder, "trial_2", '"COMPLETED"', '"RUNNING"'),
    "a trial's file": lambda folder: (folder / "trial_1/trial.json").write_text('{"trial_id": "1", "hyp'),
    "a trial's file, empty": lambda folder: (folder / "trial_1/trial.json").write_text(""),
}


def spoil(folder, trial, old, new):
    path = folder / trial / "trial.json"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


ARGUMENTS = {"cells": [4, 5, 6], "n_folds": 2, "seed": 0}
BRIEF = TrainingRecipe(epochs=2, batch_size=8)


@pytest.fixture(scope="module")
def searched(train, tmp_path_factory):
    """Return the folder of a search that is done, and what it found."""
    folder = tmp_path_factory.mktemp("searched")
    return folder, search_cells(train, LSTM_FCN, BRIEF, directory=folder, **ARGUMENTS)


@pytest.mark.parametrize("torn", TORN)
def test_a_torn_state_is_rebuilt_from_the_finished_trials(train, searched, tmp_path, monkeypatch, torn):
    tried = []
    real = outcomes.cross_validate
    monkeypatch.setattr(
        "lstmfcn.classifiers.search.cross_validate", lambda *a, **k: tried.append(1) or real(*a, **k)
    )
    shutil.copytree(searched[0], tmp_path, dirs_exist_ok=True)
    TORN[torn](tmp_path / "cells")
    assert search_cells(train, LSTM_FCN, BRIEF, directory=tmp_path, **ARGUMENTS) == searched[1]
    again = {"a trial that was begun": 1, "a trial's file": 2, "a trial's file, empty": 2}.get(torn, 0)
    assert len(tried) == again


def test_another_score_chooses(train, tmp_path):
    """One that likes what accuracy does not: the sum of the first class's probabilities, turned round."""
    arguments = {"cells": [2, 4], "n_folds": 2, "seed": 0}
    recipe = TrainingRecipe(epochs=2, batch_size=8)
    given = {"score": lambda y, p: -float(p[:, 0].sum())}
    found = search_cells(train, LSTM_FCN, recipe, directory=tmp_path / "a", **arguments, **given)
    plain = search_cells(train, LSTM_FCN, recipe, directory=tmp_path / "b", **arguments)
    assert [t.score for t in found] == sorted((t.score for t in found), reverse=True)
    assert {(t.cells, t.accuracy, t.loss) for t in found} == {(t.cells, t.accuracy, t.loss) for t in plain}
    assert all(t.score == t.accuracy for t in plain)
    undefined = {"score": lambda y, p: float("nan")}
    none = search_cells(train, LSTM_FCN, recipe, directory=tmp_path / "c", **arguments, **undefined)
    assert {t.score for t in none} == {0.0}
