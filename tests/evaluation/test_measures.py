"""Metrics and their intervals against scikit-learn, naive loops and simulation; classes may be missing."""

import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from lstmfcn.evaluation import intervals, measures
from lstmfcn.evaluation.measurement import measure, no_better_than, sensitivity_names
from lstmfcn.evaluation.metrics import METRICS, score
from lstmfcn.evaluation.scores import binomial_interval


@st.composite
def predictions(draw):
    """Labels and probabilities of up to five classes, some of which may have no series."""
    n_classes, n = draw(st.integers(2, 5)), draw(st.integers(2, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    present = rng.choice(n_classes, size=draw(st.integers(1, n_classes)), replace=False)
    digits = draw(st.sampled_from([1, 7]))  # one digit: ties
    p = rng.dirichlet(np.ones(n_classes), n).round(digits) + 1e-3
    return rng.choice(present, n), (p / p.sum(axis=1, keepdims=True)).astype(np.float32)


@settings(deadline=None, max_examples=25)
@given(predictions())
def test_every_metric_is_scikit_learns_whatever_classes_are_missing(drawn):
    y, p = drawn
    n_classes, predicted, present = p.shape[1], p.argmax(axis=1), np.unique(y)
    found = score(y, p)
    exact = p.astype(np.float64) / p.astype(np.float64).sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that are predicted and not there
        assert found["accuracy"] == peer.accuracy_score(y, predicted)
        assert found["balanced_accuracy"] == pytest.approx(peer.balanced_accuracy_score(y, predicted))
        assert found["macro_f1"] == pytest.approx(peer.f1_score(y, predicted, average="macro"))
    everything = list(range(n_classes))
    assert found["log_loss"] == pytest.approx(peer.log_loss(y, exact, labels=everything), rel=1e-4)
    if n_classes > 2:
        brier = peer.brier_score_loss(y, exact, labels=everything) / 2
    else:
        brier = peer.brier_score_loss(y, exact[:, 1], labels=[0, 1], pos_label=1)
    assert found["brier"] == pytest.approx(brier, abs=1e-5)
    matrix = peer.confusion_matrix(y, predicted, labels=everything)
    assert found["lowest_sensitivity"] == min(matrix[k, k] / matrix[k].sum() for k in present)
    if len(present) == n_classes and n_classes > 2:
        theirs = peer.roc_auc_score(y, p, multi_class="ovr", average="macro")
        assert found["auroc"] == pytest.approx(theirs)
    assert np.isnan(found["auroc"]) == (len(present) == 1)


@settings(deadline=None, max_examples=25)
@given(predictions())
def test_an_interval_is_one_wherever_the_metric_is_defined(drawn):
    y, p = drawn
    classes = [str(k) for k in range(p.shape[1])]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measure(y, p, classes)
    for name, metric in METRICS.items():
        if metric.interval is None:
            assert f"{name}_low" not in found
        elif not np.isnan(found[name]):
            low, high = found[f"{name}_low"], found[f"{name}_high"]
            assert low <= high
            if name in ("accuracy", "pce", "auroc"):
                assert low - 1e-9 <= found[name] <= high + 1e-9
    assert {k.removeprefix("sensitivity_") for k in found if k.startswith("sensitivity_")} == {
        classes[k] for k in np.unique(y)
    }
    assert found == pytest.approx(measure(y, p, classes), nan_ok=True)  # a fixed seed


def naive_calibration_error(y, p):
    """By the definition, a series at a time."""
    bins = [[] for _ in range(15)]
    for true, row in zip(y, p, strict=True):
        confidence = float(row.max())
        place = next(b for b in range(15) if confidence <= (b + 1) / 15 or b == 14)
        bins[place].append((confidence, float(row.argmax() == true)))
    gaps = [abs(sum(c for c, _ in b) - sum(r for _, r in b)) for b in bins if b]
    return sum(gaps) / len(y)


@settings(deadline=None, max_examples=25)
@given(predictions())
def test_the_calibration_error_by_its_definition(drawn):
    y, p = drawn
    assert measures.calibration_error(y, p) == pytest.approx(naive_calibration_error(y, p), abs=1e-6)


def test_who_is_right_as_often_as_sure_has_next_to_no_calibration_error():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], 40_000).astype(np.float32)
    y = (rng.random(len(p))[:, None] > p.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    assert measures.calibration_error(y, p) < 0.01
    sure = p**4 / (p**4).sum(axis=1, keepdims=True)
    assert measures.calibration_error(y, sure) > 0.1


def split(rng, n):
    """Return labels and probabilities of an unequal problem of three classes."""
    y = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    p = rng.dirichlet([1, 1, 1], n)
    p[np.arange(n), y] += 0.4
    return y, (p / p.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.interval])
