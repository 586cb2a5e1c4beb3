"""All ten stages on a small problem, and what must hold between them."""

import csv
import importlib
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, log_loss

from conftest import MINIATURE, bumps, files_of, make_workspace, run_stages
from lstmfcn import params
from lstmfcn.champion import load_champion
from lstmfcn.data.fetch import read_dataset
from lstmfcn.errors import DataError
from lstmfcn.stages import queue
from lstmfcn.stages.queue import JobsFailedError

CHOOSING = ("search", "models", "promotions.json")


def results_of(workspace):
    with (workspace.results / "results.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_tables_say_what_scikit_learn_says_of_the_predictions(finished):
    workspace, _ = finished
    rows = results_of(workspace)
    assert {(r["model"], r["phase"]) for r in rows} == {
        (model, phase) for model in ("lstm_fcn", "alstm_fcn") for phase in ("phase1", "finetuned")
    }
    for row in rows:
        place = f"{row['dataset']}/{row['model']}/seed-{row['seed']}/{row['phase']}"
        table = pd.read_csv(workspace.results / "predictions" / place / "predictions.csv")
        assert float(row["accuracy"]) == pytest.approx(accuracy_score(table["label"], table["predicted"]))
        probabilities = table[["p:a", "p:b", "p:c"]].to_numpy()
        expected = log_loss(table["label"], probabilities / probabilities.sum(axis=1, keepdims=True))
        assert float(row["log_loss"]) == pytest.approx(expected, rel=1e-4)
        assert float(row["pce"]) == pytest.approx((1 - float(row["accuracy"])) / 3)
    metrics = json.loads((workspace.results / "metrics.json").read_text())
    assert metrics["Bumps"]["lstm_fcn"].keys() == {"phase1", "finetuned"}


def test_the_champion_has_the_best_evidence_of_all_runs(finished):
    workspace, _ = finished
    champion = json.loads(workspace.promotions.read_text())["Bumps"]["champion"]
    runs = [json.loads(p.read_text()) for p in (workspace.root / "models").rglob("run.json")]
    assert len(runs) == 2 * 3
    best = max(r["metrics"]["oof_accuracy"] for r in runs)
    tied = [r for r in runs if r["metrics"]["oof_accuracy"] == best]
    assert champion["oof_accuracy"] == best
    assert champion["oof_loss"] == min(r["metrics"]["oof_loss"] for r in tied)
    assert champion["key"] in {row["key"] for row in results_of(workspace)}


def test_the_registered_champion_predicts_what_was_evaluated(finished):
    """From raw series, one at a time: it normalises them itself, and no batch mate matters."""
    workspace, _ = finished
    champion = json.loads(workspace.promotions.read_text())["Bumps"]["champion"]
    (row,) = (r for r in results_of(workspace) if r["key"] == champion["key"])
    place = f"Bumps/{row['model']}/seed-0/{row['phase']}/predictions.csv"
    expected = pd.read_csv(workspace.results / "predictions" / place)
    loaded = load_champion("Bumps", workspace=workspace.root)
    _, test = read_dataset(workspace.raw / "Bumps")
    assert loaded.classes == ("a", "b", "c")
    single = np.concatenate([loaded.predict_proba(series[None]) for series in test.X])
    np.testing.assert_allclose(single, expected[["p:a", "p:b", "p:c"]], atol=1e-5)
    assert loaded.predict(test.X[:, 0]).tolist() == expected["predicted"].tolist()


def test_poisoned_test_labels_change_nothing_before_evaluate(finished, tmp_path):
    """Two clones, one with every test label wrong: to the byte the same search, weights and promotion."""
    workspace, _ = finished

    def poison(split, lines):
        turned = {"a": "b", "b": "c", "c": "a"}
        return [turned[x[0]] + x[1:] for x in lines] if split == "TEST" else lines

    bumps(tmp_path / "ucr", change=poison)
    poisoned = make_workspace(tmp_path / "clone")
    run_stages(poisoned, tmp_path / "ucr", "fetch", "validate", "prepare", "search", "train", "finetune")
    run_stages(poisoned, tmp_path / "ucr", "evaluate", "promote")
    for name in CHOOSING:
        assert files_of(poisoned.root / name) == files_of(workspace.root / name)
    assert [r["accuracy"] for r in results_of(poisoned)] != [r["accuracy"] for r in results_of(workspace)]


def test_finished_jobs_are_laid_down_again_without_being_run(finished, tmp_path, monkeypatch):
    """As after a kill, or when DVC has emptied a stage's folder."""
    workspace, ucr = finished
    before = files_of(workspace.phase1)
    started = []
    monkeypatch.setattr(queue, "run_jobs", lambda function, jobs: started.extend(jobs) or iter(()))
    for path in sorted(workspace.phase1.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    run_stages(workspace, ucr, "train")
    assert started == []
    assert files_of(workspace.phase1) == before


def test_another_recipe_runs_only_what_depends_on_it(finished, tmp_path, monkeypatch):
    workspace, _ucr = finished
    begun = []
    monkeypatch.setattr(queue, "run_jobs", lambda function, jobs: begun.append(len(jobs)) or iter(()))
    root = make_workspace(tmp_path / "clone", MINIATURE.replace("iterations: 2", "iterations: 3")).root
    for name in ("data/raw", "data/prepared", "search", "models", ".lstmfcn"):
        (root / name).symlink_to(workspace.root / name)
    for stage in ("search", "train"):
        importlib.import_module(f"lstmfcn.stages.{stage}").run(workspace, params.load(root / "params.yaml"))
    assert begun == [0, 0]
    module = importlib.import_module("lstmfcn.stages.finetune")
    module.run(workspace, params.load(root / "params.yaml"))
    assert begun == [0, 0, 0, 0, 2]


def test_a_job_that_fails_leaves_the_others_finished(tmp_path):
    """A learning rate that explodes for one dataset: the other's weights are there, the error says who."""
    huge = lambda split, lines: ["\t".join([x.split("\t")[0], *["1e38", "-3e38"] * 10]) for x in lines]  # noqa: E731
    bumps(tmp_path / "ucr", "Fine")
    bumps(tmp_path / "ucr", "Huge", change=huge)
    text = MINIATURE.replace("[Bumps]", "[Huge, Fine]").replace("[lstm_fcn, alstm_fcn]", "[fcn]")
    text += "prepare: {normalise: none}\nvalidate: {duplicates_within_split: ignore}\n"
    workspace = make_workspace(tmp_path / "clone", text)
    run_stages(workspace, tmp_path / "ucr", "fetch", "validate", "prepare", "search")
    with pytest.raises(
        JobsFailedError, match=r"1 of 2 jobs of train failed(.|\n)*Huge fcn seed 0: .*epoch 1"
    ):
        run_stages(workspace, tmp_path / "ucr", "train")
    assert (workspace.phase1 / "Fine/fcn/seed-0/weights.npz").exists()
    assert not (workspace.phase1 / "Huge").exists()


def spoil(line, column, text):
    fields = line.split("\t")
    fields[column] = text
    return "\t".join(fields)


FAULTS = {
    "a series of NaN": (
        lambda s, x: [*x[:3], spoil(x[3], slice(1, None), ["NaN"] * 20), *x[4:]],
        "row 4: missing values",
    ),
    "one class only": (lambda s, x: ["a" + line[1:] for line in x], "one class only"),
    "an unknown test label": (
        lambda s, x: x if s == "TRAIN" else [*x[:6], "z" + x[6][1:], *x[7:]],
        "row 7: labels that the training split lacks",
    ),
    "an infinite value": (lambda s, x: [spoil(x[0], 5, "inf"), *x[1:]], "row 1: infinite values"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_dataset_at_fault_is_named_and_the_others_go_on(tmp_path, fault):
    bumps(tmp_path / "ucr", "Fine")
    bumps(tmp_path / "ucr", "Faulty", change=FAULTS[fault][0])
    workspace = make_workspace(tmp_path / "clone", MINIATURE.replace("[Bumps]", "[Faulty, Fine]"))
    run_stages(workspace, tmp_path / "ucr", "fetch")
    with pytest.raises(DataError, match="Faulty failed validation"):
        run_stages(workspace, tmp_path / "ucr", "validate")
    verdict = json.loads(workspace.verdicts.read_text())[0]
    messages = " ".join(f["message"] for f in verdict["findings"])
    assert FAULTS[fault][1] in messages
    assert "Faulty_T" in messages
    run_stages(workspace, tmp_path / "ucr", "prepare")
    assert [p.stem for p in workspace.train_splits.iterdir()] == ["Fine"]
    assert [p.stem for p in workspace.test_splits.iterdir()] == ["Fine"]
