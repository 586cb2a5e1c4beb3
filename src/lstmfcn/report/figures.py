"""The report's figures: functions from arrays to SVG text.

Colours come from the page's style sheet through classes of the SVG's elements where they can; text
takes the page's own colour, so that one picture serves light and dark pages.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

# Okabe and Ito's palette: told apart by the colour-blind, readable on white and on black.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK = "#123456"  # replaced by the page's text colour
GRID = "#654321"  # replaced by the page's line colour
WIDTH = 7.2  # inches; the page scales it
REM_AN_INCH = 6.4  # where the page is wide enough: so text is of one size in figures of any width

SERIES_A_CLASS = 12
"""How many series of a class are drawn."""

Curves = Mapping[str, Sequence[tuple[str, NDArray[np.float64]]]]
Reliability = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]


def svg_of(figure: Figure, title: str) -> str:
    """Return a figure as SVG text that a page can hold: no XML header, sized by the page, with a title."""
    import matplotlib as mpl

    buffer = io.StringIO()
    # A fixed salt and no date: equal figures give equal text.
    with mpl.rc_context({"svg.hashsalt": title, "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    # Identifiers are unique in one SVG only, and the page holds many.
    prefix = re.sub(r"\W", "-", title)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}-\1"', text)
    text = re.sub(r'<svg [^>]*viewBox="([^"]+)"[^>]*>', _opening(title, figure.get_figwidth()), text, count=1)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    return text.replace(INK, "currentColor").replace(GRID, "var(--line)")


def _opening(title: str, inches: float) -> str:
    escaped = title.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;").replace("\\", "\\\\")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        rf'viewBox="\1" style="max-width: {inches * REM_AN_INCH:.1f}rem" role="img" aria-label="{escaped}">'
    )


def style_axes(axes: Axes) -> None:
    """Give axes the look that all figures share."""
    axes.grid(True, color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GRID)
    axes.tick_params(colors=INK, labelsize=9, length=3)
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set_color(INK)
        label.set_fontsize(10)


def series_by_class(X: NDArray[np.float32], y: NDArray[np.int64], classes: Sequence[str], title: str) -> str:
    """Draw series of each class, small multiples side by side, and the mean of the class.

    Parameters
    ----------
    X
        float32, shape (n_series, n_channels, length); the first channel is drawn.
    y
        int64, shape (n_series,).
    classes
        The labels; at most 12 classes are drawn.
    title
        Names the picture for those who cannot see it.
    """
    shown = range(min(len(classes), 12))
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(WIDTH, 1.9 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for k, axes in enumerate(grid.flat):
        if k >= len(shown):
            axes.set_visible(False)
            continue
        members = X[y == k, 0]
        colour = COLOURS[k % len(COLOURS)]
        for member in members[:SERIES_A_CLASS]:
            axes.plot(member, color=colour, linewidth=0.6, alpha=0.35)
        if len(members):
            there = members[:, ~np.isnan(members).all(axis=0)]  # NaN stands after the ends of padded series
            axes.plot(np.nanmean(there, axis=0), color=colour, linewidth=2)
        axes.set_title(f"class {literal(classes[k])}: {len(members)} series")
        style_axes(axes)
    figure.supxlabel("time step", fontsize=10, color=INK)
    figure.supylabel(value_label(X), fontsize=10, color=INK)
    return svg_of(figure, title)


def value_label(X: NDArray[np.float32]) -> str:
    """Say what is drawn of series of shape (n_series, n_channels, length)."""
    return "value" if X.shape[1] == 1 else "value of the first channel"


def learning_curves(curves: Curves, title: str) -> str:
    """Draw the training loss of each run, phase 1 and the fine-tuning iterations one after the other.

    Parameters
    ----------
    curves
        For each line of the legend the parts of its curve: a name and the loss of each epoch.
    title
        Names the picture for those who cannot see it.
    """
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    axes = figure.subplots()
    for colour, (name, parts) in zip(COLOURS * 4, curves.items(), strict=False):
        epoch = 0
        for index, (_, loss) in enumerate(parts):
            steps = np.arange(epoch + 1, epoch + len(loss) + 1)
            axes.plot(steps, loss, color=colour, linewidth=1.2, label=None if index else literal(name))
            if index:
                axes.axvline(epoch + 0.5, color=colour, linewidth=0.8, linestyle=(0, (2, 3)))
            epoch += len(loss)
    axes.set_yscale("log")
    axes.set_xlabel("epoch; dotted lines: where a fine-tuning iteration begins")
    axes.set_ylabel("training loss (nats)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend = axes.legend(frameon=False, fontsize=9)
    for text in legend.get_texts():
        text.set_color(INK)
    style_axes(axes)
    return svg_of(figure, title)


def accuracies(
    rows: Sequence[tuple[str, float | None, float, float, float, float | None]], title: str
) -> str:
    """Draw the accuracies of several methods, a line each.

    Parameters
    ----------
    rows
        For each method its name, out-of-fold accuracy, test accuracy, the two ends of the test
        accuracy's interval, and the paper's accuracy.
    title
        Names the picture for those who cannot see it.
    """
    figure = Figure(figsize=(WIDTH, 0.9 + 0.42 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for at, (_, oof, test, low, high, paper) in enumerate(rows):
        axes.plot([low, high], [at, at], color=COLOURS[0], linewidth=2, alpha=0.5)
        axes.plot(test, at, "o", color=COLOURS[0], label=None if at else "test, with its 95 % interval")
        if oof is not None:
            axes.plot(oof, at, "D", color=COLOURS[2], label=None if at else "out-of-fold (the evidence)")
        if paper is not None:
            axes.plot(paper, at, "x", color=COLOURS[1], markeredgewidth=2, label=None if at else "the paper")
    axes.set_yticks(range(len(rows)), [literal(row[0]) for row in rows])
    axes.invert_yaxis()
    axes.margins(y=0.25 if len(rows) > 1 else 1)
    axes.set_xlabel("accuracy")
    legend = figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    for text in legend.get_texts():
        text.set_color(INK)
    style_axes(axes)
    return svg_of(figure, title)


def reliability_diagram(curves: Mapping[str, Reliability], title: str) -> str:
    """Draw how often predictions of some confidence are right.

    Parameters
    ----------
    curves
        For each line of the legend what `lstmfcn.evaluation.measures.reliability` gives: how many series a
        bin has, their mean confidence, and their accuracy. The larger a point, the more series.
    title
        Names the picture for those who cannot see it.
    """
    figure = Figure(figsize=(WIDTH * 0.6, WIDTH * 0.52), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    for colour, marker, (name, (n, confidence, right)) in zip(COLOURS, "osD", curves.items(), strict=False):
        there = n > 0
        axes.plot(confidence[there], right[there], color=colour, linewidth=1, label=literal(name))
        sizes = 10 + 150 * n[there] / n.sum()
        axes.scatter(confidence[there], right[there], s=sizes, color=colour, marker=marker, alpha=0.6)
    axes.set_xlim(0, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("confidence: the probability of the predicted class")
    axes.set_ylabel("share predicted right")
    legend = axes.legend(frameon=False, fontsize=9)
    for text in legend.get_texts():
        text.set_color(INK)
    style_axes(axes)
    return svg_of(figure, title)


def literal(text: str) -> str:
    """Return text in which matplotlib sees no formula."""
    return text.replace("$", r"\$")