def test_an_interval_holds_the_truth_about_as_often_as_it_says(name):
    """The truth is that of a very large split. 95 %, give or take what 150 splits of 200 series allow."""
    metric, rng = METRICS[name], np.random.default_rng(1)
    truth = metric.function(*split(rng, 200_000))
    ends = [metric.interval(*split(rng, 200)) for _ in range(150)]
    assert 0.88 <= np.mean([low <= truth <= high for low, high in ends]) <= 1


@pytest.mark.parametrize("name", ["balanced_accuracy", "macro_f1"])
def test_drawing_cells_is_resampling_series(name):
    """Against a plain bootstrap of the series with the metric itself."""
    y, p = split(np.random.default_rng(2), 300)
    metric, rng = METRICS[name], np.random.default_rng(3)
    drawn = [rng.integers(0, 300, 300) for _ in range(300)]
    plain = np.percentile([metric.function(y[i], p[i]) for i in drawn], [2.5, 97.5])
    assert metric.interval(y, p) == pytest.approx(plain.tolist(), abs=0.025)


def test_delongs_variance_is_that_of_other_splits():
    rng = np.random.default_rng(4)
    areas = [measures.auroc(*split(rng, 400)) for _ in range(150)]
    low, high = intervals.of_auroc(*split(rng, 400))
    assert (high - low) / (2 * 1.96) == pytest.approx(np.std(areas), rel=0.25)


def test_all_metrics_with_their_intervals_take_about_a_second_for_ten_thousand_series():
    y, p = split(np.random.default_rng(5), 10_000)
    measure(y[:50], p[:50], "abc")  # imports
    began = time.process_time()
    measure(y, p, "abc")
    assert time.process_time() - began < 2


def test_a_share_has_wilsons_interval_and_pce_the_same_turned_round():
    y, p = split(np.random.default_rng(6), 100)
    found = measure(y, p, "abc")
    low, high = binomial_interval(round(100 * found["accuracy"]), 100)
    assert (found["accuracy_low"], found["accuracy_high"]) == (low, high)
    assert (found["pce_low"], found["pce_high"]) == pytest.approx(((1 - high) / 3, (1 - low) / 3))


@pytest.mark.parametrize("classes", [("a b", "c"), ("../x", "y"), ("ä", "b"), ("", "b"), ("a/b", "c")])
def test_labels_that_trackers_refuse_are_numbered(classes):
    assert sensitivity_names(classes) == ["sensitivity_class_1", "sensitivity_class_2"]
    assert sensitivity_names(("-1", "up_2")) == ["sensitivity_-1", "sensitivity_up_2"]


def test_the_majority_rate_and_who_is_no_better():
    rate = measures.majority_rate(np.array([0, 1, 1, 2, 1]))
    assert rate == 0.6
    assert no_better_than(rate, {"out of fold": 0.61, "on the test split": None}) == ""
    assert no_better_than(None, {"out of fold": 0.1}) == no_better_than(rate, {"x": float("nan")}) == ""
    said = no_better_than(rate, {"out of fold": 0.6, "on the test split": 0.7})
    assert said.startswith("no better than the majority rate")
    assert "out of fold (0.6000)" in said
    assert "on the test split" not in said
