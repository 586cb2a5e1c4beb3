"""One series and what a network looks at in it: every channel, as it was given and as the network sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lstmfcn.report.explanation import MOST_CLASSES, coloured, typical
from lstmfcn.report.figures import INK, WIDTH, literal, style_axes, svg_of

if TYPE_CHECKING:  # Keras comes with it
    from lstmfcn.explain import Explanation

MOST_SERIES = 20
"""How many series a page draws at most."""

MOST_CHANNELS = 12
"""How many channels of a series are drawn."""

MOST_POINTS = 1000
"""Of a line: where a series has more, the lowest and the highest value of each piece are drawn."""


@dataclass(frozen=True)
class Drawn:
    """A series to draw.

    Attributes
    ----------
    index
        Which of an explanation.
    raw
        As the file has it, float64 (n_channels, own length); None where that is not known.
    """

    index: int
    raw: NDArray[np.float64] | None = None


def typical_series(explanation: Explanation) -> list[int]:
    """Return a series of each class (true if known, else predicted): the nearest to the class's mean."""
    known = explanation.y is not None and (explanation.y >= 0).any()
    groups = explanation.y if known and explanation.y is not None else explanation.predicted
    shown = [k for k in range(len(explanation.classes)) if (groups == k).any()][:MOST_CLASSES]
    return [typical(explanation.X, groups == k) for k in shown]


def caption(explanation: Explanation, index: int) -> str:
    """Say which series it is, and what it was predicted."""
    classes = explanation.classes
    place = f"Series {index + 1}" if explanation.row is None else f"Row {explanation.row[index]}"
    said = f"{place}: predicted {classes[explanation.predicted[index]]}"
    if explanation.y is None:
        return said
    true = int(explanation.y[index])
    return f"{said}, labelled {classes[true]}" if true >= 0 else f"{said}, with a label that is no class"


def draw_series(explanation: Explanation, drawn: Drawn, *, limit: float) -> str:
    """Draw a series, coloured by the class activation map of the predicted class; return SVG text.

    Where it was given in another form, that stands on the left.

    Parameters
    ----------
    explanation, drawn
        The series, and which.
    limit
        The value of the map that has the strongest colour: one for all series of a page.
    """
    prepared = explanation.X[drawn.index]
    n_given = len(prepared) if drawn.raw is None else len(drawn.raw)
    names = [f"channel {c + 1}" if n_given > 1 else "" for c in range(n_given)]
    names += [f"{name or 'value'} missing" for name in names[: len(prepared) - n_given]]
    names = names[:MOST_CHANNELS]
    differs = drawn.raw is not None and not _same(drawn.raw, prepared)
    figure = Figure(figsize=(WIDTH, 0.6 + 1.4 * len(names)), layout="constrained")
    grid = figure.subplots(len(names), 1 + differs, squeeze=False, sharex="col")
    values = explanation.maps[drawn.index, explanation.predicted[drawn.index]]
    for c, (name, axes) in enumerate(zip(names, grid[:, -1], strict=True)):
        series = prepared[c]
        series = series[: len(series) - int(np.isnan(series).sum())]  # NaN stands after the end alone
        lines = coloured(series, values, limit)
        axes.add_collection(lines)
        axes.autoscale_view()
        axes.set_ylabel("" if differs and c < n_given else name)
        style_axes(axes)
    if differs and drawn.raw is not None:
        for c, (name, axes) in enumerate(zip(names, grid[:, 0], strict=True)):
            if c >= n_given:
                axes.set_visible(False)
                continue
            axes.plot(*thinned(drawn.raw[c]), color=INK, linewidth=1)
            axes.set_ylabel(name)
            axes.set_xlim(-0.02 * len(drawn.raw[c]), 1.02 * len(drawn.raw[c]))
            style_axes(axes)
            if c == n_given - 1:
                axes.tick_params(labelbottom=True)
        for axes, title in zip(grid[0], ("as given", "as the network sees it"), strict=True):
            axes.set_title(title, fontsize=10, color=INK)
    bar = figure.colorbar(lines, ax=grid, aspect=30, pad=0.02)
    bar.set_label(f"adds to {literal(explanation.classes[explanation.predicted[drawn.index]])}")
    bar.ax.yaxis.label.set(color=INK, fontsize=9)
    bar.ax.tick_params(colors=INK, labelsize=8)
    bar.outline.set_visible(False)
    figure.supxlabel("time step", fontsize=10, color=INK)
    return svg_of(figure, caption(explanation, drawn.index))


def thinned(values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return steps and values of a line with few enough points to draw, its peaks among them.

    Parameters
    ----------
    values
        Shape (length,); NaN is a gap.
    """
    steps = np.arange(len(values))
    if len(values) <= MOST_POINTS:
        return steps, values
    kept: list[int] = []
    for piece in np.array_split(steps, MOST_POINTS // 2):
        given = piece[~np.isnan(values[piece])]
        ends = given[[values[given].argmin(), values[given].argmax()]] if len(given) else piece[:1]
        kept += sorted({*ends.tolist()})
    return np.array(kept), values[kept]


def _same(raw: NDArray[np.float64], prepared: NDArray[np.float32]) -> bool:
    """Whether a series was given as the network sees it."""
    return raw.shape == prepared.shape and bool(np.allclose(raw, prepared, atol=1e-5, equal_nan=True))
