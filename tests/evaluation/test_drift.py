"""Whole files: how many series are marked by chance, and the tests of each statistic, against simulation."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from lstmfcn.evaluation.drift import can_mark, changes, count


@pytest.mark.parametrize(("n_known", "level"), [(19, 0.05), (50, 0.05), (60, 0.1)])
def test_the_count_is_judged_as_drawing_both_samples_anew_does(n_known, level):
    """Scores of training and new series from one distribution, 4000 times; p-values counted one by one."""
    rng = np.random.default_rng(0)
    counts = []
    for _ in range(4000):
        known, new = np.sort(rng.normal(size=n_known)), rng.normal(size=40)
        p = (1 + n_known - np.searchsorted(known, new)) / (n_known + 1)
        counts.append(int((p <= level).sum()))
    for n_marked in (1, 3, 6):
        judged = count(n_marked, 40, n_known=n_known, level=level)
        assert judged.p == pytest.approx(np.mean(np.array(counts) >= n_marked), abs=0.03)
    assert judged.expected == pytest.approx(np.mean(counts), rel=0.1)


def test_too_few_training_series_mark_nothing():
    assert [can_mark(n, 0.05) for n in (18, 19, 98)] == [False, True, True]
    assert [can_mark(n, 0.01) for n in (98, 99)] == [False, True]
    assert not can_mark(1000, 0)
    assert count(0, 10, n_known=18, level=0.05).p == 1.0


def test_each_statistic_is_tested_and_corrected_by_holm():
    """Against scipy's test, and Holm's rule by hand: the smallest p times three, the next times two."""
    rng = np.random.default_rng(1)
    known, found = rng.normal(size=(40, 3)), rng.normal([0, 0.5, 2], size=(60, 3))
    made = changes(known, found, ["a", "b", "c"])
    raw = [ks_2samp(known[:, i], found[:, i]).pvalue for i in range(3)]
    assert raw[2] < raw[1] < raw[0]
    assert made[2].p == pytest.approx(3 * raw[2])
    assert made[1].p == pytest.approx(2 * raw[1])
    assert made[0].p == pytest.approx(max(raw[0], made[1].p))
    assert (made[2].before, made[2].now) == (np.median(known[:, 2]), np.median(found[:, 2]))
