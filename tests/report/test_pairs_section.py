"""The section of pairs: the matrix says of each pair what the table says, once from each side."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import make_workspace
from lstmfcn.classifiers.table import paper_column
from lstmfcn.evaluation.comparison import compare
from lstmfcn.evaluation.reference import load_references, load_table1, load_table2
from lstmfcn.evaluation.results import write_comparison
from lstmfcn.files import write_json
from lstmfcn.report.data import load
from lstmfcn.report.html import render
from lstmfcn.report.sections import pairs as of_pairs
from lstmfcn.report.sections import paper

TABLE1 = load_table1()
METHODS = {
    ("lstm_fcn", "phase1"): "lstm_fcn",
    ("lstm_fcn", "finetuned"): "ft_lstm_fcn",
    ("alstm_fcn", "phase1"): "alstm_fcn",
}


def study(folder, n, rope=0.01, references=("BOSS & <co>",), prefix=""):
    """Return a workspace of n datasets with three methods of Table I as ours, and references beside them."""
    workspace = make_workspace(folder)
    some = TABLE1[~TABLE1["split_sizes_swapped_2015_2018"]][:n]
    some = some.rename(index=lambda name: f"{prefix}{name}")
    rows = [
        {
            "dataset": dataset,
            "model": model,
            "phase": phase,
            "iteration": int(phase == "finetuned"),
            "chosen": True,
            "oof_accuracy": 0.5,
            "seed": 0,
            "protocol": "honest",
            "selected_on": "train",
            "n_test": 100,
            "n_classes": 2,
            "edition": 2018,
            "cells": 8,
            "accuracy": some.at[dataset, column],
            "pce": 0.1,
        }
        for dataset in some.index
        for (model, phase), column in METHODS.items()
    ]
    others = [f"{dataset},{name},0.75\n" for dataset in some.index for name in references]
    (folder / "others.csv").write_text("dataset,method,accuracy\n" + "".join(others))
    comparison = compare(
        pd.DataFrame(rows),
        TABLE1,
        load_table2(),
        load_references(["others.csv"] if references else [], folder),
        significance=0.05,
        rope=rope,
        paper_column=paper_column,
    )
    write_comparison(comparison, workspace.comparison)
    write_json(
        workspace.verdicts, [{"dataset": name, "outcome": "passed", "findings": []} for name in some.index]
    )
    return workspace


def shown(workspace, module=of_pairs):
    """Return a section's part of the page."""
    folder = Path(module.__file__).parent
    return render(module.TEMPLATE, folder, **module.section(load(workspace)))


def test_the_matrix_is_the_table_from_both_sides(tmp_path):
    data = load(study(tmp_path, 20))
    found = of_pairs.section(data)["matrix"]
    table = {frozenset((r["method_a"], r["method_b"])): r for r in data.tables["pairs"]}
    scores = data.accuracies.set_index("dataset")
    rows, columns = list(scores.columns), [name for name in scores.columns if "BOSS" not in name]
    assert rows == scores.mean().sort_values(ascending=False).index.tolist()
    assert len(found["rows"]) == 4
    assert len(found["columns"]) == 3
    strengths = []
    for a, row in zip(rows, found["rows"], strict=True):
        for b, cell in zip(columns, row["cells"], strict=True):
            if a == b:
                assert cell is None
                continue
            difference = scores[a] - scores[b]
            assert cell["difference"] == pytest.approx(difference.mean(), abs=1e-9)
            assert cell["counts"] == ((difference > 0).sum(), (difference == 0).sum(), (difference < 0).sum())
            assert cell["p"] == table[frozenset((a, b))]["p"]
            assert cell["significant"] == table[frozenset((a, b))]["significant"]
            strengths.append(cell["strength"])
    assert max(strengths) == 1
    assert min(strengths) >= 0


