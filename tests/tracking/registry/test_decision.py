"""What becomes of a candidate, and why: pure decisions on fake out-of-fold predictions."""

import dataclasses
import re

import numpy as np
import pytest

from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.runs.predictions import Predictions
from lstmfcn.tracking.registry.decision import Judged, Rule, compared, decide

RULE = Rule(METRICS["accuracy"], 0.05)
N = 60


def judged(key, wrong, *, data="these", n=N, labels=None, without=()):
    """Return a run that names the wrong class of the first `wrong` of `n` series of three classes."""
    y = np.arange(n) % 3
    p = np.full((n, 3), 0.1, np.float32)
    p[np.arange(n), np.where(np.arange(n) < wrong, (y + 1) % 3, y)] = 0.8
    p[list(without)] = np.nan
    labels = np.array(["a", "b", "c"])[y] if labels is None else labels
    return Judged(
        key=key,
        data=data,
        predictions=Predictions(classes=("a", "b", "c"), probabilities=p, labels=labels),
    )


def test_the_first_serves():
    verdict = decide(judged("k", 5), None, RULE)
    assert (verdict.outcome, verdict.moves) == ("first", True)
    assert "no better" not in verdict.reason
    assert "no better than always naming the largest class" in decide(judged("k", 50), None, RULE).reason


@pytest.mark.parametrize(
    ("wrong", "outcome", "reason"),
    [
        (10, "challenger", "0.8333 beside 0.8333 on the same 60 series: not better"),
        (12, "challenger", "not better"),
        (6, "challenger", r"no more than chance gives \(p = 0.062, level 0.05\)"),  # 4 of 4: 1/16
        (5, "promoted", r"0.9167 beside 0.8333 .* more than chance gives \(p = 0.031"),  # 5 of 5: 1/32
    ],
)
def test_a_candidate_replaces_a_champion_where_paired_evidence_says_so(wrong, outcome, reason):
    """By McNemar's exact test, worked out beside each case."""
    verdict = decide(judged("new", wrong), judged("old", 10), RULE)
    assert verdict.outcome == outcome
    assert re.search(reason, verdict.reason)


def test_what_only_a_lucky_training_gave_is_not_enough():
    """One fold of the candidate decides, in another it is worse: whoever made the folds."""
    old = judged("old", 10)
    new = judged("new", 0)
    new.predictions.probabilities[[58, 59]] = [[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]][::-1]
    assert compared(new, old, METRICS["accuracy"]).only_second == 2
    assert decide(new, old, RULE).outcome == "promoted"
    thirds, mixed = np.arange(N) // 20, np.arange(N) % 2
    for folds in ((thirds, mixed), (mixed, thirds), (thirds, thirds)):
        pair = [
            dataclasses.replace(one, predictions=dataclasses.replace(one.predictions, fold=fold))
            for one, fold in zip((new, old), folds, strict=True)
        ]
        verdict = decide(*pair, RULE)
        assert verdict.outcome == "challenger"
        assert "the folds do not agree" in verdict.reason


def test_the_tolerance_is_asked_for_besides():
    best, old = judged("new", 0), judged("old", 10)
    assert decide(best, old, Rule(METRICS["accuracy"], 0.05, 0.1)).moves
    verdict = decide(best, old, Rule(METRICS["accuracy"], 0.05, 0.2))
    assert (verdict.outcome, verdict.moves) == ("challenger", False)
    assert "not better by more than 0.2" in verdict.reason


def test_another_metric_chooses_by_the_same_predictions():
    old, rule = judged("old", 10), Rule(METRICS["log_loss"], 0.05)
    assert decide(judged("new", 2), old, rule).outcome == "promoted"
    assert decide(judged("new", 9), old, rule).outcome == "challenger"


def test_a_champion_of_other_data_gives_way_but_not_to_a_toy():
    old = judged("old", 1, data="other")
    assert decide(judged("new", 20), old, RULE).outcome == "new_data"
    verdict = decide(judged("new", 45), old, RULE)
    assert verdict.outcome == "challenger"
    assert "no better than always naming the largest class" in verdict.reason


def test_without_predictions_of_both_nothing_moves():
    lost = Judged(key="old", data="these", predictions=None)
    assert "the champion has no out-of-fold predictions" in decide(judged("new", 0), lost, RULE).reason
    bare = Judged(key="new", data="these", predictions=None)
    verdict = decide(bare, judged("old", 10), RULE)
    assert (verdict.outcome, verdict.reason[:6]) == ("challenger", "it has")


def test_only_series_that_both_predict_are_compared():
    first, second = judged("new", 0, without=[0, 1, 2]), judged("old", 10, without=[2, 3])
    paired = compared(first, second, METRICS["accuracy"])
    assert (paired.n, paired.only_first, paired.only_second) == (56, 6, 0)
    other = judged("other", 0, labels=np.array(["c", "a", "b"])[np.arange(N) % 3])
    assert compared(first, other, METRICS["accuracy"]) is None


def test_what_a_person_decided_comes_before_all_evidence():
    best, old = judged("new", 0), judged("old", 40)
    for champion in (old, None, judged("old", 40, data="other")):
        verdict = decide(best, champion, RULE, held="pinned by alice")
        assert (verdict.outcome, verdict.reason) == ("challenger", "pinned by alice")
    withheld = Rule(METRICS["accuracy"], 0.05, withheld="an experiment registers challengers")
    assert decide(best, old, withheld).reason == "an experiment registers challengers"


def test_the_same_run_in_another_package_takes_over():
    assert decide(judged("k", 50), judged("k", 50), RULE).outcome == "renewed"
