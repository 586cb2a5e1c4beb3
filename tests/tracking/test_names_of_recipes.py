"""The recipe of a classifier: its name and its hash."""

from lstmfcn import config
from lstmfcn.tracking.recipe import recipe_of

VALUES = {"datasets": ["GunPoint", "Coffee"], "models": ["lstm_fcn", "fcn"]}


def recipe(classifier="lstm_fcn", dataset="GunPoint", **values):
    return recipe_of(config.parse(VALUES | values), dataset, classifier)


def test_the_default_recipe_has_no_name():
    assert recipe().named("GunPoint lstm_fcn") == "GunPoint lstm_fcn"


def test_a_recipe_is_named_by_what_it_has_otherwise_than_the_defaults():
    one = recipe(train={"epochs": 500}, search={"cells": [8, 16]})
    assert one.named("GunPoint lstm_fcn") == "GunPoint lstm_fcn · train.epochs=500, search.cells=[8,16]"
    long = recipe(train={"epochs": 500, "dropout": 0.5, "folds": 5})
    assert long.name == f"train.epochs=500, train.dropout=0.5 and 1 more ({long.sha256[:6]})"


def test_a_recipe_counts_what_its_classifier_looks_at_and_no_more():
    assert recipe("fcn", search={"cells": [4]}) == recipe("fcn")
    assert recipe(search={"cells": [4]}) != recipe()
    assert recipe(seeds=[3], compare={"significance": 0.01}) == recipe()
    assert recipe(prepare={"datasets": {"Coffee": {"lengths": "pad"}}}) == recipe()
    assert recipe(prepare={"datasets": {"GunPoint": {"lengths": "pad"}}}).name == "prepare.lengths=pad"


def test_the_papers_protocol_is_in_the_name():
    assert recipe(protocol="paper", paper={"train": {"epochs": 2000}}).name.startswith("protocol=paper")
