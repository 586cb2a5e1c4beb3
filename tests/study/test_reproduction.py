"""The reproduction: every dataset's rows in one table, nothing run twice, one that fails stops no other."""

import importlib
import json

import pandas as pd
import pytest

from conftest import MINIATURE, ROOT, bumps, make_workspace
from lstmfcn import config
from lstmfcn.data.catalogue import load_catalogue
from lstmfcn.errors import DataError
from lstmfcn.files import hash_of
from lstmfcn.study import reproduction
from lstmfcn.tracking.sync import sync
from lstmfcn.workspace import Workspace


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Return a function that reproduces with changed parameters and tells which datasets were run."""
    for name in ("One", "Two"):
        bumps(tmp_path / "ucr", name)
    monkeypatch.setenv("LSTMFCN_UCR_DIR", str(tmp_path / "ucr"))
    text = MINIATURE.replace("epochs: 12", "epochs: 2").replace("iterations: 2", "iterations: 1")
    workspace = make_workspace(tmp_path / "clone", text)
    begun = []
    train = importlib.import_module("lstmfcn.pipeline.stages.train")
    monkeypatch.setattr(train, "run", lambda w, p, real=train.run: begun.append(p.datasets[0]) or real(w, p))

    def reproduce(**overrides):
        begun.clear()
        settings = config.load(workspace.params, {"models": ["fcn"], **overrides})
        reproduction.run(settings, here=workspace, home=workspace.reproduction_home)
        return begun.copy()

    return workspace, reproduce


@pytest.mark.slow
def test_rows_are_added_by_dataset_and_nothing_is_run_twice(study):
    workspace, reproduce = study
    assert reproduce(datasets=["One"]) == ["One"]
    assert reproduce(datasets=["One", "Two"]) == ["Two"]
    assert reproduce(datasets=["One", "Two"]) == []
    assert reproduce(datasets=["One"], seeds=[0, 1]) == ["One"]
    rows = pd.read_csv(workspace.reproduction)
    assert sorted(zip(rows["dataset"], rows["seed"], rows["iteration"], strict=True)) == [
        ("One", 0, 0),
        ("One", 0, 1),
        ("One", 1, 0),
        ("One", 1, 1),
        ("Two", 0, 0),
        ("Two", 0, 1),
    ]
    (recipe,) = set(rows["recipe"])
    recipes = json.loads(workspace.reproduction.with_name("recipes.json").read_text())
    assert recipes[recipe]["train"]["epochs"] == 2
    assert rows["commit"].notna().all()
    assert sync(Workspace(workspace.reproduction_home / "honest"), lambda line: None) == 0  # all were logged


@pytest.mark.parametrize("protocol", ["honest", "paper"])
def test_the_folder_of_a_protocol_says_its_recipe(tmp_path, protocol):
    params = config.load(ROOT / "params.yaml", {"protocol": protocol})
    reproduction._write_params(Workspace(tmp_path / protocol), params)
    assert config.load(tmp_path / protocol / "params.yaml") == params


def test_a_dataset_that_fails_is_named_at_the_end(study):
    workspace, reproduce = study
    with pytest.raises(DataError, match="Not reproduced:\n  - Gone: "):
        reproduce(datasets=["Gone", "Two"])
    assert set(pd.read_csv(workspace.reproduction)["dataset"]) == {"Two"}


def test_the_cheapest_datasets_come_first(tmp_path):
    chosen = [load_catalogue()[name] for name in reproduction.cheapest(85, None)]
    work = [entry.n_train * entry.length for entry in chosen]
    assert work == sorted(work)
    (tmp_path / "Coffee").mkdir()
    assert reproduction.cheapest(5, tmp_path) == ["Coffee"]


def test_a_recipe_that_chooses_by_accuracy_is_named_as_before():
    """The committed results are those of the default one of then, which had fewer epochs at most."""
    recipes = json.loads((ROOT / "results/reproduction/recipes.json").read_text())
    plain = {"datasets": ["A"], "models": ["fcn"], "train": {"epochs": 300}}
    recipe = reproduction.recipe_of(config.parse(plain))
    assert recipes[hash_of(recipe)[:12]] == recipe
    for section in ("search", "promote"):
        chosen = reproduction.recipe_of(config.parse(plain | {section: {"metric": "brier"}}))
        assert chosen[section]["metric"] == "brier"
