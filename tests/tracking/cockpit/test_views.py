"""The saved views: tags that MLflow's user interface reads, and links that open them."""

import json

import pytest

from lstmfcn.evaluation.metrics import metric_named
from lstmfcn.tracking.cockpit.note import LONGEST
from lstmfcn.tracking.cockpit.views import TAG, views
from lstmfcn.tracking.store import connect

EVERY = views(metric_named("accuracy"))


def test_a_view_is_kept_as_the_user_interface_keeps_it():
    """Against a view that was saved by hand in MLflow 3.17.2: its envelope, and the names of columns."""
    name, value = EVERY[0].tag(123)
    assert name == "mlflow.sharedViewState.which-is-better"
    kept = json.loads(value)
    assert (kept["name"], kept["createdAt"], kept["updatedAt"]) == ("Which is better", 123, 123)
    state = json.loads(kept["state"])
    assert state["selectedColumns"][:2] == ["metrics.`rank`", "metrics.`oof_accuracy`"]
    assert state["columnOrder"][0] == "attributes.`Run Name`"
    assert all(len(view.tag(10**12)[1]) < LONGEST for view in EVERY)


def test_a_link_opens_its_view_on_model_training():
    assert EVERY[0].link("http://here:5000/", "7") == (
        "http://here:5000/#/experiments/7/runs?workflowType=machine_learning&viewStateShareKey=which-is-better"
    )
    curves = next(view for view in EVERY if view.charts)
    assert curves.link("", "7").endswith("&compareRunsMode=CHART")


def test_columns_follow_the_metric_that_chooses():
    columns = views(metric_named("macro_f1"))[0].columns
    assert columns[1:5] == [
        f"metrics.oof_{name}" for name in ("macro_f1", "macro_f1_low", "macro_f1_high", "accuracy")
    ]


@pytest.mark.parametrize(
    ("key", "n"),
    [("which-is-better", 2), ("champions", 1), ("search", 4), ("fine-tuning", 6), ("learning-curves", 6)],
)
def test_each_view_finds_its_runs(finished, key, n):
    """Counts by hand: two classifiers, a trial for each of two widths, phase 1 and two iterations of each."""
    workspace, _ = finished
    client = connect(workspace)
    experiment = client.get_experiment_by_name("lstmfcn")
    state = json.loads(json.loads(experiment.tags[TAG + key])["state"])
    order = f"{state['orderByKey']} {'ASC' if state['orderByAsc'] else 'DESC'}"
    found = client.search_runs([experiment.experiment_id], state["searchFilter"], order_by=[order])
    assert len(found) == n
