"""What the trained networks of a dataset look at: arrays from `lstmfcn.explain`, drawn for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.readers import read_fitting
from lstmfcn.data.series import Split
from lstmfcn.environment import load_backend
from lstmfcn.errors import RegistryError
from lstmfcn.files import write_arrays, write_text
from lstmfcn.networks.architecture import Architecture
from lstmfcn.report.figures import COLOURS, INK, WIDTH, literal, style_axes, svg_of, value_label
from lstmfcn.runs.ranking import rank
from lstmfcn.runs.run import RUN_FILE, Run, find_runs
from lstmfcn.workspace import Workspace

MOST_CLASSES = 6
"""How many classes are drawn."""

MOST_SEGMENTS = 400
"""Into how many coloured pieces a line is cut at most: more than that cannot be told apart."""


@dataclass(frozen=True)
class Explanation:
    """What one trained network does with some series.

    Attributes
    ----------
    run
        The trained network.
    classes
        The labels, in the order of the outputs.
    X
        The prepared series, float32 (n_series, n_channels, length).
    y
        The true classes, int64 (n_series,), or None where they are not known.
    predicted
        The predicted classes, int64 (n_series,).
    maps
        Class activation maps, float32 (n_series, n_classes, length).
    convolutional, recurrent
        What each branch adds to the scores, float32 (n_series, n_classes).
    weights, contexts
        See `lstmfcn.explain.Attention`; None for a network without attention.
    """

    run: Run
    classes: tuple[str, ...]
    X: NDArray[np.float32]
    y: NDArray[np.int64] | None
    predicted: NDArray[np.int64]
    maps: NDArray[np.float32]
    convolutional: NDArray[np.float32]
    recurrent: NDArray[np.float32]
    weights: NDArray[np.float32] | None
    contexts: NDArray[np.float32] | None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name; those there are not are left out."""
        named = {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return named | {"classes": np.array(self.classes, dtype=np.str_)}


def best_run(workspace: Workspace, dataset: str, models: Iterable[str]) -> tuple[Run, Path]:
    """Return the run with the best evidence among the trained ones of a dataset, and its folder.

    Raises
    ------
    RegistryError
        If none of the models is trained.
    """
    folders = [workspace.phase1 / dataset, workspace.finetuned / dataset]
    wanted = set(models)
    found = {run.key: (run, folder) for folder, run in find_runs(*folders) if run.model in wanted}
    if not found:
        raise RegistryError(
            f"{dataset} has no trained {' or '.join(sorted(wanted))} in {workspace.root}. Run `dvc repro`."
        )
    return found[rank(run for run, _ in found.values())[0].key]


def explain(folder: Path, series: Split, *, labelled: bool = True) -> Explanation:
    """Explain what a trained network does with series.

    Parameters
    ----------
    folder
        Holds the run and its weights.
    series
        Prepared series with the dataset's classes.
    labelled
        Whether the classes of the series are known.
    """
    load_backend()
    from lstmfcn.classifiers.outcome import unpack_weights
    from lstmfcn.classifiers.phase1 import new_engine
    from lstmfcn.explain import attention, class_activation_maps, contributions
    from lstmfcn.training.weights import set_weights

    run = Run.load(folder / RUN_FILE)
    engine = new_engine(series, Architecture.of(run.model, run.params), seed=run.seed)
    set_weights(engine.model, unpack_weights((folder / "weights.npz").read_bytes()))
    parts = contributions(engine.model, series.X)
    seen = attention(engine.model, series.X) if run.model == "alstm_fcn" else None
    return Explanation(
        run=run,
        classes=series.classes,
        X=series.X,
        y=series.y if labelled else None,
        predicted=engine.predict(series.X).argmax(axis=1),
        maps=class_activation_maps(engine.model, series.X),
        convolutional=parts.convolutional,
        recurrent=parts.recurrent,
        weights=None if seen is None else seen.weights,
        contexts=None if seen is None else seen.contexts,
    )


def explain_to_folder(
    workspace: Workspace,
    dataset: str,
    target: Path,
    *,
    models: Iterable[str],
    file: Path | None,
) -> str:
    """Explain the best trained network of a dataset; write `index.html` and `explanation.npz`.

    Parameters
    ----------
    workspace, dataset
        Whose networks.
    target
        The folder to write to.
    models
        Which of them.
    file
        Series in any format that `read_series` knows; None for the training split.

    Returns
    -------
    str
        A sentence for people.

    Raises
    ------
    DataError, RegistryError
        If the file is at fault, or nothing is trained. Nothing is written then.
    """
    from lstmfcn.report.page import render

    run, folder = best_run(workspace, dataset, models)
    train = Split.load(workspace.train_splits / f"{dataset}.npz")
    if file is None:
        series, labelled = train, True
    else:
        series, labelled = _read(file, train, Preprocessing.load(workspace.preprocessing(dataset)))
    explanation = explain(folder, series, labelled=labelled)
    page = render(
        "explanation.html.j2",
        name=run.name,
        n_series=len(series.X),
        source=f"the training split of {dataset}" if file is None else file.name,
        sentences=sentences(explanation),
        activation=draw_activation(explanation, f"{run.name}: class activation maps"),
        attention=draw_attention(explanation, f"{run.name}: attention by class"),
        arrays=list(explanation.arrays()),
    )
    write_arrays(target / "explanation.npz", explanation.arrays())
    write_text(target / "index.html", page)
    return f"{run.name}, {len(series.X)} series: {target / 'index.html'} and {target / 'explanation.npz'}"


def _read(file: Path, train: Split, preprocessing: Preprocessing) -> tuple[Split, bool]:
    """Read series and prepare them as the training split was; return whether all labels are known."""
    given = read_fitting(file, (preprocessing.n_channels, preprocessing.length), "the network")
    index = {label: i for i, label in enumerate(train.classes)}
    labels = [] if given.labels is None else given.labels.tolist()
    known = bool(labels) and all(label in index for label in labels)
    y = np.array([index[label] for label in labels] if known else [0] * len(given.X), dtype=np.int64)
    return Split(preprocessing.apply(given.X), y, train.classes), known


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
    picked = [_typical(explanation.X, groups == k) for k in shown]
    limit = max(float(np.abs(explanation.maps[i, k]).max()) for i, k in zip(picked, shown, strict=True)) or 1
    for axes in grid.flat[len(shown) :]:
        axes.set_visible(False)
    for axes, i, k in zip(grid.flat, picked, shown, strict=False):
        lines = _coloured(explanation.X[i, 0], explanation.maps[i, k], limit)
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


def _typical(X: NDArray[np.float32], members: NDArray[np.bool_]) -> int:
    mean = X[members].mean(axis=0)
    distance = np.where(members, np.square(X - mean).sum(axis=(1, 2)), np.inf)
    return int(distance.argmin())


def _coloured(series: NDArray[np.float32], values: NDArray[np.float32], limit: float) -> LineCollection:
    steps = np.arange(len(series))
    cuts = np.unique(np.linspace(0, len(series) - 1, MOST_SEGMENTS + 1).astype(int))
    pieces = [np.column_stack([steps[a : b + 1], series[a : b + 1]]) for a, b in pairwise(cuts)]
    colours = np.array([values[a : b + 1].mean() for a, b in pairwise(cuts)])
    norm = TwoSlopeNorm(0, -limit, limit)
    return LineCollection(pieces, array=colours, cmap="coolwarm", norm=norm, linewidths=2)
