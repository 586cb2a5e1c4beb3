"""Three resamples through all stages: what is added, what stays, and what the tables make of them."""

import csv
import importlib.util
import json
import statistics

import numpy as np
import pandas as pd
import pytest
from aeon.benchmarking.resampling import stratified_resample_data
from aeon.benchmarking.results_loaders import get_estimator_results

from conftest import MINIATURE, bumps, copy_of, files_of, make_workspace, run_stages
from lstmfcn import config
from lstmfcn.cli import care
from lstmfcn.data.collection import read_dataset
from lstmfcn.data.series import Split
from lstmfcn.evaluation.results import read_results
from lstmfcn.files import read_json
from lstmfcn.pipeline import jobs as queue
from lstmfcn.pipeline.amount import outlook
from lstmfcn.pipeline.recipes import grid_of
from lstmfcn.pipeline.splits import given_splits, prepared, with_splits
from lstmfcn.pipeline.stages import run_stages as run_in
from lstmfcn.pipeline.stages.promote import candidates
from lstmfcn.report.results_files import write_results_files
from lstmfcn.report.summary import summarise
from lstmfcn.runs.run import find_runs
from lstmfcn.tracking.store import connect
from lstmfcn.tracking.sync import sync

AFTER_FETCH = ("validate", "prepare", "search", "train", "finetune", "evaluate", "compare", "report")
OWN = ("search", "models", "results/predictions")


def asked(n):
    return MINIATURE.replace("datasets:", f"resamples: {n}\ndatasets:")


@pytest.fixture(scope="module")
def three(finished, tmp_path_factory):
    """Return a study that was finished with its own split alone, and then asked for two more.

    For one of its two classifiers, which is enough to see. What serves stays as it is.
    """
    workspace = copy_of(finished[0], tmp_path_factory.mktemp("three") / "clone")
    workspace.params.write_text(asked(3).replace("[lstm_fcn, alstm_fcn]", "[lstm_fcn]"))
    run_stages(workspace, finished[1], *AFTER_FETCH)
    return workspace


def without_resamples(files):
    return {name: content for name, content in files.items() if "resample-" not in name}


@pytest.mark.slow
def test_what_was_finished_is_as_it_was(three, finished):
    """The own split's weights, histories and predictions, by the same keys of jobs; and who may serve."""
    for name in OWN:
        before, after = (files_of(workspace.root / name) for workspace in (finished[0], three))
        assert without_resamples(after) == before
        assert {f"resample-{n}" for n in (1, 2)} == {
            part for file in after for part in file.split("/") if part.startswith("resample-")
        }
    runs = candidates(three, config.load(three.params), "Bumps")
    assert [run.name for run, _ in runs] == [
        f"Bumps lstm_fcn {step}, seed 0" for step in ("phase 1", "fine-tuning 1", "fine-tuning 2")
    ]


def test_only_what_is_new_runs(finished, tmp_path, monkeypatch, capsys):
    """From one split to two: the search of two classifiers on the second; the first is laid down again."""
    workspace = copy_of(finished[0], tmp_path / "clone")
    workspace.params.write_text(asked(2))
    begun = []

    def begin(function, jobs, watch):
        begun.extend(call[1].identity for call in jobs)
        return iter(())

    run_stages(workspace, finished[1], "validate", "prepare")
    monkeypatch.setattr(queue, "run_jobs", begin)
    run_in(["search"], workspace, config.load(workspace.params))
    assert [one.subject for one in begun] == ["Bumps resample 1 lstm_fcn", "Bumps resample 1 alstm_fcn"]
    assert "2 of 4 jobs finished before\nsearch: 2 jobs to run, about " in capsys.readouterr().out
    told = outlook(workspace, config.load(workspace.params), 2)
    assert "1 dataset x 2 resamples x 2 classifiers x 1 seed: jobs: 4 of search, 4 of train, 8 of" in told
    assert "all together about " in told


