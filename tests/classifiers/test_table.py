"""What the table of classifiers says holds wherever it is asked: networks, estimators, bfloat16."""

import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone

import lstmfcn
from lstmfcn import config
from lstmfcn.classifiers.base import NetworkClassifier
from lstmfcn.classifiers.table import (
    REFERENCES,
    TABLE,
    classifier_named,
    network_named,
    paper_column,
    references,
    title_of,
)
from lstmfcn.errors import LstmfcnError
from lstmfcn.evaluation.reference import TABLE1_METHODS
from lstmfcn.explain import class_activation_maps, contributions, has_attention
from lstmfcn.networks.build import build

NETWORKS = [row for row in TABLE if isinstance(row, NetworkClassifier)]
by_name = pytest.mark.parametrize("row", NETWORKS, ids=lambda row: row.name)
trained_by_name = pytest.mark.parametrize(
    "row",
    [pytest.param(row, marks=pytest.mark.exhaustive if row.name == "resnet" else ()) for row in NETWORKS],
    ids=lambda row: row.name,
)
"""ResNet takes several times as long as the others."""


def series(n, rng):
    """Return series and classes: the sign of a bump tells the class."""
    y = np.arange(n) % 2
    X = 0.3 * rng.normal(size=(n, 1, 30))
    X[:, 0, 10:15] += 2 * (2 * y - 1)[:, None]
    return X, y


def test_the_papers_columns_are_table_is():
    named = [column for row in TABLE for column in row.paper.values()]
    assert set(named) == set(TABLE1_METHODS) - {"existing_sota"}
    assert paper_column("alstm_fcn", "finetuned") == "ft_alstm_fcn"
    assert paper_column("resnet", "phase1") is None


def test_a_name_that_is_gone_is_still_shown():
    assert title_of("resnet") == "ResNet"
    assert title_of("of-an-older-version") == "of-an-older-version"


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(LstmfcnError, match="Did you mean 'resnet'"):
        classifier_named("resnt")


@by_name
def test_the_rows_attention_is_the_networks(row):
    model = build(row.architecture(4 if row.recurrent else None), n_channels=1, length=12, n_classes=2)
    assert has_attention(model) == row.attention


@by_name
def test_every_network_can_be_explained(row):
    """The maps and the branches add up to the scores."""
    model = build(row.architecture(4 if row.recurrent else None), n_channels=2, length=12, n_classes=3)
    X = np.random.default_rng(0).normal(size=(5, 2, 12)).astype("float32")
    parts = contributions(model, X)
    np.testing.assert_allclose(class_activation_maps(model, X).mean(axis=2), parts.convolutional, atol=1e-5)
    scores = keras.Model(model.inputs[0], model.get_layer("logits").output)(X)
    np.testing.assert_allclose(parts.convolutional + parts.recurrent + parts.bias, scores, atol=1e-5)


@trained_by_name
def test_every_network_is_an_estimator_that_learns(row):
    rng = np.random.default_rng(0)
    made = getattr(lstmfcn, row.estimator)(epochs=30, batch_size=8)
    assert clone(made).get_params() == made.get_params()
    X, y = series(24, rng)
    fitted = pickle.loads(pickle.dumps(made.fit(X, y)))
    unseen, truth = series(20, rng)
    assert fitted.score(unseen, truth) >= 0.95
    np.testing.assert_array_equal(fitted.predict_proba(unseen), made.predict_proba(unseen))


@pytest.mark.parametrize(
    "row",
    [
        # A recurrent branch and a convolutional one of each kind; the others' layers are theirs.
        pytest.param(row, marks=() if row.name in ("alstm_fcn", "lite") else pytest.mark.exhaustive)
        for row in NETWORKS
    ],
    ids=lambda row: row.name,
)
def test_every_network_trains_in_bfloat16(row):
    from lstmfcn.classifiers.phase1 import new_engine
    from lstmfcn.data.series import Split
    from lstmfcn.training.recipe import TrainingRecipe

    X, y = series(8, np.random.default_rng(0))
    train = Split(X.astype("float32"), y.astype(np.int64), ("a", "b"))
    losses = {}
    engine = new_engine(train, row.architecture(4 if row.recurrent else None, dropout=0.0), seed=0)
    for compute in ("float32", "bfloat16"):
        recipe = TrainingRecipe(epochs=4, batch_size=8, schedule="constant", compute=compute)
        losses[compute] = engine.train(train.X, train.y, recipe, start=engine.initial, seed=0).loss
    assert np.any(losses["float32"] != losses["bfloat16"])
    np.testing.assert_allclose(losses["bfloat16"], losses["float32"], atol=0.15)


def test_each_name_can_be_asked_for_in_params_yaml():
    names = [row.name for row in TABLE]
    assert config.parse({"datasets": ["A"], "models": names}).models == tuple(names)
    assert all(network_named(row.name) is row for row in NETWORKS)


def test_each_reference_can_be_asked_for_beside_the_models():
    names = tuple(row.name for row in REFERENCES)
    params = config.parse({"datasets": ["A"], "models": ["fcn"], "references": names})
    assert params.classifiers == ("fcn", *names)
    assert tuple(references()) == names
    assert not any(classifier_named(name).may_serve for name in names)
