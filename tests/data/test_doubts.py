from pathlib import Path

import numpy as np
import pytest

from lstmfcn.data.doubts import doubts
from lstmfcn.data.series import LabelledSeries


def rng():
    """Return a generator; each test has its own, so that its draws do not depend on the others."""
    return np.random.default_rng(0)


def made(labels, X=None):
    X = rng().normal(size=(len(labels), 1, 12)) if X is None else X
    return LabelledSeries(X, np.array([str(y) for y in labels]), np.arange(1, len(labels) + 1), Path("a.csv"))


def found(*splits, **options):
    return {doubt.finding: doubt.message for doubt in doubts(splits, **options)}


@pytest.mark.parametrize(
    ("labels", "word"),
    [
        (range(12), "count"),
        (range(5, 17), "count"),
        (rng().normal(size=12).round(3), "look like values"),
        ([0.5, 0.25, 0.75] * 4, "look like values"),
        ([f"patient {i}" for i in range(12)], "alone in their class"),
        ([f"patient {i // 2 if i < 4 else i}" for i in range(12)], "alone in their class"),
        (rng().permutation(100)[:12], "alone in their class"),
    ],
)
def test_labels_that_may_be_none_are_named(labels, word):
    message = found(made(labels))["doubtful_labels"]
    assert word in message
    assert "--label" in message


@pytest.mark.parametrize(
    "labels",
    [[0, 1] * 6, ["a", "b", "c"] * 4, [-1, 1] * 6, [1] * 12, list(range(6)) * 2, [0.5, 1.5] * 6, range(7)],
)
def test_sound_labels_are_not_doubted(labels):
    assert "doubtful_labels" not in found(made(labels))


def test_one_split_alone_is_no_reason():
    """Fungi has a training series of each class, in their order."""
    assert found(made(range(18)), made(list(range(18)) * 4)) == {}


def test_axes_of_keras_are_named():
    assert "--transpose" in found(made([0, 1] * 6, rng().normal(size=(12, 30, 1))))["doubtful_axes"]
    assert found(made([0, 1] * 6, rng().normal(size=(12, 1, 1)))) == {}


def test_classes_of_another_level_or_spread_are_warned_of_where_that_is_lost():
    y = np.array([0, 1] * 15)
    noise = rng().normal(size=(30, 1, 40))
    level, spread = noise + 8 * y[:, None, None], noise * (1 + 5 * y[:, None, None])
    for X in (level, spread, 1e-150 * level):
        assert "prepare.normalise to none" in found(made(y, X))["level_tells_class"]
        assert "level_tells_class" not in found(made(y, X), normalised=False)
    bump = level + 6 * np.eye(40)[5 + 20 * y][:, None]
    assert found(made(y, bump)) == {}
    assert found(made(y, noise)) == {}


def test_what_float32_cannot_hold_is_named_where_series_stay_as_they_are():
    X = 1e9 + rng().normal(size=(12, 1, 20))
    assert "a.csv, row 1" in found(made([0, 1] * 6, X), normalised=False)["lost_in_float32"]
    assert found(made([0, 1] * 6, X)) == {}
