"""Two methods' accuracies against each other, a point a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from lstmfcn.evaluation.pairs import MIN_PAIRED
from lstmfcn.evaluation.significance import DIGITS
from lstmfcn.report.figures import COLOURS, GRID, INK, literal, style_axes, svg_of

SIDE, AXES = 4.6, 3.8  # inches, of the figure and of what the axes enclose

NAMED = 5
"""How many datasets are named, those furthest from the diagonal."""

Place = tuple[int, int, str, str]

# Where a name may stand: how far from its point, in points of print, and with which of its sides. The
# nearest first; a line leads to what is not near.
NEAR = 11
LEADER = {"arrowstyle": "-", "color": INK, "linewidth": 0.5, "alpha": 0.6, "shrinkA": 0, "shrinkB": 2}
PLACES: list[Place] = [
    (dx, dy, "left" if dx > 0 else "right" if dx < 0 else "center", "bottom" if dy > 0 else "top")
    for dy in (3, -3, 11, -11, 20, -20, 30, -30)
    for dx in (5, -5, 0)
]


def furthest(a: pd.Series, b: pd.Series) -> pd.Series:
    """Return by how much a is better on the datasets that lie furthest from the diagonal, the furthest first.

    Parameters
    ----------
    a, b
        Accuracies by dataset.

    Returns
    -------
    pandas.Series
        At most `NAMED` differences by dataset, none of them 0.
    """
    difference = (a - b).dropna().round(DIGITS)
    ordered = difference[difference != 0].sort_values(key=lambda values: -values.abs(), kind="stable")
    return ordered[:NAMED]


def scatter(a: pd.Series, b: pd.Series, row: Mapping[str, Any], title: str) -> str:
    """Draw the accuracies of two methods; above the diagonal the first is better.

    The band about the diagonal is the region of practical equivalence.

    Parameters
    ----------
    a, b
        Accuracies by dataset; their names stand at the axes.
    row
        The pair's row of `lstmfcn.evaluation.pairs.pair_table`.
    title
        Names the picture for those who cannot see it.

    Returns
    -------
    str
        SVG text; empty where both methods have fewer than `MIN_PAIRED` datasets.
    """
    both = pd.concat([a, b], axis=1, keys=["a", "b"]).dropna()
    if len(both) < MIN_PAIRED:
        return ""
    figure = Figure(figsize=(SIDE, SIDE + 0.1))
    FigureCanvasAgg(figure)  # measures text
    axes = figure.add_axes((0.15, 0.12, AXES / SIDE, AXES / (SIDE + 0.1)))  # a square, in every figure
    style_axes(axes)
    low, high = _limits(both)
    ends = np.array([low, high])
    axes.fill_between(ends, ends - row["rope"], ends + row["rope"], color=GRID, alpha=0.6, linewidth=0)
    axes.plot(ends, ends, color=INK, linewidth=0.8)
    difference = (both["a"] - both["b"]).round(DIGITS)
    sides = (
        (difference > 0, COLOURS[0], "o"),
        (difference < 0, COLOURS[1], "D"),
        (difference == 0, INK, "s"),
    )
    for there, colour, marker in sides:
        axes.scatter(both["b"][there], both["a"][there], s=20, color=colour, marker=marker, alpha=0.75)
    axes.set(xlim=(low, high), ylim=(low, high))
    ticks = np.asarray(MaxNLocator(nbins=6).tick_values(low, high))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks[(ticks >= low) & (ticks <= high)])
    axes.set_ylabel(literal(f"{a.name}: {row['mean_a']:.4f}"))
    axes.set_xlabel(literal(f"{b.name}: {row['mean_b']:.4f}"))
    axes.set_title(_counts(row), loc="left", color=INK, fontsize=10)
    counts = [
        axes.text(0.03, 0.97, f"better on {row['wins']}", ha="left", va="top", color=COLOURS[0]),
        axes.text(0.97, 0.03, f"better on {row['losses']}", ha="right", va="bottom", color=COLOURS[1]),
    ]
    for text in counts:
        text.set(transform=axes.transAxes, fontsize=10, fontweight="bold")
    taken = [text.get_window_extent() for text in counts]
    _name(axes, both, list(furthest(a, b).index), taken)
    return svg_of(figure, title)


def _counts(row: Mapping[str, Any]) -> str:
    """Say what the test says, or on how many datasets there was none to make."""
    ties = f"{row['n_datasets']} datasets, {row['ties']} tie{'' if row['ties'] == 1 else 's'}"
    if pd.isna(row["p"]):
        return ties
    return f"{ties}; Wilcoxon's p {row['p']:.2g} (Holm {row['p_holm']:.2g})"


def _limits(both: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of both axes: all points lie inside, and so do their marks."""
    values = both.to_numpy(np.float64)
    low, high = float(values.min()), float(values.max())
    margin = 0.06 * max(high - low, 0.05)
    return low - margin, high + margin


def _name(axes: Axes, both: pd.DataFrame, names: Sequence[str], taken: Sequence[Bbox]) -> None:
    """Write the names of datasets beside their points, where they cover neither each other nor the edge."""
    frame = axes.get_window_extent()
    values = both[["b", "a"]].to_numpy(np.float64)
    points = axes.transData.transform(values)
    covered = list(taken)
    for name in names:
        row = both.index.get_loc(name)
        at = (float(values[row, 0]), float(values[row, 1]))
        label = axes.annotate(literal(name), at, (0, 0), textcoords="offset points", fontsize=8, color=INK)
        size = label.get_window_extent()
        point = points[row]
        boxes = [_box(place, point, size, axes.figure.dpi) for place in PLACES]
        trouble = [_trouble(box, point, frame, covered, points) for box in boxes]
        best = int(np.argmin(trouble))
        dx, dy, horizontal, vertical = PLACES[best]
        label.set(position=(dx, dy), horizontalalignment=horizontal, verticalalignment=vertical)
        if abs(dy) > NEAR:
            axes.annotate("", at, (dx, dy), textcoords="offset points", arrowprops=LEADER)
        covered.append(boxes[best])


def _box(place: Place, point: NDArray[np.float64], size: Bbox, dpi: float) -> Bbox:
    """Return what a name covers, in pixels, if it stands at a place beside its point."""
    dx, dy, horizontal, vertical = place
    left = point[0] + dx * dpi / 72 - size.width * {"left": 0.0, "center": 0.5, "right": 1.0}[horizontal]
    bottom = point[1] + dy * dpi / 72 - size.height * {"bottom": 0.0, "top": 1.0}[vertical]
    return Bbox.from_bounds(left, bottom, size.width, size.height)


def _trouble(
    box: Bbox,
    point: NDArray[np.float64],
    frame: Bbox,
    taken: Sequence[Bbox],
    points: NDArray[np.float64],
) -> float:
    """Return how bad a place is: outside of the axes, over other text, over points, beyond the diagonal."""
    inside = Bbox.intersection(box, frame)
    outside = 1 - (inside.width * inside.height if inside else 0.0) / (box.width * box.height)
    over = box.count_overlaps(taken)
    covered = int(((points > box.p0) & (points < box.p1)).all(axis=1).sum())
    diagonal = frame.y0 - frame.x0  # y - x on it: the axes are a square
    above = point[1] - point[0] > diagonal
    beyond = box.y0 - box.x1 < diagonal if above else box.y1 - box.x0 > diagonal
    return float(100 * outside + 10 * over + 1.5 * covered + beyond)
