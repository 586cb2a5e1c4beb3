"""The figures that a candidate's run has in MLflow: its confusion, its learning curve, what it looks at."""

from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lstmfcn.data.series import Split
from lstmfcn.evaluation.evidence import OOF_FILE
from lstmfcn.report.explanation import draw_activation
from lstmfcn.report.explanation_page import explain_run
from lstmfcn.report.figures import learning_curves, literal, style_axes, svg_of
from lstmfcn.runs.outputs import read_output
from lstmfcn.runs.predictions import Predictions
from lstmfcn.runs.run import Run
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.workspace import Workspace

PLACE = "figures"
"""Where they stand among a run's files in MLflow."""

PAGE = "<style>svg{background:#fff;color:#222;--line:#ccc}</style>"
"""What the report's page says of its figures' colours: in MLflow each stands alone."""

MOST_CLASSES = 40
"""A confusion of more classes is no longer looked at."""


def keep_figures(tracker: Tracker, workspace: Workspace, run: Run, train: Split) -> None:
    """Draw the figures of a run and keep them with it in MLflow, unless they are there.

    Parameters
    ----------
    tracker
        Has logged the run.
    workspace, run
        The run, and where it lies.
    train
        The prepared split that it was trained on.

    Raises
    ------
    TrackingError
        If the store does not answer.
    """
    run_id = tracker.run_id(run.key)
    if run_id is None or tracker.holds(run_id, PLACE):
        return
    with tempfile.TemporaryDirectory() as scratch:
        for name, svg in figures(workspace, run, train).items():
            Path(scratch, f"{name}.svg").write_text(standalone(svg), encoding="utf-8")
        tracker.keep(run_id, Path(scratch), PLACE)


def figures(workspace: Workspace, run: Run, train: Split) -> dict[str, str]:
    """Return the figures of a run as SVG text, by name; see `keep_figures`."""
    found = {}
    oof = Predictions.from_csv(read_output(workspace, run, OOF_FILE))
    if oof.held.any() and len(oof.classes) <= MOST_CLASSES:
        found["confusion"] = draw_confusion(oof, f"{run.name}: confusion, out of fold")
    if run.history:
        losses = pd.read_csv(io.BytesIO(read_output(workspace, run, run.history)))["loss"].to_numpy()
        curves = {run.name: [(run.name, losses)]}
        found["learning-curve"] = learning_curves(curves, f"{run.name}: learning curve")
    try:
        explanation = explain_run(workspace, run, train)
    except ValueError:  # a network of another package, without the layers that maps are made of
        return found
    return found | {
        "class-activation-maps": draw_activation(explanation, f"{run.name}: class activation maps")
    }


def standalone(svg: str) -> str:
    """Return a figure of the report as a picture that needs no page around it: with a size and colours."""
    sized = re.sub(
        r'viewBox="0 0 ([\d.]+) ([\d.]+)" style="[^"]*"',
        lambda box: (
            f'viewBox="0 0 {box[1]} {box[2]}" width="{1.5 * float(box[1])}" height="{1.5 * float(box[2])}"'
        ),
        svg,
        count=1,
    )
    return sized.replace(">", f">{PAGE}", 1)


def draw_confusion(predictions: Predictions, title: str) -> str:
    """Draw how many series of each class were predicted as each; return SVG text.

    Parameters
    ----------
    predictions
        Of labelled series; those without a prediction are left out.
    title
        Names the picture for those who cannot see it.
    """
    classes, held = predictions.classes, predictions.held
    counts = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(counts, (predictions.y[held], predictions.predicted_y[held]), 1)
    side = 2.2 + 0.5 * len(classes)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(counts, cmap="Blues")
    for true, said in np.ndindex(counts.shape):
        dark = counts[true, said] > counts.max() / 2
        axes.text(
            said, true, str(counts[true, said]), ha="center", va="center", color="#fff" if dark else "#222"
        )
    names = [literal(label) for label in classes]
    axes.set_xticks(range(len(classes)), names, rotation=90 if max(map(len, names)) > 3 else 0)
    axes.set_yticks(range(len(classes)), names)
    axes.set(xlabel="predicted", ylabel="true", title=f"{int(held.sum())} series, out of fold")
    style_axes(axes)
    axes.grid(visible=False)
    return svg_of(figure, title)
