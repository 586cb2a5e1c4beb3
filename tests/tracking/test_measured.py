"""How good predictions of a file are: the same whatever the batches, and bounded."""

import numpy as np
import pytest

from lstmfcn.evaluation.metrics import METRICS, score
from lstmfcn.runs.predictions import Predictions
from lstmfcn.tracking import measured
from lstmfcn.tracking.measured import Measured

CLASSES = ("a", "b", "c")


def predictions(n, *, seed=0, labels=CLASSES):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([1, 1, 1], n).astype(np.float32)
    return Predictions(
        classes=CLASSES, probabilities=p, labels=np.array(labels)[rng.integers(0, len(labels), n)]
    )


def told(every, step, rate=0.1):
    found = Measured()
    for first in range(0, len(every.probabilities), step):
        part = slice(first, first + step)
        found.add(
            Predictions(classes=CLASSES, probabilities=every.probabilities[part], labels=every.labels[part])
        )
    return found, found.told(CLASSES, rate)


@pytest.mark.parametrize("step", [1, 7, 100])
def test_batches_tell_what_all_series_at_once_tell(step):
    every = predictions(100)
    found, lines = told(every, step)
    assert found.accuracy == (every.y == every.predicted_y).mean()
    for name, value in score(every.y, every.probabilities).items():
        if name != "accuracy":
            assert any(line.startswith(METRICS[name].title + f" {value:.4f}") for line in lines)
    for k, label in enumerate(CLASSES):
        share = (every.predicted_y[every.y == k] == k).mean()
        assert f"{label} {share:.4f} (" in lines[-1]


def test_a_label_that_the_model_does_not_know_counts_as_wrong_and_is_in_no_other_metric():
    every = predictions(60, labels=(*CLASSES, "x"))
    found, lines = told(every, 60)
    known = every.y >= 0
    assert found.accuracy == (every.y == every.predicted_y).sum() / 60
    assert f"macro F1 {score(every.y[known], every.probabilities[known])['macro_f1']:.4f}" in "\n".join(lines)
    assert told(predictions(5, labels=("x",)), 5)[1] == [
        line
        for line in told(predictions(5, labels=("x",)), 2)[1]
        if line.startswith("The model is no better")
    ]


def test_no_more_is_kept_than_is_said(monkeypatch):
    monkeypatch.setattr(measured, "KEPT", 30)
    every = predictions(11)
    found, lines = told(every, 3)
    assert found.accuracy == (every.y == every.predicted_y).mean()
    assert lines[0].startswith("the other metrics are left out: 11 series")


def test_who_is_no_better_than_the_majority_rate_is_told():
    every = predictions(50)
    assert "no better than the majority rate" in told(every, 50, rate=0.99)[1][-1]
    assert "majority" not in " ".join(told(every, 50, rate=None)[1])