@pytest.mark.slow
def test_each_is_prepared_by_its_own_training_series(three):
    """Against aeon's resampling of the raw series, z-normalised here."""
    train, test = read_dataset(three.raw / "Bumps")
    for number in (1, 2):
        expected = stratified_resample_data(train.X, train.labels, test.X, test.labels, number)
        for place, X, y in zip((three.train_split, three.test_split), *[iter(expected)] * 2, strict=True):
            split = Split.load(place("Bumps", number))
            scaled = (X - X.mean(axis=-1, keepdims=True)) / X.std(axis=-1, keepdims=True)
            np.testing.assert_allclose(split.X, scaled, atol=1e-6)
            assert [split.classes[k] for k in split.y] == y.tolist()
    assert three.preprocessing("Bumps", 2).is_file()
    assert [path.name for path in three.references.iterdir()] == ["Bumps.npz"]  # of what serves


def test_a_resample_does_not_depend_on_how_many_are_asked_for(finished, tmp_path):
    workspace = copy_of(finished[0], tmp_path / "clone")
    made = {}
    for n in (4, 2, 1):
        workspace.params.write_text(asked(n))
        run_stages(workspace, finished[1], "prepare")
        made[n] = files_of(workspace.train_splits, workspace.test_splits)
        assert len(made[n]) == 3 * n  # two splits and what was done to their series
    assert made[1].items() < made[2].items() < made[4].items()


@pytest.mark.slow
def test_tables_show_the_own_split_and_the_mean_over_all(three):
    """Means and standard deviations by Python's own statistics module, from the rows of the table."""
    with three.results_table.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 3
    assert {row["resample"] for row in rows} == {"0", "1", "2"}
    chosen = [row for row in rows if row["chosen"] == "True"]
    assert len(chosen) == 3 * 2

    once = read_json(three.test_metrics)
    of = {}
    for row in chosen:
        of.setdefault((row["model"], row["phase"]), {})[row["resample"]] = float(row["accuracy"])
    for (model, phase), values in of.items():
        assert once["measured_once"]["Bumps"][model][phase]["accuracy"] == pytest.approx(values["0"])
        over = once["measured_once_over_resamples"]["Bumps"][model][phase]
        assert over["resamples"] == 3
        assert over["mean"]["accuracy"] == pytest.approx(statistics.mean(values.values()))
        assert over["sd"]["accuracy"] == pytest.approx(statistics.stdev(values.values()), abs=1e-8)

    evidence = read_json(three.metrics)
    best = [max(float(r["oof_accuracy"]) for r in chosen if r["resample"] == n) for n in "012"]
    assert evidence["oof_accuracy"]["Bumps"] == pytest.approx(best[0])
    assert evidence["over_resamples"]["oof_accuracy"]["Bumps"] == pytest.approx(statistics.mean(best))
    assert evidence["over_resamples"]["oof_accuracy_sd"]["Bumps"] == pytest.approx(
        statistics.stdev(best), abs=1e-8
    )
    assert evidence["over_resamples"]["resamples"] == {"Bumps": 3}

    summary = pd.read_csv(three.comparison / "summary.csv").set_index(["model", "phase"])
    beside = pd.read_csv(three.comparison / "beside_paper.csv").set_index(["model", "phase"])
    for method, values in of.items():
        mean = statistics.mean(values.values())
        assert summary.at[method, "mean_accuracy"] == pytest.approx(mean)
        assert beside.at[method, "ours"] == pytest.approx(values["0"])
        assert beside.at[method, "ours_mean"] == pytest.approx(mean)
        assert beside.at[method, "ours_sd"] == pytest.approx(statistics.stdev(values.values()))
    notes = read_json(three.comparison / "comparison.json")["notes"]
    assert any("the mean over its 3 resamples" in note for note in notes)


