"""What a registered model is worth: to raw series, and to whoever gives it others."""

import copy
import dataclasses
import os
import pickle

import mlflow
import numpy as np
import pandas as pd
import pytest
from scipy.stats import zscore
from sklearn.base import clone, is_classifier
from sklearn.model_selection import KFold, cross_val_score
from sklearn.utils.validation import check_is_fitted

from lstmfcn.data.series import Split
from lstmfcn.errors import DataError
from lstmfcn.tracking.champion import _example, load_champion
from untrained import package


def test_a_model_serves_raw_series_as_it_learned_normalised_ones(finished):
    """Shifted, scaled: the same prediction; constant: as zeros; and equal to NumPy's z-scores."""
    champion = load_champion("Bumps", workspace=finished[0].root)
    series = np.random.default_rng(2).normal(size=(5, 1, 20)).astype(np.float32)
    series[4] = 7
    expected = champion.predict_proba(np.concatenate([zscore(series[:4], axis=-1), np.zeros((1, 1, 20))]))
    np.testing.assert_allclose(champion.predict_proba(3 * series - 11), expected, atol=1e-5)
    np.testing.assert_allclose(champion.predict_proba(series), expected, atol=1e-6)
    np.testing.assert_allclose(champion.predict_proba(1e-9 * series), expected, atol=1e-5)
    np.testing.assert_allclose(champion.predict_proba(1e8 + series.astype(float)), expected, atol=1e-5)


def test_unfit_series_are_refused(finished):
    champion = load_champion("Bumps", workspace=finished[0].root)
    with pytest.raises(DataError, match=r"takes series of 1 x 20 .* not 1 x 19"):
        champion.predict_proba(np.zeros((2, 19)))
    with pytest.raises(DataError, match=r"Series 1 .* missing or infinite"):
        champion.predict_proba(np.array([[0.0] * 20, [np.nan] * 20]))
    assert champion.predict_proba(np.empty((0, 20))).shape == (0, 3)


SOUND = [[float(i % 7) for i in range(20)] for _ in range(3)]


def spoilt(value, dtype=object):
    """Three series as NumPy holds them, the second with a value that is none."""
    series = np.array(SOUND, dtype=dtype)
    series[1, 4] = value
    return series


NONSENSE = {
    "NaN": spoilt(np.nan, float),
    "infinite": spoilt(-np.inf, float),
    "None": spoilt(None),
    "a null in a list": spoilt(None).tolist(),
    "beyond float64": spoilt(np.longdouble("1e4000"), np.longdouble),
    "text that overflows": spoilt("1e999"),
    "masked": np.ma.masked_equal(spoilt(77, int), 77),
    "NA of pandas": pd.DataFrame(SOUND).astype("Float64").where(np.arange(60).reshape(3, 20) != 24),
    "a date": spoilt(pd.Timestamp("2026-01-01")),
    "a word": spoilt("word"),
    "an integer beyond float64": spoilt(10**400),
    "a complex number": spoilt(1 + 2j),
    "a list": spoilt([1, 2]),
}


def test_mlflow_evaluates_a_champion(finished, tmp_path, monkeypatch):
    """Against the accuracy of the champion's own answers, counted."""
    workspace, _ = finished
    champion = load_champion("Bumps", workspace=workspace.root)
    test = Split.load(workspace.test_splits / "Bumps.npz")
    labels = np.array(test.classes)[test.y]
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/own.db")
    monkeypatch.chdir(tmp_path)
    settings = {"log_model_explainability": False}
    found = mlflow.models.evaluate(
        champion.predict,
        test.X[:, 0].astype(np.float64),
        targets=labels,
        model_type="classifier",
        evaluator_config=settings,
    )
    right = champion.predict(test.X.astype(np.float64)) == labels
    assert found.metrics["accuracy_score"] == pytest.approx(right.mean())


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {
        normalise: load_champion(package(root / normalise, normalise=normalise))
        for normalise in ("per_series", "none")
    }


@pytest.mark.parametrize("case", NONSENSE)
@pytest.mark.parametrize("normalise", ["per_series", "none"])
def test_nonsense_is_refused_and_the_series_named(models, normalise, case):
    for ask in (models[normalise].predict_proba, models[normalise].predict):
        with pytest.raises(DataError, match=r"^Series 1 \(counted from 0\): a (missing|value)"):
            ask(NONSENSE[case])


