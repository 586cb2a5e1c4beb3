"""What people meet in MLflow: rows of classifiers, the note, marks, cards."""

import dataclasses
import json

import mlflow
import pytest
from scipy.stats import binom

from conftest import copy_of, make_workspace
from lstmfcn.evaluation.metrics import metric_named
from lstmfcn.runs.predictions import Predictions
from lstmfcn.runs.ranking import rank
from lstmfcn.runs.run import RUN_FILE, find_runs
from lstmfcn.tracking.cockpit import cards
from lstmfcn.tracking.cockpit.furnishing import experiment_of, furnish
from lstmfcn.tracking.cockpit.note import LONGEST, NOTE_TAG, TITLE, note
from lstmfcn.tracking.cockpit.views import ALIAS_TAG
from lstmfcn.tracking.compared import standings
from lstmfcn.tracking.registry.versions import model_name
from lstmfcn.tracking.store import connect


@pytest.fixture
def store(finished):
    """Return the study, MLflow's client and the experiment."""
    workspace, _ = finished
    client = connect(workspace)
    return workspace, client, client.get_experiment_by_name("lstmfcn")


def rows(client, experiment, those):
    return client.search_runs([experiment.experiment_id], those)


def test_a_classifiers_row_shows_the_step_that_is_chosen(store):
    """Against the ranking of all its trainings, and the run that measured the chosen one."""
    workspace, client, experiment = store
    for row in rows(client, experiment, "tags.`lstmfcn.kind` = 'classifier'"):
        name = row.data.tags["model"]
        trained = [
            run
            for _, run in find_runs(workspace.phase1, workspace.finetuned)
            if run.identity.classifier == name
        ]
        best = rank(trained, metric_named("accuracy"))[0]
        (measured,) = [run for _, run in find_runs(workspace.predictions) if run.upstream == best.key]
        for metric in ("oof_accuracy", "oof_accuracy_low", "test_accuracy", "oof_macro_f1", "majority_rate"):
            assert row.data.metrics[metric] == pytest.approx(measured.metrics[metric], rel=1e-5)
        chosen = client.get_run(row.data.tags["lstmfcn.chosen"])
        assert chosen.data.tags["lstmfcn.key"] == best.key
        assert chosen.data.metrics["test_accuracy"] == measured.metrics["test_accuracy"]
        steps = client.get_metric_history(row.info.run_id, "iterations/oof_accuracy")
        assert [m.value for m in steps] == [
            run.metrics["oof_accuracy"] for run in sorted(trained, key=lambda r: r.identity.number)
        ]
        assert row.info.status == "FINISHED"


def test_how_a_classifier_compares_is_computed_from_its_predictions(finished):
    """Against SciPy's binomial distribution, and a difference by hand."""
    workspace, _ = finished
    found = standings(workspace, "Bumps", 0, metric_named("accuracy"))
    assert [standing.metrics["rank"] for standing in found.values()] == [1, 2]
    best, other = found.values()
    for standing in (best, other):
        folder = standing.chosen.identity.folder(workspace)
        oof = Predictions.from_csv((folder / "oof.csv").read_bytes())
        n_right = int((oof.predicted_y == oof.y).sum())
        assert standing.metrics["majority_p"] == pytest.approx(binom.sf(n_right - 1, len(oof.y), 1 / 3))
        accuracies = [run.metrics["oof_accuracy"] for run in standing.steps]
        assert standing.metrics["finetuning_gain"] == pytest.approx(max(accuracies[1:]) - accuracies[0])
    assert best.metrics["behind_best"] == 0
    behind = best.metrics["oof_accuracy"] - other.metrics["oof_accuracy"]
    assert other.metrics["behind_best"] == pytest.approx(behind)
    assert 0 < other.metrics["behind_best_p"] <= 1


def test_what_an_older_recipe_has_left_does_not_stand(finished, tmp_path):
    """An iteration that was built on another phase 1, and what follows from it, are none of this study's."""
    workspace = copy_of(finished[0], tmp_path / "copy")
    folder, first = next(find_runs(workspace.finetuned))
    changed = dataclasses.replace(first, upstream="0" * 64)
    (folder / RUN_FILE).write_bytes(changed.file())
    found = standings(workspace, "Bumps", 0, metric_named("accuracy"))
    kept = found[first.identity.classifier].steps
    assert [run.identity.number for run in kept] == [0]
    assert len(next(one for name, one in found.items() if name != first.identity.classifier).steps) == 3


