"""All stages on a small problem, and what must hold between them."""

import csv
import json
import shutil
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, recall_score

from conftest import MINIATURE, bumps, copy_of, files_of, make_workspace, run_stages
from lstmfcn import config
from lstmfcn.data.collection import read_dataset
from lstmfcn.data.readers import write_series
from lstmfcn.data.series import LabelledSeries, Split
from lstmfcn.errors import DataError, ParamsError
from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.files import read_json, write_json
from lstmfcn.pipeline import jobs as queue
from lstmfcn.pipeline.jobs import JobsFailedError
from lstmfcn.pipeline.stages import fetch, validate
from lstmfcn.pipeline.stages import run_stages as run_in
from lstmfcn.pipeline.table import STAGES
from lstmfcn.runs.run import Run, find_runs
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.registry.versions import registered

CHOOSING = ("search", "models", "promotions.json")


def results_of(workspace):
    with (workspace.results / "results.csv").open() as file:
        return list(csv.DictReader(file))


def folder_of(row):
    return "phase1" if row["iteration"] == "0" else f"iteration-{row['iteration']}"


def test_the_tables_say_what_scikit_learn_says_of_the_predictions(finished):
    workspace, _ = finished
    rows = results_of(workspace)
    assert {(r["model"], r["phase"]) for r in rows} == {
        (model, phase) for model in ("lstm_fcn", "alstm_fcn") for phase in ("phase1", "finetuned")
    }
    for row in rows:
        place = f"{row['dataset']}/{row['model']}/seed-{row['seed']}/{folder_of(row)}"
        table = pd.read_csv(workspace.results / "predictions" / place / "predictions.csv")
        assert float(row["accuracy"]) == pytest.approx(accuracy_score(table["label"], table["predicted"]))
        probabilities = table[["p:a", "p:b", "p:c"]].to_numpy()
        expected = log_loss(table["label"], probabilities / probabilities.sum(axis=1, keepdims=True))
        assert float(row["log_loss"]) == pytest.approx(expected, rel=1e-4)
        assert float(row["pce"]) == pytest.approx((1 - float(row["accuracy"])) / 3)
        sensitive = recall_score(table["label"], table["predicted"], labels=["a", "b", "c"], average=None)
        assert list(json.loads(row["sensitivity"]).values()) == pytest.approx(sensitive.tolist())
        assert float(row["balanced_accuracy"]) == pytest.approx(sensitive.mean())
        assert float(row["accuracy_low"]) <= float(row["accuracy"]) <= float(row["accuracy_high"])
        assert float(row["majority_rate"]) == pytest.approx(1 / 3)
        after = probabilities ** (1 / float(row["temperature"]))
        after /= after.sum(axis=1, keepdims=True)
        assert float(row["calibrated_log_loss"]) == pytest.approx(log_loss(table["label"], after), rel=1e-4)
        assert json.loads(row["oof_sensitivity"]).keys() == {"a", "b", "c"}
    evidence = read_json(workspace.metrics)
    best = read_json(workspace.promotions)["Bumps"]["best"]["oof_accuracy"]
    assert evidence["oof_accuracy"] == {"Bumps": best}
    assert evidence["mean_oof"].keys() == {"best", "lstm_fcn", "alstm_fcn"}
    metrics = read_json(workspace.test_metrics)["measured_once"]
    assert metrics["Bumps"]["lstm_fcn"].keys() == {"phase1", "finetuned"}
    assert metrics["Bumps"]["majority_rate"] == pytest.approx(1 / 3)
    for method in (m[phase] for m in (metrics["Bumps"]["lstm_fcn"],) for phase in m):
        assert list(method) == sorted(METRICS)  # compact: no intervals


def test_the_chosen_iteration_has_the_best_evidence_not_the_best_test_accuracy(finished):
    rows = pd.read_csv(finished[0].results / "results.csv")
    assert len(rows) == 2 * 3
    for _, group in rows.groupby("model"):
        assert group[group["iteration"] == 0]["chosen"].all()
        tuned = group[group["iteration"] > 0].sort_values(
            ["oof_accuracy", "oof_log_loss"], ascending=[False, True]
        )
        assert tuned["chosen"].tolist() == [True, False]


