"""Series of unequal lengths: resampled as `numpy.interp` does, cut and widened without a trace."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmfcn.data.lengths import ends, length_for, resampled, to_width
from lstmfcn.errors import DataError

RNG = np.random.default_rng(0)


def ragged(lengths, width, n_channels=2):
    """Return random series of these lengths in one array, NaN after their ends."""
    X = np.full((len(lengths), n_channels, width), np.nan)
    for series, length in zip(X, lengths, strict=True):
        series[:, :length] = RNG.normal(size=(n_channels, length))
    return X


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5), st.integers(9, 12))
def test_a_series_ends_with_its_last_value_in_any_channel(lengths, width):
    X = ragged(lengths, width)
    assert ends(X).tolist() == lengths
    X[:, 1, 2:] = np.nan  # the other channel goes on
    assert ends(X).tolist() == lengths


@given(st.integers(1, 30), st.integers(1, 30))
def test_resampling_is_numpys_interpolation_over_the_same_time(n_steps, length):
    series = RNG.normal(size=(2, n_steps))
    found = resampled(series, length)
    at = np.linspace(0, n_steps - 1, length) if length > 1 else [0]
    expected = [np.interp(at, np.arange(n_steps), channel) for channel in series]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_array_equal(resampled(series, n_steps), series)


def test_a_value_beside_a_missing_one_is_missing_unless_it_falls_on_a_step():
    found = resampled(np.array([[0.0, 1.0, np.nan, 3.0, 4.0]]), 9)
    np.testing.assert_array_equal(found, [[0, 0.5, 1, np.nan, np.nan, np.nan, 3, 3.5, 4]])


@pytest.mark.parametrize(
    ("lengths", "asked", "expected"),
    [
        ("refuse", None, 12),
        ("resample", None, 9),
        ("resample", 4, 4),
        ("resample", 40, 40),
        ("truncate", None, 5),
        ("truncate", 3, 3),
        ("pad", None, 9),
        ("pad", 30, 30),
    ],
)
def test_the_length_is_that_of_the_training_series_unless_asked_for(lengths, asked, expected):
    assert length_for(ragged([5, 9, 7], 12), lengths, asked) == expected


@pytest.mark.parametrize(("lengths", "asked"), [("truncate", 6), ("pad", 8)])
def test_a_length_that_series_cannot_be_given_is_refused(lengths, asked):
    with pytest.raises(
        DataError, match=rf"prepare\.length is {asked}, but the (short|long)est .* [59] values"
    ):
        length_for(ragged([5, 9, 7], 12), lengths, asked)


@given(st.integers(1, 9), st.integers(1, 12))
def test_a_width_takes_nothing_but_what_is_behind_it(length, width):
    X = ragged([length, 9], 9)
    found = to_width(X, width)
    kept = min(width, 9)
    np.testing.assert_array_equal(found[..., :kept], X[..., :kept])
    assert np.isnan(found[..., 9:]).all()
    assert found.shape == (2, 2, width)
