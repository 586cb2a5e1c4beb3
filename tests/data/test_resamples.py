"""Resamples: aeon's on real data, index by index; what holds of each; and who has none."""

import importlib.util
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from aeon.benchmarking.resampling import stratified_resample_data
from aeon.datasets import load_classification
from hypothesis import given
from hypothesis import strategies as st

from lstmfcn.data.collection import fetch_dataset, read_dataset
from lstmfcn.data.resamples import obstacle, resampled
from lstmfcn.data.series import LabelledSeries


def labelled(labels, *, first=0, width=4, channels=2):
    """Return series whose values tell which they are."""
    X = np.arange(first, first + len(labels), dtype=np.float64)[:, None, None]
    X = X + np.arange(channels)[:, None] / 10 + np.arange(width) / 100
    labels = np.array(labels, np.str_)
    return LabelledSeries(X, labels, np.arange(len(labels)), Path("data/raw/D/D_TRAIN.tsv"))


@pytest.mark.parametrize("name", ["ArrowHead", "GunPoint", "ItalyPowerDemand", "OSULeaf"])
def test_they_are_aeons_series_by_series(tmp_path, name):
    """Against aeon's resampling of aeon's own reading of the archive: the same series in the same order."""
    raw = read_dataset(fetch_dataset(name, tmp_path))
    own = [load_classification(name, split=split) for split in ("train", "test")]
    for number in (1, 2, 29):
        found = resampled(*raw, number)
        X_train, y_train, X_test, y_test = stratified_resample_data(*own[0][:2], *own[1][:2], number)
        for split, X, y in zip(found, (X_train, X_test), (y_train, y_test), strict=True):
            np.testing.assert_allclose(split.X, X)
            assert split.labels.tolist() == y.tolist()
    assert resampled(*raw, 0) == raw


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("tsml_eval"), reason="tsml-eval is not installed")
def test_1nn_dtw_predicts_on_them_what_tsml_eval_has_published(tmp_path):
    """Against the example results in tsml-eval: each of 1029 predictions on resamples 0, 1 and 2."""
    from aeon.classification.distance_based import KNeighborsTimeSeriesClassifier

    package = Path(importlib.util.find_spec("tsml_eval").origin).parent
    place = "testing/_test_results_files/classification/1NN-DTW/Predictions/ItalyPowerDemand"
    raw = read_dataset(fetch_dataset("ItalyPowerDemand", tmp_path))
    for number in range(3):
        train, test = resampled(*raw, number)
        said = KNeighborsTimeSeriesClassifier(distance="dtw").fit(train.X, train.labels).predict(test.X)
        lines = (package / place / f"testResample{number}.csv").read_text().splitlines()[3:]
        theirs = [tuple(map(int, line.split(",")[:2])) for line in lines]
        ours = zip(test.labels.astype(int) - 1, said.astype(int) - 1, strict=True)
        assert list(ours) == theirs


@given(
    counts=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=2, max_size=12),
    number=st.integers(1, 1000),
    seed=st.integers(0, 99),
)
def test_each_class_keeps_its_counts_and_no_series_is_lost_or_doubled(counts, number, seed):
    """Of twelve classes, whose labels as text stand in another order than as numbers."""
    rng = np.random.default_rng(seed)
    labels = [
        rng.permutation([str(k + 1) for k, pair in enumerate(counts) for _ in range(pair[side])])
        for side in (0, 1)
    ]
    train, test = labelled(labels[0]), labelled(labels[1], first=len(labels[0]))
    new = resampled(train, test, number)
    for before, after in zip((train, test), new, strict=True):
        assert sorted(before.labels) == sorted(after.labels)
    values = np.concatenate([split.X[:, 0, 0] for split in new])
    assert sorted(values) == list(range(len(values)))
    every = dict(enumerate([*labels[0], *labels[1]]))
    told = np.concatenate([split.labels for split in new])
    assert [every[int(value)] for value in values] == told.tolist()
    again = resampled(train, test, number)
    assert [split.X.tobytes() for split in again] == [split.X.tobytes() for split in new]


def test_series_of_other_lengths_keep_their_ends():
    """Those of the shorter array get NaN behind; what a file says of lengths stays with its series."""
    train = labelled(["a", "b"] * 3, width=3)
    test = replace(labelled(["a", "b"] * 3, first=6, width=5), lengths=np.array([5, 4, 5, 4, 5, 4]))
    for split in resampled(train, test, 7):
        first = split.X[:, 0, 0].astype(int)
        expected = np.where(first < 6, 3, np.where(first % 2, 4, 5))
        assert split.lengths.tolist() == expected.tolist()
        assert split.X.shape[1:] == (2, 5)
        assert (np.isnan(split.X).any(axis=(1, 2)) == (first < 6)).all()
    assert "the training and the test series, row" in resampled(train, test, 7)[0].places[0]


@pytest.mark.parametrize(
    ("change", "policies", "said"),
    [
        ({}, {}, ""),
        ({"groups": np.array(["p"] * 4)}, {}, "its series belong to groups"),
        ({"labels": np.array(["a", "b", "a", "c"])}, {}, r"the class c has series in one split only\. Take"),
        ({}, {"lengths": "resample"}, ""),
        ({}, {"lengths": "pad", "length": 6}, ""),
        ({}, {"lengths": "pad"}, r".*3 to 4 values, and the longest .* Set prepare\.length to 4\."),
        ({}, {"lengths": "truncate"}, r".*the shortest .* Set prepare\.length to 3\."),
    ],
)
def test_what_cannot_be_resampled_is_named_with_the_remedy(change, policies, said):
    train, test = labelled(["a", "b"] * 2), replace(labelled(["a", "b"] * 2, width=3), **change)
    for both in ((train, test), (test, train)):
        assert re.search(f"^{said}", obstacle(*both, policies)) if said else not obstacle(*both, policies)
