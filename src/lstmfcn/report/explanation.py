"""What a trained network looks at, drawn and said in words: from `lstmfcn.explain`'s arrays to SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lstmfcn.report.figures import COLOURS, INK, WIDTH, literal, style_axes, svg_of, value_label

if TYPE_CHECKING:  # Keras comes with it
    from lstmfcn.explain import Explanation

MOST_CLASSES = 6
"""How many classes are drawn."""

MOST_SEGMENTS = 400
"""Into how many coloured pieces a line is cut at most: more than that cannot be told apart."""


def draw_activation(explanation: Explanation, title: str) -> str:
    """Draw, for each class, a typical series coloured by its class activation map; return SVG text.

    Typical is the series of the class (true if known, else predicted) nearest to the class's mean.
    """
    groups = explanation.predicted if explanation.y is None else explanation.y
    shown = [k for k in range(len(explanation.classes)) if (groups == k).any()][:MOST_CLASSES]
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(WIDTH, 0.5 + 1.7 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    picked = [typical(explanation.X, groups == k) for k in shown]
    limit = max(float(np.abs(explanation.maps[i, k]).max()) for i, k in zip(picked, shown, strict=True)) or 1
    for axes in grid.flat[len(shown) :]:
        axes.set_visible(False)
    for axes, i, k in zip(grid.flat, picked, shown, strict=False):
        series = explanation.X[i, 0]
        series = series[: len(series) - int(np.isnan(series).sum())]  # NaN stands after the end alone
        lines = coloured(series, explanation.maps[i, k], limit)
        axes.add_collection(lines)
        axes.autoscale_view()
        axes.set_title(f"class {literal(explanation.classes[k])}")
        style_axes(axes)
    bar = figure.colorbar(lines, ax=grid, aspect=30, pad=0.02)
    bar.set_label("adds to the class's score", color=INK, fontsize=9)
    bar.ax.tick_params(colors=INK, labelsize=8)
    bar.outline.set_visible(False)
    for column in range(columns):  # the lowest panel of each column bears the ticks of the shared axis
        last = max(at for at in range(column, len(shown), columns))
        grid.flat[last].tick_params(labelbottom=True)
    figure.supxlabel("time step", fontsize=10, color=INK)
    figure.supylabel(value_label(explanation.X), fontsize=10, color=INK)
    return svg_of(figure, title)


def draw_attention(explanation: Explanation, title: str) -> str:
    """Draw the context vector and the attention weights of the last step, means of each class.

    Returns
    -------
    str
        SVG text; empty where there is no attention, or a single annotation, whose weight is always 1.
    """
    if explanation.weights is None or explanation.contexts is None or explanation.weights.shape[-1] == 1:
        return ""
    groups = explanation.predicted if explanation.y is None else explanation.y
    shown = [k for k in range(len(explanation.classes)) if (groups == k).any()][:MOST_CLASSES]
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k in shown:
        colour, label = COLOURS[k % len(COLOURS)], f"class {literal(explanation.classes[k])}"
        left.plot(explanation.contexts[groups == k, -1].mean(axis=0), color=colour, label=label)
        weights = explanation.weights[groups == k, -1].mean(axis=0)
        right.plot(np.arange(1, len(weights) + 1), weights, "o-", color=colour, markersize=4)
    left.set(xlabel="place in the segment", ylabel="context vector")
    right.set(xlabel="annotation", ylabel="attention weight", ylim=(0, None))
    right.axhline(1 / explanation.weights.shape[-1], color=INK, linewidth=0.8, linestyle=(0, (2, 3)))
    legend = figure.legend(loc="outside upper center", ncols=len(shown), frameon=False, fontsize=9)
    for text in legend.get_texts():
        text.set_color(INK)
    style_axes(left)
    style_axes(right)
    return svg_of(figure, title)


def sentences(explanation: Explanation) -> Sequence[str]:
    """Say in words how much the recurrent branch adds, and what the attention can and cannot show."""
    chosen = np.arange(len(explanation.predicted)), explanation.predicted
    recurrent = float(np.abs(explanation.recurrent[chosen]).mean())
    convolutional = float(np.abs(explanation.convolutional[chosen]).mean())
    share = recurrent / ((recurrent + convolutional) or 1)
    said = [
        f"Of the predicted class's score, the recurrent branch adds {share:.0%}, the convolutional the rest."
    ]
    if explanation.weights is not None and explanation.weights.shape[-1] == 1:
        said.append(
            "With the paper's dimension shuffle the attention has one annotation, the series itself: its "
            "weight is 1 and the context vector is the series. With train.segments above 1 it has a choice."
        )
    return said


def typical(X: NDArray[np.float32], members: NDArray[np.bool_]) -> int:
    """Return which of the members is nearest to their mean, float32 X (n_series, n_channels, length)."""
    X = np.nan_to_num(X)  # after the end of a padded series
    mean = X[members].mean(axis=0)
    distance = np.where(members, np.square(X - mean).sum(axis=(1, 2)), np.inf)
    return int(distance.argmin())


def coloured(series: NDArray[np.float32], values: NDArray[np.float32], limit: float) -> LineCollection:
    """Return a line through a series, each piece in the colour of its values, from -limit to limit."""
    if len(series) == 1:  # no line: a dash
        series, values = np.repeat(series, 2), np.repeat(values, 2)
    steps = np.arange(len(series))
    cuts = np.unique(np.linspace(0, len(series) - 1, MOST_SEGMENTS + 1).astype(int))
    pieces = [np.column_stack([steps[a : b + 1], series[a : b + 1]]) for a, b in pairwise(cuts)]
    colours = np.array([values[a : b + 1].mean() for a, b in pairwise(cuts)])
    norm = TwoSlopeNorm(0, -limit, limit)
    return LineCollection(pieces, array=colours, cmap="coolwarm", norm=norm, linewidths=2)
