"""A classifier, a metric and a file format from another package, through the whole pipeline."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from conftest import ROOT, bumps
from lstmfcn.config import Params
from lstmfcn.runs.predictions import Predictions

pytestmark = pytest.mark.slow  # the stages run twice with the toys at hand

TOY = '''
"""Nearest centroid, Cohen's kappa, and files of semicolons."""

import numpy as np

from lstmfcn.classifiers.base import ReferenceClassifier
from lstmfcn.evaluation.metrics import Metric


class Centroid:
    def __init__(self, power=2):
        self.power = power

    def get_params(self):
        return {"power": self.power}

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.means = np.array([X[y == k].mean(axis=0) for k in self.classes_])
        return self

    def predict_proba(self, X):
        distance = (np.abs(X[:, None] - self.means[None]) ** self.power).sum(axis=(2, 3))
        near = np.exp(-distance + distance.min(axis=1, keepdims=True))
        return near / near.sum(axis=1, keepdims=True)


def kappa(y, probabilities):
    predicted = probabilities.argmax(axis=1)
    n = len(y)
    agreed = (y == predicted).mean()
    by_chance = sum((y == k).sum() * (predicted == k).sum() for k in range(probabilities.shape[1])) / n**2
    return float((agreed - by_chance) / (1 - by_chance))


CENTROID = ReferenceClassifier(
    name="centroid", title="Nearest centroid", source="toy:Centroid", options={"power": 2}
)
KAPPA = Metric("kappa", "Cohen's kappa", kappa)
'''

SEMICOLONS = """
import numpy as np

from lstmfcn.data.series import LabelledSeries

SUFFIXES = (".semi",)


def read(path, *, length=None):
    rows = [line.split(";") for line in path.read_text().splitlines()]
    return LabelledSeries(
        X=np.array([[[float(v) for v in row[1:]]] for row in rows], dtype=np.float32),
        labels=np.array([row[0] for row in rows]),
        rows=np.arange(1, len(rows) + 1),
        path=path,
    )
"""

POINTS = """
[lstmfcn.classifiers]
centroid = toy:CENTROID
[lstmfcn.metrics]
kappa = toy:KAPPA
[lstmfcn.readers]
semicolons = toy.semicolons
"""

PARAMS = """
datasets: [Bumps]
models: [fcn, centroid]
references: []
train: {epochs: 3, batch_size: 8, folds: 2}
finetune: {iterations: 1, epochs: 2, batch_size: 8}
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study in which all stages have run with the toys at hand."""
    root = tmp_path_factory.mktemp("outside")
    package = root / "site/toy"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(TOY)
    (package / "semicolons.py").write_text(SEMICOLONS)
    (root / "site/toy-1.0.dist-info").mkdir()
    (root / "site/toy-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (root / "site/toy-1.0.dist-info/entry_points.txt").write_text(POINTS)
    bumps(root / "ucr")
    for split in ("TRAIN", "TEST"):
        path = root / f"ucr/Bumps/Bumps_{split}.tsv"
        path.with_suffix(".semi").write_text(path.read_text().replace("\t", ";"))
        path.unlink()
    (root / "study").mkdir()
    (root / "study/params.yaml").write_text(PARAMS)
    run(root)
    return root


def run(root, stages="STAGES", *, workers=False):
    """Run stages in a process that has the toys at hand; their jobs too, unless it is to have workers."""
    code = (
        "from pathlib import Path; from lstmfcn import config; from lstmfcn.workspace import Workspace;"
        "from lstmfcn.pipeline.stages import run_stages; from lstmfcn.pipeline.table import STAGES;"
        "from lstmfcn.pipeline import jobs; from conftest import in_this_process;"
        f"jobs.run_jobs = jobs.run_jobs if {workers} else in_this_process;"
        f"here = Workspace(Path('study')); run_stages({stages}, here, config.load(here.params))"
    )
    paths = (str(root / "site"), str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "LSTMFCN_UCR_DIR": str(root / "ucr")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(root):
    with (root / "study/results/results.csv").open() as file:
        return {(row["model"], row["phase"]): row for row in csv.DictReader(file)}


def test_the_classifier_has_out_of_fold_and_test_figures(study):
    row = rows(study)["centroid", "phase1"]
    assert float(row["accuracy"]) == 1.0  # the bumps stand at their places
    assert float(row["oof_accuracy"]) == 1.0
    assert ("centroid", "finetuned") not in rows(study)


def test_the_metric_reaches_every_table_and_is_what_another_library_says(study):
    for (model, _), row in rows(study).items():
        step = "phase1" if row["iteration"] == "0" else f"iteration-{row['iteration']}"
        folder = study / f"study/results/predictions/Bumps/{model}/seed-0/{step}"
        made = Predictions.from_csv(folder / "predictions.csv")
        assert float(row["kappa"]) == pytest.approx(cohen_kappa_score(made.y, made.predicted_y))
        assert np.isfinite(float(row["oof_kappa"]))
    metrics = json.loads((study / "study/results/test.json").read_text())["measured_once"]
    assert metrics["Bumps"]["centroid"]["phase1"]["kappa"] == 1.0
    page = (study / "study/reports/index.html").read_text()
    assert "Cohen&#39;s kappa" in page
    assert "Nearest centroid" in page


def test_the_metric_is_in_mlflow(study):
    import mlflow

    uri = f"sqlite:///{study / 'study/mlruns/mlflow.db'}"
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("lstmfcn").experiment_id
    found = client.search_runs([experiment], "metrics.test_kappa > 0.9")
    assert {run.data.tags["model"] for run in found} >= {"centroid"}


def test_a_reference_is_never_promoted(study):
    promotions = json.loads((study / "study/promotions.json").read_text())
    assert {one["model"] for one in promotions["Bumps"]["candidates"]} == {"fcn"}


def test_a_change_of_the_classifiers_code_runs_it_again_and_no_other(study):
    package = study / "site/toy/__init__.py"
    text = package.read_text()
    package.write_text(text.replace("-distance +", "-2 * distance + 2 *"))
    try:
        told = run(study, ["train"], workers=True)
    finally:
        package.write_text(text)
    assert "train: [1/1] Bumps centroid seed 0" in told
    assert "train: 1 of 2 jobs finished before" in told


def test_the_schema_knows_what_is_at_hand_only():
    """Here the toys are not installed."""
    from lstmfcn import config
    from lstmfcn.errors import ParamsError

    assert "models" in Params.model_fields
    with pytest.raises(ParamsError, match="centroid"):
        config.parse({"datasets": ["A"], "models": ["centroid"]})