@pytest.mark.slow
def test_the_summary_and_the_report_show_them(three):
    """The best run of each classifier on each resample, by its evidence there alone."""
    rows = read_results(three.results_table)
    found = summarise(three, config.load(three.params), {})
    by = ["oof_accuracy", "oof_log_loss", "iteration"]
    best = rows.sort_values(by, ascending=[False, True, True]).drop_duplicates("resample")
    own = best[best["resample"] == 0].iloc[0]
    for table, name in ((found.over, "oof_accuracy"), (found.over_once, "accuracy")):
        values = best[name].tolist()
        expected = statistics.mean(values), statistics.stdev(values), own[name]
        assert table[1:] == [("Bumps", "lstm_fcn", "3", *(f"{value:.4f}" for value in expected))]
    assert len(found.evidence) == 1 + 1  # of the own split, as without resamples
    page = three.report.read_text(encoding="utf-8")
    assert "Over 3 resamples: mean ± standard deviation" in page
    assert "of each the mean over its resamples" in page


@pytest.mark.slow
def test_mlflow_knows_which_resample(three, capsys):
    """A row a resample and classifier, and a tag; the view that says which is better shows the own split."""
    client = connect(three)
    experiment = client.get_experiment_by_name("lstmfcn").experiment_id

    def named(those):
        return {run.info.run_name for run in client.search_runs([experiment], those)}

    rows = named("tags.`lstmfcn.kind` = 'resampled' AND tags.resample = '2'")
    assert {name.partition(" ·")[0] for name in rows} == {"Bumps resample 2 lstm_fcn"}
    assert len(named("tags.`lstmfcn.kind` = 'classifier'")) == 2
    trained = client.search_runs([experiment], "tags.resample = '2' AND tags.phase = 'phase1'")
    runs = {run.key: run for _, run in find_runs(three.phase1) if run.identity.resample == 2}
    assert {run.data.tags["lstmfcn.key"] for run in trained} == set(runs)
    for run in trained:
        assert "test_accuracy" in run.data.metrics
        (given,) = run.inputs.dataset_inputs
        assert json.loads(given.dataset.source)["path"] == "data/prepared/train/Bumps/resample-2.npz"
    assert sync(three, print) == 0


@pytest.mark.slow
def test_the_fields_loaders_read_the_results(three, tmp_path):
    """aeon's table of results; the files by hand, and by tsml-eval where that is installed."""
    params = config.load(three.params)
    care.results(tmp_path, three.root)
    rows = read_results(three.results_table)
    written = {str(path.relative_to(tmp_path)) for path in write_results_files(three, params, tmp_path)}
    assert written == set(files_of_results(tmp_path))
    assert len(written) == 3 + 3

    # Known to aeon by this name alone, which is FCN's: its loader takes no others.
    for measure in ("accuracy", "logloss"):
        table = tmp_path / "classification" / measure / f"LSTM-FCN_{measure}.csv"
        table.rename(table.with_name(f"FCN_{measure}.csv"))
    loaded = get_estimator_results("FCN", num_resamples=None, path=str(tmp_path))["FCN"]["Bumps"]
    for number in range(3):
        path = tmp_path / f"LSTM-FCN/Predictions/Bumps/testResample{number}.csv"
        first, second, third, *lines = path.read_text().splitlines()
        assert first.startswith(f"Bumps,LSTM-FCN,TEST,{number},MILLISECONDS,Generated by lstmfcn")
        assert first.endswith("Encoder dictionary: {'a': 0, 'b': 1, 'c': 2}")
        assert json.loads(second)["folds"] == 2
        accuracy, fit, *_, n_classes, estimate, _, both = third.split(",")
        assert (n_classes, estimate) == ("3", "2F-CV")
        assert int(fit) == int(both) > 0
        cells = [line.split(",") for line in lines]
        right = [cell[0] == cell[1] for cell in cells]
        assert float(accuracy) == statistics.fmean(right) == pytest.approx(loaded[number])
        one = rows[rows["resample"] == number]
        best = one.sort_values(["oof_accuracy", "oof_log_loss"], ascending=[False, True]).iloc[0]
        assert float(accuracy) == pytest.approx(best["accuracy"])
        split = Split.load(three.test_split("Bumps", number))
        assert [int(cell[0]) for cell in cells] == split.y.tolist()
        p = np.array([cell[3:] for cell in cells], np.float64)
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
        assert p.argmax(axis=1).tolist() == [int(cell[1]) for cell in cells]


