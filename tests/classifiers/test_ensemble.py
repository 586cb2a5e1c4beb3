"""The evidence of a vote, and the names of its members' weights, against doing it by hand."""

import numpy as np
import pytest
from scipy.special import softmax

from lstmfcn.classifiers.ensemble import louder, mean_out_of_fold, merged, of_member
from lstmfcn.classifiers.jobs.common import VoteJob
from lstmfcn.classifiers.jobs.ensemble import vote
from lstmfcn.classifiers.table import architecture_of, member_of
from lstmfcn.errors import LstmfcnError
from lstmfcn.networks.architecture import Architecture, Vote
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.left_out import RefusedError
from lstmfcn.runs.predictions import Predictions

CLASSES = ("a", "b")
LABELS = np.array(["a", "b", "b", "a"])
SHARED = {"dropout": 0.5, "dimension_shuffle": True, "segments": 2}


def given(first, fold, labels=LABELS):
    """Return the predictions of one member, by its probabilities of the first class."""
    first = np.asarray(first, np.float32)
    probabilities = np.stack([first, 1 - first], axis=1)
    return Predictions(classes=CLASSES, probabilities=probabilities, labels=labels, fold=np.array(fold))


def test_each_series_has_the_mean_of_those_that_have_not_seen_it():
    """The folds of the members are not the same; a series that one member has no prediction of has none."""
    one = given([0.9, 0.2, 0.4, np.nan], [0, 0, 1, -1])
    two = given([0.5, 0.4, 0.8, 0.1], [1, 0, 2, 0])
    found = mean_out_of_fold([one, two], [1.0, 1.0])
    np.testing.assert_allclose(found.probabilities[:3, 0], [0.7, 0.3, 0.6], rtol=1e-6)
    assert np.isnan(found.probabilities[3]).all()
    assert found.fold.tolist() == [0, 0, 1, -1]
    assert found.y.tolist() == [0, 1, 1, 0]
    assert found.accuracy == pytest.approx(2 / 3)


def test_a_loud_voice_is_that_of_logits_times_as_large():
    """Its evidence and its weights alike, against a softmax by scipy."""
    logits = np.array([[1.0, -0.5], [-0.2, 0.1], [0.3, 0.3], [-2.0, 2.0]])
    one = given(softmax(logits, axis=1)[:, 0], [0, 0, 1, 1])
    other = given([0.5, 0.4, 0.8, 0.1], [0, 0, 1, 1])
    found = mean_out_of_fold([one, other], [4.0, 1.0])
    expected = (softmax(4 * logits, axis=1) + other.probabilities) / 2
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-5)
    weights = {"conv1/kernel": np.ones(2, np.float32), "logits/kernel": np.ones((2, 2), np.float32)}
    raised = louder(weights | {"logits/bias": np.ones(2, np.float32)}, 4.0)
    assert {name: array.flat[0] for name, array in raised.items()} == {
        "conv1/kernel": 1,
        "logits/kernel": 4,
        "logits/bias": 4,
    }


def test_members_of_other_series_do_not_vote_together():
    with pytest.raises(ValueError, match="not trained on the same series"):
        mean_out_of_fold(
            [given([0.5] * 4, [0] * 4), given([0.5] * 4, [0] * 4, LABELS[[1, 0, 2, 3]])], [1.0, 1.0]
        )


def test_a_vote_of_nobody_is_left_out():
    """It was a traceback that ended the stage."""
    one = Identity(dataset="A", classifier="ensemble", seed=0)
    with pytest.raises(RefusedError, match="All that would vote are left out") as refused:
        vote(VoteJob(key="", identity=one, protocol="honest", train=None, members=(), folds=False))
    assert refused.value.identity == one


def test_the_weights_of_members_are_told_apart():
    """Eleven of them: member1 is not member10."""
    own = [{"conv1/kernel": np.full((2, 2), i), "logits/bias": np.array([i])} for i in range(11)]
    every = merged(own)
    assert len(every) == 22
    for i, weights in enumerate(own):
        found = of_member(every, i)
        assert found.keys() == weights.keys()
        for name in weights:
            np.testing.assert_array_equal(found[name], weights[name])


def test_the_parameters_of_a_run_say_who_votes():
    words = [member_of("lstm_fcn", 8), member_of("lite", None)]
    found = architecture_of("ensemble", {**SHARED, "members": " ".join(words)})
    lstm_fcn, lite = (Architecture(name=n, cells=c, **SHARED) for n, c in (("lstm_fcn", 8), ("lite", None)))
    assert found == Vote((lstm_fcn, lite))
    assert architecture_of("lstm_fcn", {**SHARED, "cells": 8}) == lstm_fcn
    for word in ("dtw", "ensemble", "lit"):
        with pytest.raises(LstmfcnError):
            architecture_of("ensemble", {**SHARED, "members": word})
