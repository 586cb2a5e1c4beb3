"""What an edit of the package reruns: seen on a copy of it, by the files that the stage `code` writes."""

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lstmfcn
from conftest import MINIATURE
from lstmfcn.classifiers.table import classifier_named
from lstmfcn.config import parse
from lstmfcn.pipeline.dependencies import code_of_stage, job_code
from lstmfcn.pipeline.table import STAGES

ALL = set(STAGES) - {"code"}
TRAINING = {"search", "train", "finetune", "evaluate"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Return a folder with a copy of the package, and a study beside it."""
    root = tmp_path_factory.mktemp("copy")
    package = Path(lstmfcn.__file__).parent
    shutil.copytree(package, root / "site/lstmfcn", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "study").mkdir()
    (root / "study/params.yaml").write_text(MINIATURE + "compare: {references: [others.csv]}\n")
    (root / "study/others.csv").write_text("dataset,method,accuracy\n")
    return root


def written(root):
    environment = os.environ | {"PYTHONPATH": str(root / "site")}
    command = [sys.executable, "-m", "lstmfcn", "code", "--workspace", str(root / "study")]
    subprocess.run(command, check=True, env=environment, cwd=root)
    return {path.stem: json.loads(path.read_text()) for path in (root / "study/code").glob("*.json")}


@functools.cache
def unchanged(root):
    return written(root)


def rerun_by(root, name, change):
    """Return the stages whose dependencies a change of a file of the package or the study alters."""
    before = unchanged(root)
    path = root / name
    text = path.read_text()
    assert change(text) != text
    path.write_text(change(text))
    try:
        after = written(root)
    finally:
        path.write_text(text)
    return {stage for stage in before if before[stage] != after[stage]}


PACKAGE = "site/lstmfcn/"


def test_every_stage_has_its_file(copy):
    assert set(written(copy)) == ALL


def test_a_reader_that_doubles_every_number_reaches_all_that_reads_data(copy):
    reader = PACKAGE + "data/readers/columns.py"
    found = rerun_by(copy, reader, lambda text: text + "\nDOUBLED = 2\n")
    assert {"fetch", "validate", "prepare"} <= found
    assert not found & TRAINING


def test_the_activation_maps_rerun_the_report_and_no_training(copy):
    found = rerun_by(copy, PACKAGE + "explain/activation.py", lambda text: text + "\nMORE = 1\n")
    assert found == {"report"}


@pytest.mark.parametrize("name", ["training/loop.py", "training/schedule.py", "networks/lstm_fcn.py"])
def test_the_training_code_reruns_the_trainings(copy, name):
    found = rerun_by(copy, PACKAGE + name, lambda text: text + "\nMORE = 1\n")
    assert {"search", "train", "finetune"} <= found
    assert not found & {"fetch", "validate", "prepare", "compare"}


def test_a_word_in_a_docstring_of_the_training_reruns_nothing(copy):
    assert not rerun_by(
        copy, PACKAGE + "training/schedule.py", lambda text: text.replace("half a cosine", "half a wave")
    )


def test_a_classifier_that_is_not_asked_for_reruns_nothing(copy):
    assert not rerun_by(copy, PACKAGE + "networks/resnet.py", lambda text: text + "\nMORE = 1\n") & TRAINING


def test_a_new_metric_reruns_no_training(copy):
    found = rerun_by(copy, PACKAGE + "evaluation/metrics.py", lambda text: text + "\nMORE = 1\n")
    assert "evaluate" in found
    assert not found & {"search", "train", "finetune"}


def test_a_style_reruns_the_pages(copy):
    found = rerun_by(copy, PACKAGE + "report/style.css", lambda text: text + "\np { color: red }\n")
    assert found == {"report", "validate"}


def test_a_file_that_a_parameter_names_reruns_its_stage(copy):
    assert rerun_by(copy, "study/others.csv", lambda text: text + "Bumps,other,0.5\n") == {"compare"}


def test_a_search_depends_on_the_metric_that_it_chooses_by():
    def code(metric):
        params = parse({"datasets": ["A"], "models": ["lstm_fcn"], "search": {"metric": metric}})
        found = code_of_stage(STAGES["search"], params)
        return found, job_code("search", classifier_named("lstm_fcn"), params)

    (plain, key), (other, other_key) = code("accuracy"), code("macro_f1")
    assert set(other) - set(plain) >= {"lstmfcn/evaluation/metrics.py", "lstmfcn/evaluation/measures.py"}
    assert key != other_key
