"""Critical-difference diagrams (Demsar, 2006; the paper's Fig. 3)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lstmfcn.evaluation.ranks import ranks
from lstmfcn.evaluation.significance import (
    MIN_DATASETS,
    friedman,
    nemenyi_distance,
    p_matrix,
    wilcoxon_table,
)
from lstmfcn.report.figures import INK, WIDTH, literal, style_axes, svg_of


def critical_difference(scores: pd.DataFrame, title: str, *, alpha: float = 0.05) -> str:
    """Draw the mean ranks of methods, those that no test tells apart joined by a bar.

    Two diagrams over each other: bars by Wilcoxon's signed-rank tests with Holm's correction, and, as
    the paper's, by Nemenyi's critical difference. Ties get the mean of their ranks.

    Parameters
    ----------
    scores
        Accuracies, a row a dataset, a column a method, nothing missing.
    title
        Names the picture for those who cannot see it.
    alpha
        The error rate.

    Returns
    -------
    str
        SVG text; empty where there are fewer than three methods or `MIN_DATASETS` datasets.
    """
    if len(scores.columns) < 3 or len(scores) < MIN_DATASETS:
        return ""
    import scikit_posthocs

    methods = [literal(str(name)) for name in scores.columns]
    scores = scores.set_axis(methods, axis=1)
    mean_ranks = ranks(scores, ties="average").mean(axis=0)
    distance = nemenyi_distance(len(methods), len(scores), alpha)
    apart = abs(mean_ranks.to_numpy()[:, None] - mean_ranks.to_numpy()[None, :]) > distance
    nemenyi = pd.DataFrame(1.0 - apart, index=methods, columns=methods)  # 0 where they differ
    panels = {
        "Wilcoxon, Holm": p_matrix(wilcoxon_table(scores, alpha=alpha), methods),
        f"Nemenyi, critical difference {distance:.2f}": nemenyi,
    }
    figure = Figure(figsize=(WIDTH, 2 * (1.0 + 0.2 * len(methods))), layout="constrained")
    for axes, (name, matrix) in zip(figure.subplots(2, 1), panels.items(), strict=True):
        drawn = scikit_posthocs.critical_difference_diagram(
            mean_ranks,
            matrix,
            alpha=alpha,
            ax=axes,
            label_fmt_left="{label}  {rank:.2f}",
            label_fmt_right="{rank:.2f}  {label}",
            label_props={"fontsize": 9},
            elbow_props={"color": INK, "linewidth": 0.8},
            marker_props={"s": 12},
            crossbar_props={"color": "#0072B2", "linewidth": 3},
        )
        _settle([line for (line,) in drawn["crossbars"]])
        axes.set_title(name, loc="left", color=INK, fontsize=10)
        style_axes(axes)
        axes.grid(False)
        axes.spines["bottom"].set_visible(False)
        axes.spines["left"].set_visible(False)
        axes.spines["top"].set_visible(True)
        axes.spines["top"].set_color(INK)
    return svg_of(figure, title)


def _settle(bars: list[Line2D]) -> None:
    """Lay the bars out in one order: the library's follows the hashes of the names, which vary by process.

    Bars that overlap get different heights, the leftmost the highest, as the library does.
    """
    places = [np.asarray(bar.get_xdata(), np.float64) for bar in bars]
    spans = sorted((float(x.min()), float(x.max())) for x in places)
    ends: list[float] = []  # of each height's last bar
    for bar, (low, high) in zip(bars, spans, strict=True):
        level = next((at for at, end in enumerate(ends) if low > end), len(ends))
        ends[level : level + 1] = [high]
        bar.set_data([low, high], [-level - 1, -level - 1])


def caption(scores: pd.DataFrame) -> str:
    """Say over how many datasets the ranks are, and whether the methods differ at all."""
    p = friedman(scores)
    return (
        f"Mean ranks over {len(scores)} datasets, 1 the best; Friedman's p {p:.2g}. A bar joins methods "
        "that no test tells apart."
    )
