"""Jobs in the threads of one process for each card; the cards are made up."""

import os
import signal
import threading
import time

import pytest

from lstmfcn.errors import DataError
from lstmfcn.pipeline.executors import stacks, unwatched
from lstmfcn.pipeline.executors.processes import WorkerLostError


def answer(job):
    """Return where a job is done, once as many are under way as it says; or fail as it says."""
    kind, value = job
    if kind == "meet":
        time.sleep(0.2)
        return os.getpid(), threading.get_ident(), os.environ.get(stacks.CARDS)
    if kind == "refuse":
        raise DataError(value)
    if kind == "break":
        raise ValueError(value)
    os.kill(os.getpid(), signal.SIGKILL)
    return None


@pytest.fixture
def cards(monkeypatch):
    monkeypatch.setenv(stacks.CARDS, "4, 7")
    monkeypatch.setenv("LSTMFCN_WORKERS", "3")


def test_each_card_has_a_process_and_each_job_a_thread(cards):
    found = list(stacks.run(answer, [("meet", None)] * 6, unwatched))
    assert sorted(index for index, _ in found) == list(range(6))
    places = [place for _, place in found]
    assert {card for _, _, card in places} == {"4", "7"}
    assert len({process for process, _, _ in places}) == 2
    assert os.getpid() not in {process for process, _, _ in places}
    assert len(set(places)) == 6


def test_a_job_that_fails_is_its_own_result_and_what_is_no_error_of_ours_ends_the_command(cards):
    ((index, error),) = stacks.run(answer, [("refuse", "as it is")], unwatched)
    assert index == 0
    assert isinstance(error, DataError)
    assert str(error) == "as it is"
    with pytest.raises(ValueError, match="of ours"):
        list(stacks.run(answer, [("break", "none of ours")], unwatched))


def test_a_lost_process_is_told_of_and_the_others_end(cards):
    with pytest.raises(WorkerLostError, match="with a lower LSTMFCN_WORKERS \\(now 3\\)"):
        list(stacks.run(answer, [("kill", None)], unwatched))


@pytest.mark.parametrize(
    ("given", "found"), [("", []), ("-1", []), ("0,1", ["0", "1"]), ("GPU-12ab", ["GPU-12ab"])]
)
def test_the_cards_are_those_that_the_environment_leaves(monkeypatch, given, found):
    monkeypatch.setenv(stacks.CARDS, given)
    assert stacks.cards() == found
