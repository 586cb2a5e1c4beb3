"""Batches: all series once and in order, in bounded memory, and as ever where series are short."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmfcn.data.batches import batches, series_at_once, trained_at_once
from lstmfcn.data.catalogue import load_catalogue


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((1, 24), 256),
        ((1, 251), 256),
        ((1, 512), 256),
        ((1, 513), 255),
        ((2, 512), 128),
        ((1, 18_000), 7),
        ((1, 131_073), 1),
        ((1, 10**7), 1),
    ],
)
def test_long_series_make_small_batches(shape, size):
    assert series_at_once(*shape) == size


@given(st.integers(0, 700), st.integers(1, 4), st.integers(1, 2000))
def test_each_series_is_in_one_batch(n_series, n_channels, length):
    X = np.broadcast_to(np.arange(n_series)[:, None, None], (n_series, n_channels, length))
    found = list(batches(X))
    assert [i for batch in found for i in batch[:, 0, 0].tolist()] == list(range(n_series))
    assert all(batch.size <= 131_072 for batch in found)
    assert all(len(batch) == len(found[0]) for batch in found[:-1])


@pytest.mark.parametrize(("shape", "size"), [((1, 5000), 70), ((3, 6000), 19), ((1, 10**7), 1)])
def test_long_series_make_small_batches_of_training(shape, size):
    assert trained_at_once(*shape) == size


def test_no_dataset_of_the_archive_is_trained_in_smaller_batches_than_its_recipe_says():
    """Not by the paper's protocol either, whose batches have 128 series."""
    assert all(
        min(128, entry.n_train) <= trained_at_once(1, entry.length) for entry in load_catalogue().values()
    )
