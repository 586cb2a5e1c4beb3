"""What `dvc plots` draws: the evidence that is in the results, and a page that needs no network."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from dvc_render.html import HTML
from sklearn.metrics import accuracy_score

from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.files import read_json
from lstmfcn.report.data import leading
from lstmfcn.report.html import title
from lstmfcn.report.plots import page
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.ranking import rank
from lstmfcn.runs.run import Run
from lstmfcn.study.new import files_of


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_what_leads_is_what_ranks_first(metric):
    """Against the ranking that chooses, over runs in which many ties are."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "model": rng.choice(["fcn", "lstm_fcn"], 40),
            "seed": rng.integers(3, size=40),
            "iteration": rng.integers(3, size=40),
            "cells": rng.choice([8, 64], 40),
            "oof_accuracy": rng.choice([0.8, 0.9], 40),
            "oof_log_loss": rng.choice([0.2, 0.3], 40),
        }
    )
    runs = []
    for row in rows.to_dict("records"):
        one = Identity(dataset="A", classifier=row["model"], seed=row["seed"]).iteration(row["iteration"])
        known = {"job": "a", "protocol": "honest", "data": "", "params": {"cells": row["cells"]}}
        metrics = {name: row[name] for name in ("oof_accuracy", "oof_log_loss")}
        runs.append(Run(identity=one, metrics=metrics, **known))
    for _, row in leading(rows, METRICS[metric]).iterrows():
        best = rank([run for run in runs if run.identity.classifier == row["model"]], METRICS[metric])[0]
        same = ("cells", best.cells), ("seed", best.identity.seed), ("iteration", best.identity.number)
        assert all(row[name] == value for name, value in same)
        assert row[f"oof_{metric}"] == best.metrics[f"oof_{metric}"]


def test_the_files_say_what_the_results_say(finished):
    """Accuracies out of fold, counted again by scikit-learn from the confusion."""
    workspace, _ = finished
    read = {
        kind: pd.read_csv(workspace.plots / kind / "Bumps.csv")
        for kind in ("evidence", "confusion", "curves")
    }
    results = pd.read_csv(workspace.results_table)
    best = results.groupby("model")["oof_accuracy"].max()
    evidence = read["evidence"].set_index("classifier")
    assert evidence["oof"].to_dict() == {title(model): value for model, value in best.items()}
    assert (evidence["low"] <= evidence["oof"]).all()
    assert (evidence["oof"] <= evidence["high"]).all()
    confusion = read["confusion"]
    chosen = read_json(workspace.metrics)["oof_accuracy"]["Bumps"]
    assert accuracy_score(confusion["actual"], confusion["predicted"]) == pytest.approx(chosen)
    assert read["curves"].groupby("classifier")["epoch"].count().to_dict() == dict.fromkeys(
        evidence.index, 12
    )


def test_the_page_takes_plots_and_needs_no_network():
    """By DVC's own renderer: what it would load from elsewhere has no place on the page."""
    pytest.importorskip("vl_convert")
    drawn = (
        HTML(page())
        .with_scripts('<script src="https://elsewhere/vega"></script>')
        .with_element("<p>plot</p>")
    )
    text = drawn.embed()
    assert "<p>plot</p>" in text
    assert "elsewhere" not in text
    assert "<script src" not in text
    assert "<link" not in text
    assert "window.vegaEmbed=" in text


def test_the_templates_are_such():
    for name, text in files_of("x").items():
        if name.startswith(".dvc/plots/"):
            template = json.load(io.StringIO(text))
            assert template["data"] == {"values": "<DVC_METRIC_DATA>"}