@pytest.mark.parametrize("value", [1e39, -1e300, 1e20, -3e38])
def test_what_overflows_where_nothing_is_normalised_is_refused(models, value):
    with pytest.raises(DataError, match=r"^here 1: (a value beyond|values too large)"):
        models["none"].predict_proba(spoilt(value, float), places=["here 0", "here 1", "here 2"])
    assert np.isfinite(models["per_series"].predict_proba(spoilt(value, float))).all()


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ([[1.0, 2.0], [1.0]], "differ in length"),
        (np.array(SOUND).astype(str), "no numbers"),
        (np.array(SOUND, dtype=complex), "complex128 are no numbers"),
        (np.zeros((2, 20), "datetime64[s]"), "no numbers"),
        (np.zeros(20), "not single numbers"),
    ],
)
def test_what_is_no_series_at_all_is_refused(models, series, message):
    with pytest.raises(DataError, match=message):
        models["per_series"].predict_proba(series)


def test_lists_frames_and_integers_get_the_same_answer(models):
    champion = models["per_series"]
    expected = champion.predict_proba(np.array(SOUND))
    for same in (SOUND, pd.DataFrame(SOUND), np.array(SOUND, int), np.array(SOUND, "f4"), spoilt(4.0)):
        np.testing.assert_array_equal(champion.predict_proba(same), expected)


def test_a_champion_brings_a_series_of_its_example(models):
    np.testing.assert_array_equal(models["none"].example, np.zeros((1, 20)))


@pytest.mark.parametrize(
    "damaged", ["", "[]", "[[[1, 2]]]", "[[[1, NaN, 3]]]", '{"inputs": 1}', '[[["a", 1, 2]]]', "[" * 10_000]
)
def test_an_example_that_is_none_is_left_out(tmp_path, damaged):
    (tmp_path / "input_example.json").write_text(damaged)
    assert _example(tmp_path, (1, 3)) is None
    (tmp_path / "input_example.json").write_text("[[[1, 2, 3]], [[4, 5, 6]]]")
    np.testing.assert_array_equal(_example(tmp_path, (1, 3)), [[1, 2, 3]])


def test_a_champion_is_a_fitted_classifier_of_scikit_learns_kind(finished):
    """It scores, is cross-validated, calibrated and copied; a copy by pickle answers the same to the bit."""
    champion = load_champion("Bumps", workspace=finished[0].root)
    X = np.random.default_rng(2).normal(size=(12, 1, 20))
    y = champion.predict(X)
    assert is_classifier(champion)
    check_is_fitted(champion)
    assert champion.score(X, y) == 1.0
    assert champion.classes_.tolist() == list(champion.classes) == ["a", "b", "c"]
    assert clone(champion) is copy.deepcopy(champion) is copy.copy(champion) is champion.fit(X, y) is champion
    assert cross_val_score(champion, X, y, cv=KFold(2)).tolist() == [1.0, 1.0]
    again = pickle.loads(pickle.dumps(champion))
    assert (again.dataset, again.classes, again.n_features_in_) == ("Bumps", champion.classes, 20)
    np.testing.assert_array_equal(again.predict_proba(X), champion.predict_proba(X))
    assert "Bumps" in repr(champion)


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (("-1", "0", "12"), [-1, 0, 12]),
        (("1", "2.5"), ["1", "2.5"]),
        (("1", "b"), ["1", "b"]),
        (("01", "1"), ["01", "1"]),
        (("1_0", "2"), ["1_0", "2"]),
        (("0", str(2**64)), ["0", str(2**64)]),
        (("True", "False"), ["True", "False"]),
    ],
)
def test_labels_that_are_plain_integers_come_back_as_integers(texts, labels, finished):
    champion = dataclasses.replace(load_champion("Bumps", workspace=finished[0].root), classes=texts)
    assert champion.classes_.tolist() == labels
    assert champion.predict(np.zeros((0, 20))).dtype == champion.classes_.dtype


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_in_a_forked_process_a_champion_raises_and_does_not_hang(finished):
    champion = load_champion("Bumps", workspace=finished[0].root)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            champion.predict(np.zeros((1, 20)))
        except RuntimeError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    assert b"spawn" in os.read(read, 1000)
    os.waitpid(child, 0)


