"""The exported graph: raw series as read from a file, to the same probabilities as in training."""

import numpy as np
import pytest
import tensorflow as tf
from making import make

from lstmfcn.classifiers.phase1 import reused_engine
from lstmfcn.data.readers import read_series
from lstmfcn.evaluation.calibration import calibrated
from lstmfcn.networks.architecture import Architecture
from lstmfcn.pipeline.stages.prepare import split
from lstmfcn.tracking.package.export import ServingModel
from lstmfcn.tracking.package.load import load_package
from lstmfcn.training.loop import TrainingRecipe
from lstmfcn.training.weights import get_weights
from untrained import package

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
    engine = reused_engine(train, FCN, seed=0)
    recipe = TrainingRecipe(epochs=40, batch_size=8, initial_rate=1e-3)
    engine.train(train.X, train.y, recipe, start=engine.initial, seed=0)
    model = ServingModel(FCN, get_weights(engine.model), preprocessing=preprocessing, n_classes=2)
    tf.saved_model.save(model, str(tmp_path / "model"))
    served = tf.saved_model.load(str(tmp_path / "model"))(tf.constant(raw[1])).numpy()
    np.testing.assert_allclose(served, engine.predict(scores[1].astype(np.float32)), atol=1e-6)
    assert (served.argmax(axis=1) == test.y).all()


NONSENSE = [np.nan, np.inf, -np.inf]
OVERFLOWING = [1e39, -1e39, 1e308, 1e20, -3e38]
"""Beyond float32, or with a square beyond it: only where nothing is normalised."""


@pytest.mark.parametrize(
    ("n_channels", "normalise"),
    [
        (1, "none"),
        (2, "per_series"),
        pytest.param(1, "per_series", marks=pytest.mark.exhaustive),
        pytest.param(2, "none", marks=pytest.mark.exhaustive),
    ],
)
def test_nonsense_gets_a_row_of_nan_and_its_neighbours_their_answer(tmp_path, normalise, n_channels):
    """From plain TensorFlow and plain MLflow, against the same batch without nonsense, to the bit."""
    import mlflow.pyfunc

    folder = package(tmp_path / "model", shape=(n_channels, 20), normalise=normalise)
    values = NONSENSE + (OVERFLOWING if normalise == "none" else [])
    rng = np.random.default_rng(0)
    sound = rng.normal(size=(2 * len(values) + 3, n_channels, 20))
    series = sound.copy()
    bad = np.arange(len(values)) * 2 + 1
    for i, value in zip(bad, values, strict=True):
        series[i, rng.integers(n_channels), rng.integers(20)] = value
    series[-1] = np.nan
    bad = np.append(bad, len(series) - 1)
    others = np.setdiff1d(np.arange(len(series)), bad)
    graph = tf.saved_model.load(str(folder / "tf2model"))
    expected = graph(tf.constant(sound)).numpy()
    assert np.isfinite(expected).all()
    for answer in (graph(tf.constant(series)).numpy(), mlflow.pyfunc.load_model(str(folder)).predict(series)):
        answer = np.asarray(answer)
        assert np.isnan(answer[bad]).all()
        np.testing.assert_array_equal(answer[others], expected[others])


def test_plain_tensorflow_gives_the_label_of_each_series_beside_its_probabilities(tmp_path):
    """As MLflow loads it too; of nonsense no label. Against NumPy's argmax."""
    import mlflow.tensorflow

    classes = ("1", "ä b", "a,b", "01")
    folder = package(tmp_path / "model", classes=classes)
    series = np.random.default_rng(0).normal(size=(9, 1, 20))
    series[3, 0, 5] = np.nan
    loaded = mlflow.tensorflow.load_model(str(folder))
    answer = loaded.signatures["serving_default"](series=tf.constant(series))
    probabilities = answer["probabilities"].numpy()
    np.testing.assert_array_equal(probabilities, loaded(tf.constant(series)).numpy())
    labels = [label.decode() for label in answer["label"].numpy()]
    sound = np.isfinite(probabilities).all(axis=1)
    assert list(sound) == [i != 3 for i in range(9)]
    expected = [
        "" if not fine else classes[row.argmax()] for fine, row in zip(sound, probabilities, strict=True)
    ]
    assert labels == expected


def test_large_values_are_no_nonsense_where_they_are_normalised(tmp_path):
    graph = tf.saved_model.load(str(package(tmp_path / "model") / "tf2model"))
    series = np.random.default_rng(0).normal(size=(3, 1, 20))
    np.testing.assert_allclose(graph(1e307 * series).numpy(), graph(series).numpy(), atol=1e-5)
    assert np.isfinite(graph(np.full((1, 1, 20), 1.7e308)).numpy()).all()


@pytest.mark.parametrize(
    "temperature", [0.1, 2.5, *(pytest.param(t, marks=pytest.mark.exhaustive) for t in (0.8, 10.0))]
)
def test_a_calibrated_package_answers_what_the_plain_one_does_at_its_temperature(tmp_path, temperature):
    """Against `calibrated`, in NumPy; labels and the rows of what is no series stay."""
    X = np.random.default_rng(0).normal(size=(30, 1, 20))
    X[3, 0, 4] = np.nan
    plain = load_package(make(tmp_path / "plain"))
    served = load_package(make(tmp_path / "served", temperature=temperature))
    before, after = (np.asarray(one.graph(X)) for one in (plain, served))
    np.testing.assert_allclose(after, calibrated(before, temperature), atol=1e-6)
    assert np.isnan(after[3]).all()
    known = ~np.isnan(before).any(axis=1)
    assert (after[known].argmax(axis=1) == before[known].argmax(axis=1)).all()