def test_the_page_has_the_matrix_the_tests_and_the_scatters(tmp_path):
    """Names are escaped; of two references and ours there are 3 + 6 pairs, and none of references alone."""
    part = shown(study(tmp_path, 12, references=("BOSS & <co>", "ST")))
    assert part.count("<figure>") == part.count("<svg") == 9
    assert "BOSS &amp; &lt;co&gt;" in part
    assert "<co>" not in part
    assert "LSTM-FCN, fine-tuned" in part
    assert "accuracies within 0.01 (<code>compare.rope</code>)" in part
    assert '<td style="background: rgba(var(--miss), 0.45)" class=significant>' in part
    assert "Furthest from the diagonal: " in part


def test_own_datasets_have_their_ranks_here_since_there_is_no_section_on_the_paper(tmp_path, monkeypatch):
    monkeypatch.setattr(of_pairs, "MOST_DRAWN", 0)
    own = study(tmp_path, 8, prefix="own-")
    assert paper.section(load(own)) is None
    assert "Mean ranks over 8 datasets, 1 the best" in shown(own)
    assert "ALSTM-FCN, phase 1  " in shown(own)
    assert "Mean ranks" not in shown(study(tmp_path / "few", 5, prefix="own-"))
    assert "Mean ranks" not in shown(study(tmp_path / "paper", 8))


def test_few_datasets_have_a_matrix_without_tests_and_folded_scatters(tmp_path):
    workspace = study(tmp_path, 3, references=())
    part = shown(workspace)
    assert part.count("<svg") == 3
    assert "<details open>" not in part
    assert "Wilcoxon" not in part
    assert "Bayesian" not in part
    said = " ".join(load(workspace).comparison["notes"])
    assert "No Wilcoxon test: it takes 6 datasets" in said
    assert "no Bayesian test: these take 6 datasets, too" in said


def test_one_dataset_has_no_section(tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "_diagrams", lambda data: [])
    data = load(study(tmp_path, 1))
    assert of_pairs.section(data) is None
    assert paper.section(data)["pairs"] == []
    assert "<svg" not in shown(data.workspace, paper)


def test_more_pairs_than_can_be_drawn_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(of_pairs, "MOST_DRAWN", 2)
    page = shown(study(tmp_path, 6))
    assert page.count("<svg") == 2
    assert "4 more pairs are in <code>comparison/pairs.csv</code>" in page


def test_without_a_region_nothing_is_equivalent(tmp_path):
    part = shown(study(tmp_path, 8, rope=0))
    assert re.search(r"\d\.\d\d / – / \d\.\d\d</td>", part)


def test_ours_beside_the_same_method_of_the_paper(tmp_path, monkeypatch):
    """They are the paper's figures: 7 ties of 7, and practically equivalent for sure."""
    monkeypatch.setattr(
        paper, "_diagrams", lambda data: []
    )  # tests/report/test_critical_difference.py has them
    page = shown(study(tmp_path, 7), paper)
    part = page[page.index("Our methods against the same in the paper") :]
    assert part.count("They tie everywhere.") == 3
    row = re.search(r'<th scope="row">LSTM-FCN, fine-tuned</th><td>the paper&#39;s</td>.*', part)[0]
    cells = re.findall(r'<td class="n">([^<]*)</td>', row)
    assert cells == ["7", "+0.0000", "+0.0000 – +0.0000", "0 / 7 / 0", "1", "1", "0.00 / 1.00 / 0.00"]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("lstm_fcn phase1", "LSTM-FCN, phase 1"),
        ("ours, alstm_fcn finetuned", "ours, ALSTM-FCN, fine-tuned"),
        ("1-NN DTW CV", "1-NN DTW CV"),
        ("mini_rocket phase1", "MiniRocket"),
        ("gone finetuned", "gone, fine-tuned"),
    ],
)
def test_methods_have_the_names_that_people_use(name, title):
    assert of_pairs.method(name) == title


def test_a_matrix_of_methods_that_tie_everywhere_has_no_colour():
    scores = pd.DataFrame({"a": np.ones(3), "b": np.ones(3)})
    row = {"method_a": "a", "method_b": "b", "n_datasets": 3, "difference": 0.0, "p": None}
    row |= {"wins": 0, "ties": 3, "losses": 0, "significant": None}
    (first, second) = of_pairs.matrix(scores, [row], ["a", "b"])["rows"]
    assert [cell and cell["strength"] for cell in first["cells"] + second["cells"]] == [None, 0, 0, None]
