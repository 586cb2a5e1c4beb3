"""References beside networks: verdicts by McNemar's exact test, worked out beside each case."""

import numpy as np
import pytest

from lstmfcn.evaluation.beside import as_table, beside, metric_for
from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.runs.predictions import Predictions

N = 60
ACCURACY = METRICS["accuracy"]


def predicted(wrong, *, fold=None, sure=0.9):
    """Return predictions of N series of two classes that name the wrong class of some."""
    y = np.arange(N) % 2
    named = np.where(np.isin(np.arange(N), list(wrong)), 1 - y, y)
    p = np.full((N, 2), 1 - sure, np.float32)
    p[np.arange(N), named] = sure
    labels = np.array(["a", "b"])[y]
    return Predictions(classes=("a", "b"), probabilities=p, labels=labels, fold=fold)


def stands(reference, networks, *, metric=ACCURACY, level=0.05):
    return beside("A", ("dtw", reference), networks, metric, level=level)


@pytest.mark.parametrize(
    ("wrong", "others", "verdict"),
    [
        (range(5), {"fcn": range(10)}, "better"),  # 5 of 5: 1/32
        (range(6), {"fcn": range(10)}, "as good"),  # 4 of 4: 1/16
        (range(10), {"fcn": range(10)}, "as good"),
        (range(10), {"fcn": range(6)}, "as good"),
        (range(10), {"fcn": range(5)}, "behind"),
        (range(5), {"fcn": range(6), "lstm_fcn": range(12)}, "as good"),  # of the best no more than chance
        (range(5), {"fcn": range(10), "lstm_fcn": range(12)}, "better"),
        (range(8), {"fcn": range(8), "lstm_fcn": range(2)}, "behind"),  # 6 of 6: 1/64
    ],
)
def test_it_is_better_than_all_or_behind_one(wrong, others, verdict):
    found = stands(predicted(wrong), {name: predicted(those) for name, those in others.items()})
    assert found.verdict == verdict
    assert (found.network, found.n_series) == ("fcn", N)
    assert found.value == pytest.approx(1 - len(wrong) / N)
    assert found.other == pytest.approx(1 - len(others["fcn"]) / N)


def test_the_level_is_the_promotions():
    assert stands(predicted(range(6)), {"fcn": predicted(range(10))}, level=0.1).verdict == "better"


def test_p_is_of_the_one_that_is_ahead():
    for mine, theirs in ((range(6), range(10)), (range(10), range(6))):
        assert stands(predicted(mine), {"fcn": predicted(theirs)}).p == pytest.approx(1 / 16)


@pytest.mark.parametrize("whose", [0, 1])
def test_folds_of_either_may_speak_against_it(whose):
    """All that is gained lies in one fold of four: a lucky training may have given it."""
    fold = np.where(np.arange(N) < 10, 0, 1 + np.arange(N) % 3)
    folds = [None, None]
    folds[whose] = fold
    found = stands(predicted([], fold=folds[0]), {"fcn": predicted(range(10), fold=folds[1])})
    assert found.p == pytest.approx(1 / 2**10)
    assert found.p_folds > 0.1
    assert found.verdict == "as good"


def test_where_the_metric_needs_probabilities_accuracy_compares():
    """A reference that names a class is sure of it: by its log loss it could not be judged."""
    assert metric_for(METRICS["log_loss"]).name == "accuracy"
    assert metric_for(METRICS["macro_f1"]).name == "macro_f1"


def test_without_networks_or_with_other_series_there_is_nothing_to_say():
    mine = predicted(range(3))
    assert stands(mine, {}) is None
    other = Predictions(classes=("a", "c"), probabilities=mine.probabilities, labels=mine.labels)
    assert stands(mine, {"fcn": other}) is None


@pytest.mark.parametrize(
    ("wrong", "other", "said"),
    [
        (
            range(5),
            range(10),
            "A: DTW is better here beyond chance (0.9167 beside 0.8333 of FCN, p = 0.031).",
        ),
        (range(8), range(10), "A: DTW does as well here (0.8667 beside 0.8333 of FCN, not beyond chance)."),
        (range(10), range(10), "A: DTW does as well here (0.8333 beside 0.8333 of FCN)."),
        (range(10), range(2), ""),
    ],
)
def test_it_is_said_where_it_is_of_use(wrong, other, said):
    found = stands(predicted(wrong), {"fcn": predicted(other)})
    assert found.sentence("DTW", "FCN") == said
    if said:
        assert found.sentence("DTW", "FCN", "in 1 s") == f"{said[:-1]}, in 1 s."


def test_a_table_of_none_has_its_columns():
    assert list(as_table([]).columns)[:3] == ["dataset", "reference", "network"]
    assert as_table([stands(predicted([]), {"fcn": predicted([])})])["verdict"].tolist() == ["as good"]
