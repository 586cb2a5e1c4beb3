"""The diagrams: the right ranks, bars where the tests say so, nothing where no test can say anything."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd

from lstmfcn.report.critical_difference import caption, critical_difference


def scores(n=20):
    """Two methods that are alike, one that is always worse."""
    rng = np.random.default_rng(0)
    good = 0.8 + 0.1 * rng.random(n)
    return pd.DataFrame({"one": good, "two": good + 0.01 * rng.normal(size=n), "bad": good - 0.3})


def test_mean_ranks_are_printed_beside_the_names():
    field = scores()
    svg = critical_difference(field, "ranks")
    for method, rank in field.rank(axis=1, ascending=False).mean().items():
        assert method in svg
        assert svg.count(f"{rank:.2f}") >= 2
    assert "Nemenyi, critical difference 0.74" in svg  # 2.343 sqrt(3 * 4 / (6 * 20))


def test_the_bar_joins_what_no_test_tells_apart():
    """One bar in each panel, over the two that are alike; none where all differ."""
    bar = "stroke: #0072b2"
    assert critical_difference(scores(), "bars").lower().count(bar) == 2
    field = scores()
    field["two"] = field["one"] - 0.1
    assert bar not in critical_difference(field, "bars").lower()


def test_too_little_gives_no_diagram():
    assert critical_difference(scores(5), "few datasets") == ""
    assert critical_difference(scores()[["one", "bad"]], "few methods") == ""


def test_the_caption_counts_the_datasets():
    assert caption(scores()).startswith("Mean ranks over 20 datasets")


def test_the_diagram_is_the_same_in_every_process():
    """Whatever the hashes of the names are: bars of one, two and three methods, some from one end."""
    code = """
import numpy as np, pandas as pd
from lstmfcn.report.critical_difference import critical_difference
rng = np.random.default_rng(0)
scores = pd.DataFrame(rng.random((12, 9)) + 0.09 * np.arange(9), columns=list("abcdefghi"))
print(critical_difference(scores, "same"))
"""
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
    assert texts.pop().count("stroke: #0072b2") >= 4
