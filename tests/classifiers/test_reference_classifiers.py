"""What references do: against the library's own fit, and in what a library refuses."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from lstmfcn.classifiers import library, reference
from lstmfcn.classifiers.library import LibraryClassifier
from lstmfcn.classifiers.table import references
from lstmfcn.data.folds import stratified_folds
from lstmfcn.data.series import Split
from lstmfcn.errors import LstmfcnError
from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.left_out import RefusedError
from lstmfcn.runs.run import Run
from toy_references import Centroid, row

ONE = Identity(dataset="A", classifier="centroid", seed=3)


def split(n=24, *, channels=1, length=20, y=None, seed=0):
    """Return a split of series of three classes: the place of a bump tells which."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3 if y is None else np.asarray(y)
    X = 0.3 * rng.normal(size=(n, channels, length))
    for i, k in enumerate(y):
        X[i, :, 2 * k : 2 * k + 3] += 2
    return Split(X.astype(np.float32), y.astype(np.int64), ("a", "b", "c"))


def job(train, *, seed=3, n_folds=3):
    told = []
    made = SimpleNamespace(
        train=train, identity=replace(ONE, seed=seed), n_folds=n_folds, selection=None, progress=told.append
    )
    made.told = told
    return made


def predicted(classifier, train, X, seed=3):
    run = SimpleNamespace(identity=replace(ONE, seed=seed))
    (found,) = reference.predict(classifier, [(run, {})], train, X)
    return found


@pytest.mark.parametrize("name", ["mini_rocket", "dtw"])
def test_what_aeon_says_is_what_is_said(name):
    """Of each fold, and of new series: aeon's own estimator, fitted on the same arrays by the same seed."""
    classifier, train, test = references()[name], split(), split(15, seed=1)
    module, _, estimator = classifier.source.partition(":")
    aeon = getattr(pytest.importorskip(module), estimator)

    def theirs(X, y, new):
        made = aeon(**classifier.options)
        if "random_state" in made.get_params():
            made.set_params(random_state=3)
        return made.fit(X, y).predict_proba(new).astype(np.float32)

    found = reference.train(classifier, job(train)).out_of_fold
    fold = stratified_folds(train.y, 3, 3)
    np.testing.assert_array_equal(found.fold, fold)
    for k in range(3):
        expected = theirs(train.X[fold != k], train.y[fold != k], train.X[fold == k])
        np.testing.assert_array_equal(found.probabilities[fold == k], expected)
    np.testing.assert_array_equal(predicted(classifier, train, test.X), theirs(train.X, train.y, test.X))
    assert found.accuracy > 0.6
    assert METRICS["accuracy"].function(test.y, predicted(classifier, train, test.X)) > 0.6


def test_the_folds_and_the_whole_are_fitted_with_the_runs_seed():
    """Held-out series against scikit-learn's nearest centroid."""
    train, asked = split(), job(split())
    Centroid.seen.clear()
    found = reference.train(row(), asked).out_of_fold
    assert Centroid.seen == [((16, 1, 20), 3)] * 3 + [((24, 1, 20), 3)]
    assert asked.told == ["fold 1/3", "fold 2/3", "fold 3/3", "whole training split"]
    for k in range(3):
        held = found.fold == k
        nearest = NearestCentroid().fit(train.X[~held, 0], train.y[~held]).predict(train.X[held, 0])
        np.testing.assert_array_equal(found.probabilities[held].argmax(axis=1), nearest)
    reference.train(row(random_state=7), job(train))
    assert Centroid.seen[-1] == ((24, 1, 20), 7)


def test_padded_series_of_several_channels_are_made_whole():
    """The estimator asserts that nothing is missing."""
    train = split(channels=3)
    train.X[::2, :, 15:] = np.nan
    assert reference.train(row(), job(train)).out_of_fold.accuracy == 1
    assert predicted(row(), train, train.X).shape == (24, 3)


