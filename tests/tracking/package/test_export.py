"""The exported graph: raw series as read from a file, to the same probabilities as in training."""

import numpy as np
import pytest
import tensorflow as tf

from lstmfcn.classifiers.phase1 import new_engine
from lstmfcn.data.readers import read_series
from lstmfcn.networks.architecture import Architecture
from lstmfcn.pipeline.stages.prepare import split
from lstmfcn.tracking.package.export import ServingModel
from lstmfcn.training.loop import TrainingRecipe
from lstmfcn.training.weights import get_weights

FCN = Architecture(name="fcn")


def write(path, offset, amplitude):
    """Write two classes of sines; return the numbers as the file spells them."""
    rng = np.random.default_rng(len(path.stem))
    y = np.arange(20) % 2
    phase = rng.uniform(0, 2 * np.pi, (20, 1))
    X = offset + amplitude * np.sin((2 + 2 * y[:, None]) * np.linspace(0, 2 * np.pi, 32) + phase)
    path.write_text(
        "".join("\t".join([str(k), *map(repr, x.tolist())]) + "\n" for k, x in zip(y, X, strict=True))
    )
    return X[:, None]


@pytest.fixture(params=[(0, 1), (5_400_000, 0.1), (1e8, 1)], ids=["plain", "a sensor", "1e8"])
def prepared(request, tmp_path):
    """Return both splits as prepared, and the raw numbers of each."""
    paths = [tmp_path / f"Sines_{name}.tsv" for name in ("TRAIN", "TEST")]
    raw = [write(path, *request.param) for path in paths]
    return split(*map(read_series, paths), normalise="per_series"), raw


def test_what_is_learned_on_a_large_offset_is_served_on_it(prepared, tmp_path):
    """Prepared series and the graph's answers against z-scores in NumPy, from the numbers themselves."""
    (train, test, preprocessing), raw = prepared
    deviations = [X - X.mean(axis=-1, keepdims=True) for X in raw]
    scores = [X / np.sqrt(np.square(X).mean(axis=-1, keepdims=True)) for X in deviations]
    np.testing.assert_allclose(train.X, scores[0], atol=1e-6)
    np.testing.assert_allclose(test.X, scores[1], atol=1e-6)
    engine = new_engine(train, FCN, seed=0)
    recipe = TrainingRecipe(epochs=40, batch_size=8, initial_rate=1e-3)
    engine.train(train.X, train.y, recipe, start=engine.initial, seed=0)
    model = ServingModel(FCN, get_weights(engine.model), preprocessing=preprocessing, n_classes=2)
    tf.saved_model.save(model, str(tmp_path / "model"))
    served = tf.saved_model.load(str(tmp_path / "model"))(tf.constant(raw[1])).numpy()
    np.testing.assert_allclose(served, engine.predict(scores[1].astype(np.float32)), atol=1e-6)
    assert (served.argmax(axis=1) == test.y).all()
