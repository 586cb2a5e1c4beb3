from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lstmfcn.data.holdout import held_out
from lstmfcn.errors import DataError

TEXTS = st.lists(st.sampled_from("abcd"), min_size=2, max_size=60)


@given(labels=TEXTS, share=st.floats(0.05, 0.6), seed=st.integers(0, 9))
def test_each_class_gives_its_share_and_keeps_a_series(labels, share, seed):
    counts = Counter(labels)
    assume(max(counts.values()) > 1)
    labels = np.array(labels)
    test = held_out(labels, share=share, seed=seed)
    np.testing.assert_array_equal(test, held_out(labels, share=share, seed=seed))
    for label, n in counts.items():
        taken = int(test[labels == label].sum())
        assert taken < n
        assert (taken >= 1) is (n > 1)
        assert abs(taken - share * n) <= 1


@given(data=st.data(), n_groups=st.integers(3, 12), share=st.sampled_from([0.2, 0.25, 0.5]))
def test_a_group_is_in_one_split(data, n_groups, share):
    groups = np.array([f"g{i}" for i in range(n_groups) for _ in range(data.draw(st.integers(1, 4)))])
    labels = np.array(data.draw(st.lists(st.sampled_from("ab"), min_size=len(groups), max_size=len(groups))))
    try:
        test = held_out(labels, groups=groups, share=share)
    except DataError:
        of_class = [set(groups[labels == label]) for label in set(labels)]
        assert min(map(len, of_class)) <= 2 or n_groups < 4
        return
    assert not {*groups[test]} & {*groups[~test]}
    assert {*labels[~test]} == {*labels}
    assert test.any()


def test_groups_are_held_out_near_their_share_with_all_classes():
    groups = np.array([f"p{i // 6}" for i in range(240)])
    labels = np.array(["sick" if i % 3 else "well" for i in range(240)])
    test = held_out(labels, groups=groups, share=0.25)
    assert 0.2 <= test.mean() <= 0.3
    assert {*labels[test]} == {"sick", "well"}


def test_what_cannot_be_split_says_so():
    with pytest.raises(DataError, match="single series"):
        held_out(np.array(["a", "b"]), share=0.5)
    with pytest.raises(DataError, match="one group only"):
        held_out(np.array(["a", "b", "a", "b"]), groups=np.array(["g"] * 4), share=0.5)
    with pytest.raises(DataError, match="A class has series of one group only"):
        held_out(np.array(["a", "a", "b", "b"]), groups=np.array(["g", "g", "h", "h"]), share=0.5)