def test_the_note_says_which_is_best_and_a_persons_note_stays(store):
    workspace, client, experiment = store
    text = experiment.tags[NOTE_TAG]
    assert text.startswith(TITLE)
    (line,) = [line for line in text.splitlines() if line.startswith("| Bumps |")]
    assert "[version 1](#/models/lstmfcn.Bumps/versions/1" in line
    assert "their parameters" in line
    client.set_experiment_tag(experiment.experiment_id, NOTE_TAG, "Ours: ask Ann.")
    try:
        furnish(workspace)
        assert client.get_experiment_by_name("lstmfcn").tags[NOTE_TAG] == "Ours: ask Ann."
    finally:
        client.set_experiment_tag(experiment.experiment_id, NOTE_TAG, text)


def test_a_note_of_many_datasets_keeps_to_what_mlflow_takes(store):
    _, client, experiment = store
    row, *_ = rows(client, experiment, "tags.`lstmfcn.kind` = 'classifier'")
    many = []
    for i in range(100):
        tags = [mlflow.entities.RunTag(k, v) for k, v in (row.data.tags | {"dataset": f"Set{i:03}"}).items()]
        metrics = [mlflow.entities.Metric(k, v, 0, 0) for k, v in row.data.metrics.items()]
        many.append(mlflow.entities.Run(row.info, mlflow.entities.RunData(metrics, [], tags)))
    text = note(many, {}, views=(), experiment="1", metric=metric_named("accuracy"), significance=0.05)
    assert len(text) < LONGEST
    assert "more: see the view" in text


def test_marks_follow_the_aliases(store):
    workspace, client, experiment = store
    (champion,) = rows(client, experiment, f"tags.`{ALIAS_TAG}` LIKE '%champion%'")
    stray = rows(client, experiment, "tags.phase = 'search'")[0].info.run_id
    client.set_tag(stray, ALIAS_TAG, "champion")
    furnish(workspace)
    (marked,) = rows(client, experiment, f"tags.`{ALIAS_TAG}` LIKE '%champion%'")
    assert marked.info.run_id == champion.info.run_id
    assert marked.info.run_id == client.get_model_version_by_alias(model_name("Bumps"), "champion").run_id


def test_a_version_has_a_card_unless_a_person_described_it(store):
    workspace, client, _ = store
    version = client.get_model_version_by_alias(model_name("Bumps"), "champion")
    text, run = version.description, client.get_run(version.run_id)
    assert text.startswith(cards.TITLE)
    accuracy = metric_named("accuracy")
    for split in ("oof", "test"):
        value, low, high = (run.data.metrics[f"{split}_accuracy{end}"] for end in ("", "_low", "_high"))
        assert f"{accuracy.text(value)} ({accuracy.text(low)} to {accuracy.text(high)})" in text
    given = run.inputs.dataset_inputs[0].dataset
    assert json.loads(given.source)["md5"] in text
    for part in ("a (8), b (8), c (8)", "mlflow.pyfunc.load_model", "1 channel(s) of 20 values"):
        assert part in text
    client.update_model_version(version.name, version.version, "Ann's.")
    try:
        furnish(workspace)
        assert client.get_model_version(version.name, version.version).description == "Ann's."
    finally:
        client.update_model_version(version.name, version.version, text)


def test_a_version_is_a_logged_model_with_metrics_on_each_split(store):
    """Against the metrics and datasets of the runs that measured it."""
    workspace, client, experiment = store
    furnish(workspace)  # makes no second one
    (model,) = client.search_logged_models([experiment.experiment_id])
    version = client.get_model_version_by_alias(model_name("Bumps"), "champion")
    run = client.get_run(version.run_id)
    assert model.source_run_id == version.run_id
    assert model.status.name == "READY"
    assert json.loads(model.tags["mlflow.modelVersions"]) == [{"name": "lstmfcn.Bumps", "version": "1"}]
    measured = {metric.key: (metric.value, metric.dataset_name) for metric in model.metrics}
    assert measured["oof_accuracy"] == (run.data.metrics["oof_accuracy"], "Bumps (train split)")
    assert measured["test_macro_f1"] == (run.data.metrics["test_macro_f1"], "Bumps (test split)")
    assert [given.model_id for given in run.outputs.model_outputs] == [model.model_id]


def test_what_is_looked_at_stays_as_it_was(store):
    """No file comes to a package, which would be refused then."""
    workspace, client, _ = store
    before = set(workspace.mlruns.rglob("*"))
    version = client.get_model_version_by_alias(model_name("Bumps"), "champion")
    client.update_model_version(version.name, version.version, "")
    furnish(workspace)
    assert client.get_model_version(version.name, version.version).description == version.description
    assert set(workspace.mlruns.rglob("*")) == before


def test_a_study_without_a_store_has_nothing_to_open(tmp_path):
    assert experiment_of(make_workspace(tmp_path / "study")) is None
