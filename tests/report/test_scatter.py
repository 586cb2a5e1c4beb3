"""The scatter of two methods: every dataset is a point, the furthest have names, and names can be read."""

import re

import numpy as np
import pandas as pd
import pytest

from lstmfcn.evaluation.pairs import pair_table
from lstmfcn.evaluation.reference import load_table1
from lstmfcn.report.scatter import NAMED, furthest, scatter

TABLE1 = load_table1()


def drawn(a, b, **changes):
    scores = pd.concat([a, b], axis=1, keys=["a", "b"])
    (row,) = pair_table(scores, [("a", "b")], alpha=0.05, rope=0.01).to_dict("records")
    return scatter(a.rename("first"), b.rename("second"), row | changes, "first against second")


def pair(n=85, seed=0):
    """Return two columns of the paper's Table I on some of its datasets."""
    some = TABLE1.sample(n, random_state=seed)
    return some["ft_lstm_fcn"], some["existing_sota"]


def points(svg):
    """Return the places of the marks of each collection of points, in the order in which they are drawn."""
    groups = re.findall(r'<g id="first-against-second-PathCollection_\d+">(.*?)\n   </g>', svg, re.DOTALL)
    return [re.findall(r'<use [^>]*x="([\d.]+)" y="([\d.]+)"', group) for group in groups]


def texts(svg):
    """Return what is written, in any order."""
    return re.findall(r">([^<>\n]+)</text>", svg)


def test_each_dataset_is_a_point_on_its_side_of_the_diagonal():
    a, b = pair()
    wins, losses, ties = points(drawn(a, b))
    assert (len(wins), len(losses), len(ties)) == ((a > b).sum(), (a < b).sum(), (a == b).sum())
    height = {round(float(x) + float(y), 3) for x, y in ties}  # y points down, and the axes are a square
    assert max(height) - min(height) < 0.01
    assert all(float(x) + float(y) < min(height) for x, y in wins)
    assert all(float(x) + float(y) > max(height) for x, y in losses)


def test_it_says_what_the_table_says():
    a, b = pair()
    written = texts(drawn(a, b))
    assert f"better on {(a > b).sum()}" in written
    assert f"better on {(a < b).sum()}" in written
    assert f"first: {a.mean():.4f}" in written
    assert f"second: {b.mean():.4f}" in written
    assert "85 datasets, 14 ties; Wilcoxon's p 0.0014 (Holm 0.0014)" in written
    few = texts(drawn(*(column[:2] for column in (a, b))))
    assert f"2 datasets, {(a[:2] == b[:2]).sum()} ties".replace("1 ties", "1 tie") in few


def test_the_furthest_have_names():
    a = pd.Series([0.9, 0.5, 0.7, 0.7, 0.8, 0.6, 0.2, None], index=list("abcdefgh"))
    b = pd.Series([0.8, 0.9, 0.7, 0.71, 0.78, 0.63, 0.26, 1.0], index=list("abcdefgh"))
    far = furthest(a, b)
    assert far.to_dict() == pytest.approx({"b": -0.4, "a": 0.1, "g": -0.06, "f": -0.03, "e": 0.02})
    assert list(far.index) == list("bagfe")
    assert set("bagfe") <= set(texts(drawn(a, b)))
    assert not {"c", "d", "h"} & set(texts(drawn(a, b)))
    assert furthest(a, a).empty


@pytest.mark.parametrize("seed", range(4))
def test_names_cover_neither_each_other_nor_the_edge(seed):
    """Measured in the SVG by the places of the texts, at 4.5 units a letter and 8 a line."""
    a, b = pair(30, seed)
    svg = drawn(a, b)
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    boxes = []
    for name in furthest(a, b).index:
        style, x, y = re.search(
            rf'<text style="([^"]*)"[^>]*?x="([\d.]+)" y="([\d.]+)"[^>]*>{name}</text>', svg
        ).groups()
        long = 4.2 * len(name)
        left = float(x) - {"start": 0, "middle": 0.5, "end": 1}[re.search(r"anchor: (\w+)", style)[1]] * long
        boxes.append((left, float(y) - 7, left + long, float(y)))
    assert len(boxes) == NAMED
    for i, (x0, y0, x1, y1) in enumerate(boxes):
        assert 0 < x0 < x1 < width
        assert 0 < y0 < y1 < height
        assert not any(x0 < u1 and u0 < x1 and y0 < v1 and v0 < y1 for u0, v0, u1, v1 in boxes[:i])


def test_one_dataset_gives_no_picture_and_equal_figures_give_equal_text():
    a, b = pair(5)
    assert scatter(a[:1], b[:1], {}, "one") == ""
    assert drawn(a, b) == drawn(a, b)


def test_methods_that_tie_everywhere_are_drawn():
    a = pd.Series(np.full(7, 0.5), index=list("abcdefg"))
    assert "7 datasets, 7 ties; Wilcoxon's p 1 (Holm 1)" in texts(drawn(a, a))