@pytest.mark.parametrize("y", [[0, 1, 2], [0, 0, 1, 2], [0, 1, 2, 2, 2, 1]])
@pytest.mark.parametrize("classifier", [row(), *(references()[name] for name in ("mini_rocket", "dtw"))])
def test_classes_of_one_series_are_never_held_out(classifier, y):
    found = reference.train(classifier, job(split(len(y), y=y))).out_of_fold
    counts = np.bincount(y)
    np.testing.assert_array_equal(found.fold >= 0, counts[np.array(y)] > 1)
    assert np.isnan(found.probabilities[found.fold < 0]).all()
    assert (found.accuracy is None) == (counts.max() == 1)


def test_who_is_sure_and_wrong_has_a_finite_loss():
    y = np.arange(6) % 2
    sure = np.eye(2, dtype=np.float32)[1 - y]
    for name in ("log_loss", "brier", "auroc", "calibration_error"):
        assert np.isfinite(METRICS[name].function(y, sure))


@pytest.mark.parametrize(
    ("name", "n", "length", "said"),
    [
        ("mini_rocket", 24, 8, "MiniRocket takes series of 9 values or more, and these have 8."),
        ("mini_rocket", 24, 9, ""),
        (
            "multi_rocket_hydra",
            24,
            9,
            "MultiRocket-Hydra takes series of 10 values or more, and these have 9.",
        ),
        (
            "mini_rocket",
            10_001,
            24,
            "at most, as its time grows with their number cubed, and there are 10,001.",
        ),
        ("mini_rocket", 10_000, 100_000, ""),
        ("dtw", 1000, 2709, ""),
        (
            "dtw",
            10_000,
            1000,
            "with 10,000 of 1,000 values that takes too long: n^2 L^2 is 1e+14, above 1e+13.",
        ),
    ],
)
def test_what_it_does_not_take_is_said_before_it_is_tried(name, n, length, said):
    found = references()[name].refusal(n, length)
    assert found.endswith(said)
    assert bool(found) == bool(said)
    if said and n == 24:
        with pytest.raises(RefusedError, match=str(length)):
            reference.train(references()[name], job(split(length=length)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"most": 10}, "Centroid cannot be fitted on these series: too many$"),
        ({"unasked": 8}, "Centroid cannot be asked about these series: MemoryError$"),
    ],
)
def test_whatever_a_library_raises_is_a_refusal_in_a_line(options, said):
    with pytest.raises(RefusedError, match=said) as refused:
        reference.train(row(**options), job(split()))
    assert refused.value.identity == ONE


def test_what_the_whole_split_is_refused_for_is_found_in_training():
    """16 series of each fold's part are taken, the 24 of all are not."""
    with pytest.raises(RefusedError, match="too many"):
        reference.train(row(most=20), job(split()))


def test_a_missing_library_is_an_error_with_its_remedy(monkeypatch):
    wanted = LibraryClassifier(
        name="nowhere",
        title="Nowhere",
        source="not_installed_at_all.module:Estimator",
        libraries=("numpy", "not_installed_at_all"),
        extra="hydra",
    )
    assert wanted.missing() == ["not_installed_at_all"]
    with pytest.raises(
        LstmfcnError, match=r"nowhere needs not_installed_at_all, .*lstmfcn\[hydra\].*`references`"
    ):
        reference.train(wanted, job(split()))
    reference.load(wanted, 1)  # leaves it to the job
    monkeypatch.setattr(library, "find_spec", lambda name: None if name == "torch" else name)
    assert references()["multi_rocket_hydra"].missing() == ["torch"]


@pytest.mark.parametrize("classifier", references().values(), ids=references())
def test_its_settings_are_plain_values_that_a_run_holds(classifier, tmp_path):
    settings = classifier.settings()
    run = Run(identity=ONE, job="a", protocol="honest", data="", params=settings, metrics={})
    (tmp_path / "run.json").write_bytes(run.file())
    assert Run.load(tmp_path / "run.json").params == settings
    assert settings["library"].startswith("aeon ")
    if classifier.name == "dtw":
        assert settings["distance_params.window"] == 0.1
