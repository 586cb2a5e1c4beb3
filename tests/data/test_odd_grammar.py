"""A thousand files as people hold and spoil them: read as what they are made from, or the cause is named."""

from collections import Counter
from dataclasses import replace

import odd_archives
import odd_binaries
import odd_cells
import odd_damages
import odd_disguises
import odd_long
import odd_tables
import pytest
from odd_files import FAULTS, Odd, judge, known, sheet, text

MODULES = {
    "tables": odd_tables,
    "cells": odd_cells,
    "long tables": odd_long,
    "archives": odd_archives,
    "binaries": odd_binaries,
    "disguises": odd_disguises,
}


def judged(cases, folder, *, how):
    """Return how many cases had each outcome, and what went wrong in words."""
    outcomes, wrong = Counter(), []
    for odd in cases:
        outcome, message = judge(odd, folder, how=how)
        outcomes[outcome] += 1
        if outcome in FAULTS:
            wrong.append(f"{outcome}: {odd.name}: {message}, not {odd.cause!r}")
    return outcomes, wrong


@pytest.mark.parametrize("kind", MODULES)
def test_no_odd_file_is_misread_when_it_is_added(tmp_path, kind):
    """Against the series that each file was made from, and the cause by which it was spoiled."""
    outcomes, wrong = judged(MODULES[kind].every(), tmp_path, how="add")
    assert not wrong, "\n".join(wrong)
    assert min(outcomes["read"], outcomes["refused"]) > 5
    assert outcomes.total() > 75


@pytest.mark.parametrize("kind", MODULES)
def test_no_odd_file_is_misread_when_it_is_predicted(tmp_path, kind):
    """`predict` knows length and classes, looks at the first rows alone and asks nobody: for any cause."""
    cases = [replace(odd, cause=odd.cause and ".") for odd in MODULES[kind].every() if odd.right is not None]
    outcomes, wrong = judged(cases, tmp_path, how="predict")
    assert not wrong, "\n".join(wrong)
    assert outcomes["read"] > 5


@pytest.mark.parametrize("how", ["add", "predict"])
def test_no_damaged_file_is_misread(tmp_path, how):
    """Against what pandas or a few lines of Python read from the same bytes."""
    cases = [odd for odd in odd_damages.every(400) if how == "add" or odd.right is not None]
    outcomes, wrong = judged(cases, tmp_path, how=how)
    assert not wrong, "\n".join(wrong)
    assert min(outcomes["read"], outcomes["refused"]) > 25


def test_the_judge_sees_what_is_wrong(tmp_path):
    data = known()
    sound = Odd(name="", file="a.csv", content=text(sheet(data)), right=data)
    assert judge(sound, tmp_path)[0] == "read"
    assert judge(replace(sound, right=data.but(X=data.X + 1e-9)), tmp_path)[0] == "misread"
    assert judge(replace(sound, right=data.but(labels=data.labels[::-1])), tmp_path)[0] == "misread"
    assert judge(replace(sound, right=None, cause="."), tmp_path)[0] == "misread"
    assert judge(replace(sound, content=b"a,1\nb\n"), tmp_path)[0] == "refused in vain"
    assert judge(replace(sound, content=b"a,1\nb\n", cause="a unit"), tmp_path)[0] == "wrong cause"
