"""The table of metrics against scikit-learn, and metrics that other packages bring."""

from importlib.metadata import EntryPoint

import numpy as np
import pytest
from sklearn import metrics as peer

from lstmfcn.errors import LstmfcnError
from lstmfcn.evaluation import metrics
from lstmfcn.evaluation.measurement import columns
from lstmfcn.evaluation.metrics import METRICS, Metric, all_metrics, headline_metrics, score
from lstmfcn.runs.code import code_of

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 40)
P = RNG.dirichlet([1, 1, 1], 40).astype(np.float32)

WORST = Metric("worst", "worst class", lambda y, p: 0.25, format=".1%")
SECOND = Metric("pce", "another", lambda y, p: 0.0)


@pytest.fixture
def installed(monkeypatch):
    """Return a function after which a package with this entry point is there."""

    def install(value):
        point = EntryPoint("toy", value, metrics.GROUP)
        monkeypatch.setattr(metrics, "points", lambda group: [point] if group == point.group else [])
        all_metrics.cache_clear()

    yield install
    monkeypatch.undo()
    all_metrics.cache_clear()


def test_the_scores_are_scikit_learns_in_the_order_of_the_table():
    found = score(Y, P)
    right = peer.accuracy_score(Y, P.argmax(axis=1))
    assert list(found) == list(METRICS)
    assert found["accuracy"] == right
    assert found["pce"] == pytest.approx((1 - right) / 3)
    assert found["log_loss"] == pytest.approx(peer.log_loss(Y, P / P.sum(axis=1, keepdims=True)), rel=1e-5)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_the_direction_is_right(metric):
    """What gives every true class 0.9 is better than what gives it 0.05."""
    good = np.full((40, 3), 0.05, np.float32)
    good[np.arange(40), Y] = 0.9
    bad = np.full((40, 3), 0.475, np.float32)
    bad[np.arange(40), Y] = 0.05
    better = metric.function(Y, good) > metric.function(Y, bad)
    assert better == metric.higher_is_better


def test_out_of_fold_comes_first_among_the_columns():
    found = columns()
    half = len(found) // 2
    assert found[:half] == [f"oof_{name}" for name in found[half:]]
    assert found[half : half + 4] == ["accuracy", "accuracy_low", "accuracy_high", "pce"]
    assert {"calibration_error_low", "lowest_sensitivity_low"}.isdisjoint(found)
    assert [metric.name for metric in headline_metrics()] == ["accuracy", "pce", "balanced_accuracy"]


def test_values_are_written_by_the_metrics_format():
    assert METRICS["accuracy"].text(0.91466) == "0.9147"
    assert METRICS["accuracy"].text(float("nan"), missing="-") == METRICS["pce"].text(None, "-") == "-"
    assert WORST.text(0.25) == "25.0%"


def test_a_metric_of_another_package_joins_the_table(installed):
    installed(f"{__name__}:WORST")
    assert score(Y, P)["worst"] == 0.25
    assert {"oof_worst", "worst"} < set(columns())
    assert headline_metrics()[-1] is WORST


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (f"{__name__}:SECOND", "second metric called 'pce'"),
        (f"{__name__}:RNG", "but a Generator"),
        (f"{__name__}:GONE", "cannot be loaded"),
    ],
)
def test_what_is_no_metric_is_named(installed, value, message):
    installed(value)
    with pytest.raises(LstmfcnError, match=message) as caught:
        all_metrics()
    assert value in str(caught.value)


def test_no_training_depends_on_the_table():
    code = code_of(*(f"lstmfcn.classifiers.jobs.{name}" for name in ("search", "train", "finetune")))
    assert "lstmfcn/evaluation/scores.py" in code
    assert "lstmfcn/evaluation/metrics.py" not in code
    assert "lstmfcn/evaluation/table1.csv" in code_of("lstmfcn.evaluation.reference")


def test_a_name_that_cannot_name_a_column_is_refused():
    with pytest.raises(ValueError, match="'macro f1' names no metric"):
        Metric("macro f1", "macro F1", lambda y, p: 0.0)
