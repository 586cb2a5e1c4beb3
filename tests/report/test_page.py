"""The page: complete, escaped, equal for equal files, and standing on its own."""

import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from conftest import bumps, make_workspace, run_stages
from lstmfcn.evaluation.measures import reliability
from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.files import write_json
from lstmfcn.pipeline.table import STAGES
from lstmfcn.report.figures import reliability_diagram, series_by_class
from lstmfcn.report.page import build_report

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Checker(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.loads, self.ids = [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href") and not value.startswith(("#", "data:")):
                self.loads.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()


@pytest.fixture(scope="module")
def page(finished):
    return build_report(finished[0].root)


def test_every_accuracy_is_on_the_page(finished, page):
    workspace, _ = finished
    results = pd.read_csv(workspace.results / "results.csv")
    columns = list(METRICS)
    assert {f"oof_{name}" for name in columns} <= set(results.columns)
    chosen = results[results["chosen"]]
    for value in chosen[[*columns, *(f"oof_{name}" for name in columns)]].to_numpy().ravel():
        assert f"{value:.4f}" in page
    assert "is the registry's to say: <code>lstmfcn champions</code>" in page
    assert "Bumps: reliability of the best run on the test split" in page
    assert "the mean error of the classes" in page.lower()
    assert page == workspace.report.read_text()


def test_without_a_dataset_of_the_paper_its_tables_are_left_out(page):
    for word in ("Table I", "beside the paper", '">paper</th>', "The paper's figures"):
        assert word.lower() not in page.lower()


@pytest.mark.parametrize(
    "named", [["GunPoint", "Pumps", "Coffee"], ["Pumps", "GunPoint"], ["Coffee"], ["Pumps"]]
)
def test_what_the_user_brought_comes_first(tmp_path, named):
    """Before what compares all datasets, which comes before those of the paper."""
    workspace = make_workspace(tmp_path / "study")
    write_json(workspace.verdicts, [{"dataset": name, "outcome": "passed", "findings": []} for name in named])
    page = build_report(workspace.root)
    brought = [name for name in named if name == "Pumps"]
    wanted = [*brought, "Comparison of the methods"]
    if papers := [name for name in named if name != "Pumps"]:
        wanted += ["Beside the paper", *papers]
    headings = re.findall("<h2>(.*)</h2>", page)
    assert headings == ["The best of each dataset", *wanted, "How to use it"]


def test_the_page_is_well_formed_and_loads_nothing(page):
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert checker.loads == []
    assert len(checker.ids) == len(set(checker.ids))


def test_what_is_missing_is_named(tmp_path):
    page = build_report(make_workspace(tmp_path / "clone").root)
    for stage in ("validate", "evaluate", "compare", "promote"):
        assert f"dvc repro {stage}" in page


def test_labels_are_shown_as_text_whatever_they_hold(tmp_path):
    """A class named like a tag, a formula, and with an ampersand."""
    bumps(tmp_path / "ucr", "Odd", classes=("<script>alert(1)</script>", "$x_1$", "a&b"))
    text = "datasets: [Odd]\nmodels: [fcn]\nreferences: []\ntrain: {epochs: 2, folds: 2}\n"
    text += "finetune: {iterations: 0}\n"
    workspace = make_workspace(tmp_path / "clone", text)
    run_stages(workspace, tmp_path / "ucr", *STAGES)
    page = workspace.report.read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "a&amp;b" in page
    assert "$x_1$" in page


def test_a_reliability_diagram_has_a_point_for_each_bin_that_has_series():
    y, p = np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.92, 0.08]], np.float32)
    drawn = reliability_diagram({"a $b$": reliability(y, p)}, "r")
    assert drawn.count("<use") >= 2
    assert "currentColor" in drawn
    assert "a $b$" in drawn


def test_equal_data_give_equal_figures():
    X = np.random.default_rng(0).normal(size=(6, 1, 30)).astype(np.float32)
    y = np.arange(6) % 2
    once, twice = (series_by_class(X, y, ("1", "2"), 'a "title" & more') for _ in range(2))
    assert once == twice
    assert 'aria-label="a &quot;title&quot; &amp; more"' in once
    assert not re.search(r"<metadata|<dc:date", once)


@pytest.mark.parametrize("folder", ["search", "comparison", "data/validation"])
def test_a_part_that_is_gone_does_not_stop_the_page(finished, tmp_path, folder):
    clone = tmp_path / "clone"
    shutil.copytree(
        finished[0].root, clone, symlinks=True, ignore=shutil.ignore_patterns("mlruns", ".lstmfcn")
    )
    shutil.rmtree(clone / folder)
    assert "Bumps" in build_report(clone)
