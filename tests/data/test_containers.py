"""Series in lists and frames: the same series as in one array."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lstmfcn.data.containers import to_array
from lstmfcn.errors import DataError

SERIES = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-9, 9))
)


def held(X):
    """Yield series of shape (n_series, n_channels, length) as people hold them."""
    n, channels, length = X.shape
    yield X
    yield list(X)
    yield tuple(X)
    yield X.tolist()
    objects = np.empty(n, object)
    objects[:] = list(X)
    yield objects
    cells = [[pd.Series(channel) for channel in one] for one in X]
    yield pd.DataFrame({f"channel {c}": [row[c] for row in cells] for c in range(channels)})
    index = pd.MultiIndex.from_product([range(n), range(length)])
    yield pd.DataFrame(X.transpose(0, 2, 1).reshape(n * length, channels), index=index)
    if channels == 1:
        yield [one[0] for one in X]
        yield [one if i % 2 else one[0] for i, one in enumerate(X)]


@given(SERIES)
def test_however_series_are_held_they_are_the_same(X):
    for container in held(X):
        got = np.asarray(to_array(container))
        np.testing.assert_array_equal(got.reshape(X.shape), X)
        assert got.shape == X.shape or (X.shape[1] == 1 and got.shape == X[:, 0].shape)


class Listed:
    """A frame of another library, with columns of lists."""

    columns = ("a", "b")
    shape = (2, 2)

    def __array__(self, dtype=None, copy=None):
        cells = np.empty((2, 2), object)
        cells[:] = [[np.arange(3), np.ones(3)], [np.zeros(3), np.arange(3)]]
        return cells


def test_a_frame_of_another_library_whose_cells_are_series_is_read():
    expected = [[[0, 1, 2], [1, 1, 1]], [[0, 0, 0], [0, 1, 2]]]
    np.testing.assert_array_equal(to_array(Listed()), expected)


@given(SERIES, st.integers(0, 2), st.integers(1, 3))
def test_series_of_unequal_length_are_named(X, which, more):
    series = [*X, X[0], X[0]]
    i = 1 + which % (len(series) - 1)
    series[i] = np.concatenate([series[i], np.zeros((X.shape[1], more))], axis=1)
    for container in (series, [one.tolist() for one in series], np.array([*series, None], object)[:-1]):
        with pytest.raises(DataError, match=rf"differ in length: .* number {i} \(counted from 0\)"):
            to_array(container)


RAGGED = st.integers(1, 3).flatmap(
    lambda channels: st.lists(
        st.integers(1, 5).flatmap(lambda n: arrays(np.float64, (channels, n), elements=st.floats(-9, 9))),
        min_size=1,
        max_size=5,
    )
)


def held_apart(series):
    """Yield series of unequal length as people hold them."""
    yield series
    yield tuple(series)
    yield [one.tolist() for one in series]
    yield np.array([*series, None], object)[:-1]
    yield [np.ma.masked_array(one) for one in series]
    yield pd.DataFrame({f"channel {c}": [pd.Series(one[c]) for one in series] for c in range(len(series[0]))})
    yield pd.concat([pd.DataFrame(one.T) for one in series], keys=range(len(series)))
    if len(series[0]) == 1:
        yield [one[0] for one in series]
        yield [one if i % 2 else one[0] for i, one in enumerate(series)]


@given(RAGGED)
def test_series_that_may_differ_in_length_stand_in_one_array(series):
    """Each with its values, NaN behind them, and no wider than the longest."""
    for container in held_apart(series):
        got = np.asarray(to_array(container, unequal=True), float).reshape(
            len(series), len(series[0]), max(one.shape[1] for one in series)
        )
        for place, one in zip(got, series, strict=True):
            np.testing.assert_array_equal(place[:, : one.shape[1]], one)
            assert np.isnan(place[:, one.shape[1] :]).all()


@pytest.mark.parametrize("unequal", [False, True])
def test_series_of_other_channels_are_named_whatever_their_length(unequal):
    with pytest.raises(DataError, match=r"differ in shape: the first is 2 x 3, number 1 .* 1 x 3\. Give"):
        to_array([np.zeros((2, 3)), np.zeros((1, 3))], unequal=unequal)


def test_what_is_masked_is_nan_in_an_array_and_in_a_list():
    masked = np.ma.masked_equal(np.arange(6).reshape(2, 3), 4)
    expected = [[0, 1, 2], [3, np.nan, 5]]
    for container in (masked, list(masked)):
        np.testing.assert_array_equal(to_array(container), expected)


def test_channels_of_unequal_length_are_named():
    with pytest.raises(DataError, match=r"channels of series 1 .* differ in length"):
        to_array([[[1, 2], [3, 4]], [[1, 2], [3]]])
    nested = pd.DataFrame({"a": [pd.Series([1.0, 2.0])], "b": [pd.Series([1.0])]})
    with pytest.raises(DataError, match=r"channels differ in length: the first is 2, number 1 .* 1\."):
        to_array(nested)


@pytest.mark.parametrize("X", [[1.0, 2.0], "text", [], None, [["a", "b"]], pd.DataFrame({"a": [1.0]})])
def test_anything_else_is_left_to_scikit_learn(X):
    got = to_array(X)
    assert got is X or np.array_equal(got, X)