POLICIES = {
    "interpolate": {"missing": "interpolate"},
    "resample": {"lengths": "resample"},
    "truncate": {"lengths": "truncate"},
    "both": {"lengths": "resample", "missing": "interpolate"},
}


@pytest.fixture(scope="module")
def lenient(tmp_path_factory):
    """Models of one network that take what the strict one does not, and that one."""
    root = tmp_path_factory.mktemp("lenient")
    made = {name: package(root / name, shape=(2, 20), policies=own) for name, own in POLICIES.items()}
    made["strict"] = package(root / "strict", shape=(2, 20))
    return {name: load_champion(folder) for name, folder in made.items()}


def by_hand(series, *, to=None):
    """Fill a series with `numpy.interp`, and resample it."""
    steps = np.arange(series.shape[1])
    filled = [np.interp(steps, steps[~np.isnan(c)], c[~np.isnan(c)]) for c in series]
    at = steps if to is None else np.linspace(0, len(steps) - 1, to)
    return np.array([np.interp(at, steps, channel) for channel in filled])


def test_missing_values_are_filled_in_as_by_hand(lenient):
    """By the champion, and by plain TensorFlow."""
    series = np.random.default_rng(0).normal(size=(5, 2, 20))
    gappy = np.where(np.random.default_rng(1).random(series.shape) < 0.3, np.nan, series)
    expected = lenient["strict"].predict_proba(np.array([by_hand(one) for one in gappy]))
    np.testing.assert_allclose(lenient["interpolate"].predict_proba(gappy), expected, atol=1e-6)
    np.testing.assert_allclose(lenient["interpolate"]._package.graph(gappy), expected, atol=1e-6)
    gappy[..., -1] = series[..., -1]  # with its last value missing, a series would count as a shorter one
    expected = lenient["strict"].predict_proba(np.array([by_hand(one) for one in gappy]))
    np.testing.assert_allclose(lenient["both"].predict_proba(gappy.tolist()), expected, atol=1e-6)
    with pytest.raises(DataError, match=r"Series 0 .* missing or infinite value.*prepare\.missing"):
        lenient["strict"].predict_proba(gappy)


def test_lists_of_series_of_any_length_are_resampled_as_by_hand(lenient):
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(2, n)) for n in (7, 20, 33)]
    expected = lenient["strict"].predict_proba(np.array([by_hand(one, to=20) for one in series]))
    padded = np.full((3, 2, 40), np.nan)
    for place, one in zip(padded, series, strict=True):
        place[:, : one.shape[1]] = one
    for same in (series, tuple(series), [one.tolist() for one in series], padded):
        np.testing.assert_allclose(lenient["resample"].predict_proba(same), expected, atol=1e-6)
    series[1][0, 4] = np.nan
    with pytest.raises(DataError, match=r"Series 1 .* missing or infinite value"):
        lenient["resample"].predict_proba(series)
    with pytest.raises(DataError, match="differ in length"):
        lenient["strict"].predict_proba(series)
    with pytest.raises(DataError, match=r"takes series of 2 x any number .* not 3 x 8"):
        lenient["resample"].predict_proba(np.zeros((1, 3, 8)))


def test_what_is_longer_is_truncated_and_what_is_shorter_refused(lenient):
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(2, n)) for n in (20, 33)]
    expected = lenient["strict"].predict_proba(np.array([one[:, :20] for one in series]))
    np.testing.assert_array_equal(lenient["truncate"].predict_proba(series), expected)
    with pytest.raises(DataError, match=r"Series 1 .* shorter than the 20 values"):
        lenient["truncate"].predict_proba([series[0], series[1][:, :19]])


def test_a_package_says_what_its_graph_takes(lenient):
    said = {name: model._package.description["metadata"].get("takes") for name, model in lenient.items()}
    assert said["strict"] is None
    assert said["both"] == (
        "2 channel(s) of 20 values, float64; NaN is a missing value; resample series of other lengths first"
    )
