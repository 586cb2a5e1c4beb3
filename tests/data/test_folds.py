import numpy as np
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