def files_of_results(folder):
    return [str(path.relative_to(folder)) for path in folder.rglob("*.csv")]


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("tsml_eval"), reason="tsml-eval is not installed")
def test_tsml_eval_reads_the_results(three, tmp_path):
    from tsml_eval.evaluation.storage import load_classifier_results
    from tsml_eval.utils.results_validation import validate_results_file

    write_results_files(three, config.load(three.params), tmp_path)
    rows = read_results(three.results_table)
    for path in sorted(tmp_path.glob("*/Predictions/*/*.csv")):
        assert validate_results_file(path)
        found = load_classifier_results(path)  # which compares the accuracy with its own
        assert (found.split, found.n_classes, found.n_cases) == ("TEST", 3, 15)
        mine = rows[rows["resample"] == found.resample_id]
        row = mine.iloc[(mine["log_loss"] - found.log_loss).abs().argmin()]
        assert row["log_loss"] == pytest.approx(found.log_loss, rel=1e-4)
        assert row["balanced_accuracy"] == pytest.approx(found.balanced_accuracy)


def test_a_dataset_of_groups_has_its_own_split_alone_and_the_others_go_on(tmp_path):
    bumps(tmp_path / "ucr", "Walks")
    bumps(tmp_path / "ucr", "Bumps")
    for split, n in (("TRAIN", 24), ("TEST", 15)):
        lines = "".join(f"{i},{split}{i % 3}\n" for i in range(n))
        (tmp_path / f"ucr/Walks/Walks_{split}.origin.csv").write_text("series,group\n" + lines)
    workspace = make_workspace(tmp_path / "clone", asked(3).replace("[Bumps]", "[Walks, Bumps]"))
    run_stages(workspace, tmp_path / "ucr", "fetch", "validate", "prepare")
    verdicts = {verdict["dataset"]: verdict for verdict in read_json(workspace.verdicts)}
    found = verdicts["Walks"]["findings"][-1]
    assert (verdicts["Walks"]["outcome"], found["finding"]) == ("warned", "not_resampled")
    assert "Walks has its own split alone: its series belong to groups" in found["message"]
    assert not [f for f in verdicts["Bumps"]["findings"] if f["finding"] == "not_resampled"]
    params = config.load(workspace.params)
    grid = grid_of(params, prepared(workspace, params))
    subjects = [one.subject for _, one in grid.trainings() if one.classifier == "lstm_fcn"]
    every = ("Walks", "Bumps", "Bumps resample 1", "Bumps resample 2")
    assert subjects == [f"{name} lstm_fcn" for name in every]


def test_the_papers_protocol_selects_on_each_resamples_own_test_split(finished, tmp_path):
    workspace = copy_of(finished[0], tmp_path / "clone")
    workspace.params.write_text(asked(2) + "protocol: paper\npaper:\n  train: {criterion: test_accuracy}\n")
    run_stages(workspace, finished[1], "prepare")
    given = given_splits(workspace, config.load(workspace.params))
    assert list(given) == [("Bumps", 0), ("Bumps", 1)]
    for place, splits in given.items():
        job = with_splits(dict, splits.splits, key="k")
        assert job["key"] == "k"
        assert job["train"].hash == Split.load(workspace.train_split(*place)).hash
        assert job["selection"].hash == Split.load(workspace.test_split(*place)).hash
    workspace.params.write_text(asked(2))
    run_stages(workspace, finished[1], "prepare")
    assert [path.name for path in workspace.selection_splits.iterdir()] == ["README"]