def test_the_champion_has_the_best_evidence_of_all_runs(finished):
    workspace, _ = finished
    champion = json.loads(workspace.promotions.read_text())["Bumps"]["best"]
    runs = [json.loads(p.read_text()) for p in (workspace.root / "models").rglob("run.json")]
    assert len(runs) == 2 * 3
    best = max(r["metrics"]["oof_accuracy"] for r in runs)
    tied = [r for r in runs if r["metrics"]["oof_accuracy"] == best]
    assert champion["oof_accuracy"] == best
    assert champion["oof_log_loss"] == min(r["metrics"]["oof_log_loss"] for r in tied)
    assert champion["key"] in {row["key"] for row in results_of(workspace)}


def test_the_registered_champion_predicts_what_was_evaluated(finished):
    """From raw series, one at a time: it normalises them itself, and no batch mate matters."""
    workspace, _ = finished
    champion = json.loads(workspace.promotions.read_text())["Bumps"]["best"]
    (row,) = (r for r in results_of(workspace) if r["key"] == champion["key"])
    place = f"Bumps/{row['model']}/seed-0/{folder_of(row)}/predictions.csv"
    expected = pd.read_csv(workspace.results / "predictions" / place)
    loaded = load_champion("Bumps", workspace=workspace.root)
    _, test = read_dataset(workspace.raw / "Bumps")
    assert loaded.classes == ("a", "b", "c")
    single = np.concatenate([loaded.predict_proba(series[None]) for series in test.X])
    np.testing.assert_allclose(single, expected[["p:a", "p:b", "p:c"]], atol=1e-5)
    assert loaded.predict(test.X[:, 0]).tolist() == expected["predicted"].tolist()


