import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmfcn.data.folds import stratified_folds


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(1, 9), min_size=2, max_size=6),
    n_folds=st.integers(2, 5),
    seed=st.integers(0, 9),
)
def test_every_series_is_held_out_once_while_its_class_still_trains(counts, n_folds, seed):
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    folds = stratified_folds(y, n_folds, seed)
    for k in range(folds.max() + 1):
        assert (folds == k).any()
        assert set(y[folds == k]) <= set(y[folds != k])
    for c, count in enumerate(counts):
        assert (folds[y == c] == -1).all() == (count == 1)
        assert ((folds[y == c] >= 0).all()) == (count > 1)
    np.testing.assert_array_equal(folds, stratified_folds(y, n_folds, seed))


GROUPED = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=2, max_size=40
)  # of each series, group and class


@settings(deadline=None, max_examples=300)
@given(series=GROUPED, n_folds=st.integers(2, 5), seed=st.integers(0, 9))
def test_groups_are_held_out_whole_while_each_of_their_classes_still_trains(series, n_folds, seed):
    group, y = np.array(series).T
    names = np.array([f"patient {g}" for g in group])
    folds = stratified_folds(y, n_folds, seed, names)
    for g in set(group):
        assert len(set(folds[group == g])) == 1
    for k in range(folds.max() + 1):
        assert (folds == k).any()
        assert set(y[folds == k]) <= set(y[folds != k])
    assert folds.max() < n_folds
    np.testing.assert_array_equal(folds, stratified_folds(y, n_folds, seed, names))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_folds", [2, 3, 5])
def test_groups_and_classes_are_spread_evenly_over_the_folds(n_folds, seed):
    """30 patients, each ill or well, with one to four series; none always trains."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, 30)
    names = np.repeat([f"p{i}" for i in range(30)], sizes)
    y = np.repeat(np.arange(30) % 2, sizes)
    folds = stratified_folds(y, n_folds, seed, names)
    assert set(folds) == set(range(n_folds))
    for c in (0, 1):
        held = np.bincount(folds[y == c], minlength=n_folds)
        assert held.max() - held.min() <= 4


def test_a_group_of_its_own_for_each_series_is_as_good_as_none():
    y = np.repeat(np.arange(3), [9, 6, 1])
    folds = stratified_folds(y, 3, 0, np.arange(16).astype(str))
    assert [np.bincount(folds[y == c], minlength=3).tolist() for c in (0, 1)] == [[3, 3, 3], [2, 2, 2]]
    assert folds[y == 2].tolist() == [-1]


def test_the_only_group_of_a_class_always_trains():
    y = np.array([0, 0, 1, 1, 0, 1, 2, 0])
    names = np.array(list("aabbccdd"))
    folds = stratified_folds(y, 2, 0, names)
    assert (folds[names == "d"] == -1).all()
    assert (folds[names != "d"] >= 0).all()