@pytest.mark.slow
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
    monkeypatch.setattr(queue, "run_jobs", lambda function, jobs, watch: started.extend(jobs) or iter(()))
    for path in sorted(workspace.phase1.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    run_stages(workspace, ucr, "train")
    assert started == []
    assert files_of(workspace.phase1) == before


def test_another_recipe_runs_only_what_depends_on_it(finished, tmp_path, monkeypatch):
    workspace = copy_of(finished[0], tmp_path / "clone")
    begun = []
    monkeypatch.setattr(
        queue, "run_jobs", lambda function, jobs, watch: begun.append(len(list(jobs))) or iter(())
    )
    workspace.params.write_text(MINIATURE.replace("iterations: 2", "iterations: 3"))
    run_in(["search", "train"], workspace, config.load(workspace.params))
    assert begun == [0, 0]
    run_in(["finetune"], workspace, config.load(workspace.params))
    assert begun == [
        0,
        0,
        0,
        2,
        2,
    ]  # the third starts from folds that the second, then the last, did not keep


def test_the_weights_of_folds_are_kept_where_the_next_iteration_starts_from_them(finished, tmp_path):
    workspace = copy_of(finished[0], tmp_path / "study")

    def with_folds():
        return {path.parent.name for path in (workspace.root / "models").rglob("fold-*.npz")}

    def in_phase_1():
        return list(workspace.phase1.rglob("fold-*.npz"))

    assert with_folds() == {"seed-0", "iteration-1"}  # phase 1 and the first of two
    before = (workspace.phase1 / "Bumps/lstm_fcn/seed-0/oof.csv").read_bytes()
    workspace.params.write_text(MINIATURE.replace("iterations: 2", "iterations: 0"))
    run_stages(workspace, finished[1], "train", "finetune")
    assert not in_phase_1()
    assert (workspace.phase1 / "Bumps/lstm_fcn/seed-0/oof.csv").read_bytes() == before
    workspace.params.write_text(MINIATURE.replace("iterations: 2", "iterations: 1"))
    run_stages(workspace, finished[1], "train", "finetune")
    assert len(in_phase_1()) == 4
    assert not list(workspace.finetuned.rglob("iteration-1/fold-*.npz"))


def test_an_iteration_that_is_no_longer_asked_for_leaves_no_row(finished, tmp_path):
    """DVC empties a stage's folders first; a stage that is run by hand finds what was there."""
    workspace = copy_of(finished[0], tmp_path / "clone")
    workspace.params.write_text(MINIATURE.replace("iterations: 2", "iterations: 1"))
    run_stages(workspace, finished[1], "evaluate")
    rows = pd.read_csv(workspace.results / "results.csv")
    assert set(rows["iteration"]) == {0, 1}
    assert rows.groupby(["model", "phase"])["chosen"].sum().eq(1).all()


def test_a_dataset_that_fails_validation_later_on_is_not_trained_on(finished, tmp_path):
    workspace = copy_of(finished[0], tmp_path / "clone")
    verdicts = json.loads(workspace.verdicts.read_text())
    verdicts.append(verdicts[0] | {"dataset": "Sound"})
    verdicts[0]["outcome"] = "failed"
    workspace.verdicts.write_text(json.dumps(verdicts))
    shutil.copytree(workspace.raw / "Bumps", workspace.raw / "Sound")
    for split in ("TRAIN", "TEST"):
        (workspace.raw / f"Sound/Bumps_{split}.tsv").rename(workspace.raw / f"Sound/Sound_{split}.tsv")
    workspace.params.write_text(MINIATURE.replace("[Bumps]", "[Bumps, Sound]"))
    run_stages(workspace, finished[1], "prepare")
    assert [path.stem for path in workspace.train_splits.glob("*.npz")] == ["Sound"]
    assert [path.stem for path in workspace.test_splits.glob("*.npz")] == ["Sound"]


def fine_and_huge(root, models):
    """Return a clone of two datasets, one of values with which every training diverges; it is prepared."""
    bumps(root / "ucr", "Fine")
    bumps(root / "ucr", "Huge")
    text = MINIATURE.replace("[Bumps]", "[Huge, Fine]").replace("[lstm_fcn, alstm_fcn]", models)
    workspace = make_workspace(root / "clone", text)
    run_stages(workspace, root / "ucr", "fetch", "validate", "prepare")
    path = workspace.train_splits / "Huge.npz"
    split = Split.load(path)
    values = np.tile(
        np.array([1e38, -3e38], np.float32), split.X.size // 2
    )  # `prepare` lets none of them pass
    Split(values.reshape(split.X.shape), split.y, split.classes).save(path)
    return workspace


@pytest.mark.slow
def test_a_job_that_fails_leaves_the_others_finished(tmp_path):
    """The other dataset's weights are there, the error says who and when."""
    workspace = fine_and_huge(tmp_path, "[fcn]")
    run_stages(workspace, tmp_path / "ucr", "search")
    with pytest.raises(
        JobsFailedError, match=r"1 of 2 jobs of train failed(.|\n)*Huge fcn seed 0: .*epoch 1"
    ):
        run_stages(workspace, tmp_path / "ucr", "train")
    assert (workspace.phase1 / "Fine/fcn/seed-0/weights.npz").exists()
    assert not (workspace.phase1 / "Huge").exists()


def test_a_search_that_fails_leaves_the_others_finished(tmp_path):
    """Keras Tuner alone would swallow a trial's error, and end the whole stage by one of its own."""
    workspace = fine_and_huge(tmp_path, "[lstm_fcn]")
    with pytest.raises(JobsFailedError, match=r"1 of 2 jobs of search failed(.|\n)*Huge lstm_fcn: .*epoch 1"):
        run_stages(workspace, tmp_path / "ucr", "search")
    assert (workspace.search / "Fine/lstm_fcn/trials.json").exists()


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
    assert {p.name for p in workspace.train_splits.iterdir()} == {"Fine.npz", "Fine.preprocessing.json"}
    assert [p.stem for p in workspace.test_splits.iterdir()] == ["Fine"]


def test_a_dataset_that_cannot_be_had_stops_no_other(tmp_path):
    """From the first stage on; an old copy of it is not trained on."""
    bumps(tmp_path / "ucr", "Fine")
    bumps(tmp_path / "ucr", "Spoilt")
    workspace = make_workspace(tmp_path / "clone", MINIATURE.replace("[Bumps]", "[Spoilt, Fine, Nowhere]"))
    with pytest.raises(DataError, match="'Nowhere'"):
        run_stages(workspace, tmp_path / "ucr", "fetch")
    bumps(tmp_path / "ucr", "Spoilt", change=lambda s, x: [spoil(x[0], 5, "abc"), *x[1:]])
    params = config.load(workspace.params)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSTMFCN_UCR_DIR", str(tmp_path / "ucr"))
        fetch.run(workspace, params, keep_going=True)
        validate.run(workspace, params, keep_going=True)
    run_stages(workspace, tmp_path / "ucr", "prepare")
    verdicts = {v["dataset"]: v for v in json.loads(workspace.verdicts.read_text())}
    assert list(verdicts) == ["Spoilt", "Fine", "Nowhere"]
    assert {name for name, v in verdicts.items() if v["outcome"] == "failed"} == {"Spoilt", "Nowhere"}
    assert "row 1, column 6: 'abc'" in verdicts["Spoilt"]["findings"][0]["message"]
    assert [p.stem for p in workspace.test_splits.iterdir()] == ["Fine"]


def test_a_copy_whose_source_is_gone_is_warned_of(tmp_path):
    bumps(tmp_path / "ucr", "Fine")
    workspace = make_workspace(tmp_path / "clone", MINIATURE.replace("[Bumps]", "[Fine]"))
    run_stages(workspace, tmp_path / "ucr", "fetch", "validate")
    assert not workspace.fetch_notes.exists()
    shutil.rmtree(tmp_path / "ucr")
    run_stages(workspace, tmp_path / "ucr", "fetch", "validate")
    (verdict,) = json.loads(workspace.verdicts.read_text())
    assert verdict["outcome"] == "warned"
    assert [f["finding"] for f in verdict["findings"]] == ["source_gone"]
    assert "its source is gone" in verdict["findings"][0]["message"]


PAPER = """
protocol: paper
paper:
  train: {criterion: test_accuracy, schedule: plateau, recompute_statistics: false}
"""


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """A clone under the paper's protocol, its data noisy enough that no accuracy reaches 1."""
    root = tmp_path_factory.mktemp("paper")
    rng = np.random.default_rng(5)

    def muddle(split, lines):
        labels = rng.permutation([line[0] for line in lines])
        return [label + line[1:] for label, line in zip(labels, lines, strict=True)]

    bumps(root / "ucr", change=muddle)
    workspace = make_workspace(root / "clone", MINIATURE + PAPER)
    run_stages(workspace, root / "ucr", *STAGES)
    return workspace


@pytest.mark.slow
def test_the_papers_protocol_keeps_the_epoch_that_the_test_split_likes_best(papers):
    test = Split.load(papers.test_splits / "Bumps.npz")
    folders = list(papers.root.glob("models/*/Bumps/*/seed-0/**/run.json"))
    assert len(folders) == 2 * 3
    for path in folders:
        run = Run.load(path)
        history = pd.read_csv(path.parent / "history.csv")
        assert run.metrics["kept_epoch"] == history["selection_accuracy"].argmax() + 1
        assert run.metrics["selection_accuracy"] == pytest.approx(history["selection_accuracy"].max())
        assert run.metrics["oof_accuracy"] is None
    for row in results_of(papers):
        if row["chosen"] != "True":
            continue
        best = max(
            run.metrics["selection_accuracy"]
            for run in map(Run.load, folders)
            if (run.identity.classifier, run.identity.phase) == (row["model"], row["phase"])
        )
        assert float(row["accuracy"]) == pytest.approx(best)
    assert len(test.y) == 15


@pytest.mark.slow
def test_what_was_selected_on_the_test_split_is_fenced(papers):
    """Tagged in each run, named in the report, in no ranking, and never promoted."""
    runs = [Run.load(path) for name in CHOOSING[:2] for path in (papers.root / name).rglob("run.json")]
    assert {run.selected_on for run in runs} == {"test"}
    assert {row["selected_on"] for row in results_of(papers)} == {"test"}
    promotion = json.loads(papers.promotions.read_text())["Bumps"]
    assert promotion["best"] is None
    assert registered(papers) == {}
    for table in ("beside_paper", "summary"):
        assert set(pd.read_csv(papers.comparison / f"{table}.csv")["selected_on"]) == {"test"}
    assert "selected on the test split" in papers.report.read_text()


def test_the_honest_protocol_lays_out_nothing_to_select_on(finished):
    assert [path.name for path in finished[0].selection_splits.iterdir()] == ["README"]


def test_selecting_on_the_test_split_takes_the_papers_protocol(tmp_path):
    text = MINIATURE.replace("train: {", "train: {criterion: test_accuracy, ")
    workspace = make_workspace(tmp_path / "clone", text)
    with pytest.raises(ParamsError, match=r"train\.criterion test_accuracy .* protocol: paper"):
        config.load(workspace.params)


@pytest.mark.slow
def test_the_same_series_under_two_names_are_two_datasets(tmp_path):
    """Equal content has equal hashes, but a run belongs to the dataset whose name it bears."""
    for name in ("One", "Two"):
        bumps(tmp_path / "ucr", name)
    text = MINIATURE.replace("[Bumps]", "[One, Two]").replace("[lstm_fcn, alstm_fcn]", "[lstm_fcn]")
    workspace = make_workspace(tmp_path / "clone", text.replace("iterations: 2", "iterations: 1"))
    run_stages(workspace, tmp_path / "ucr", "fetch", "validate", "prepare", "search", "train", "finetune")
    for name in ("search", "models/phase1", "models/finetuned"):
        for dataset in ("One", "Two"):
            runs = [Run.load(path) for path in (workspace.root / name / dataset).rglob("run.json")]
            assert {run.identity.dataset for run in runs} == {dataset}


@pytest.mark.parametrize(("name", "swapped"), [("Strawberry", True), ("GunPoint", False), ("Own", False)])
def test_the_2015_edition_swaps_the_splits_it_swapped_and_no_others(tmp_path, name, swapped):
    text = f"datasets: [{name}]\nmodels: [fcn]\nreferences: []\nprepare: {{edition: 2015}}\n"
    workspace = make_workspace(tmp_path / "clone", text)
    for split, n in (("TRAIN", 3), ("TEST", 4)):
        labels = np.array(["1", "2", "1", "2"][:n])
        series = LabelledSeries(np.ones((n, 1, 3), np.float32), labels, np.arange(n), Path(split))
        write_series(workspace.raw / name, f"{name}_{split}", series)
    write_json(workspace.verdicts, [{"dataset": name, "outcome": "passed"}])
    run_stages(workspace, tmp_path, "prepare")
    assert len(Split.load(workspace.train_splits / f"{name}.npz").y) == (4 if swapped else 3)
    assert len(Split.load(workspace.test_splits / f"{name}.npz").y) == (3 if swapped else 4)


def test_a_run_reads_back_and_a_changed_one_is_refused(finished, tmp_path):
    workspace, _ = finished
    folder, run = next(find_runs(workspace.phase1))
    assert run.file() == (folder / "run.json").read_bytes()
    values = json.loads(run.file())
    (tmp_path / "run.json").write_text(json.dumps(values | {"job": "another"}))
    with pytest.raises(DataError, match="changed by hand"):
        Run.load(tmp_path / "run.json")
    (tmp_path / "run.json").write_text(json.dumps(values)[:-40])
    with pytest.raises(DataError, match="not the file of a run"):
        Run.load(tmp_path / "run.json")


def test_nothing_of_the_machine_is_in_the_files(finished):
    """Else two clones would differ."""
    workspace, ucr = finished
    content = b"".join(files_of(workspace.phase1, workspace.search, workspace.results).values())
    for word in (str(workspace.root).encode(), str(ucr).encode()):
        assert word not in content


@pytest.mark.parametrize("name", ["brier", "lowest_sensitivity"])
def test_another_metric_chooses_iteration_and_champion(finished, tmp_path, monkeypatch, name):
    """By the out-of-fold predictions alone: against scikit-learn's own figures of them."""
    for module in ("jobs.Tracker", "stages.promote.register", "stages.promote.furnish"):
        monkeypatch.setattr(f"lstmfcn.pipeline.{module}", Mock())  # nothing is to be logged
    workspace = copy_of(finished[0], tmp_path / "clone")
    workspace.params.write_text(MINIATURE + f"promote: {{metric: {name}}}\n")
    run_in(["evaluate", "promote"], workspace, config.load(workspace.params))

    def figure(folder):
        oof = pd.read_csv(folder / "oof.csv")
        p = oof[["p:a", "p:b", "p:c"]].to_numpy()
        if name == "brier":
            return brier_score_loss(oof["label"], p / p.sum(axis=1, keepdims=True)) / 2
        return -recall_score(oof["label"], oof["predicted"], average=None).min()

    found = {run.key: figure(folder) for folder, run in find_runs(workspace.phase1, workspace.finetuned)}
    made = json.loads(workspace.promotions.read_text())["Bumps"]
    assert made["metric"] == name
    assert found[made["best"]["key"]] == pytest.approx(min(found.values()))
    assert abs(made["best"][f"oof_{name}"]) == pytest.approx(abs(min(found.values())), rel=1e-5)
    assert METRICS[name].title in made["reason"]
    rows = pd.read_csv(workspace.results / "results.csv")
    for _, group in rows[rows["iteration"] > 0].groupby("model"):
        (chosen,) = group.loc[group["chosen"], "key"]
        assert found[chosen] == pytest.approx(min(found[key] for key in group["key"]))
