"""Fits of the estimators in a study's store: logged as the pipeline's runs, and never in their way."""

import numpy as np
import pytest
from mlflow import MlflowClient

import lstmfcn
from candidates import offer, trained
from conftest import make_workspace
from lstmfcn.data.series import Split
from lstmfcn.errors import DataError, TrackingError
from lstmfcn.tracking import store
from lstmfcn.tracking.registry.versions import registered
from lstmfcn.tracking.sync import sync


@pytest.fixture(scope="module")
def fitted():
    """Return an estimator fitted on series with three labels, and what it was fitted on."""
    y = np.array([3, 10, 2] * 6)
    X = np.random.default_rng(0).normal(size=(18, 1, 20)) + y[:, None, None] * np.linspace(0, 1, 20)
    return lstmfcn.FCNClassifier(epochs=2, batch_size=8, random_state=5).fit(X, y), X, y


@pytest.fixture
def study(tmp_path):
    return make_workspace(tmp_path / "study")


def logged(workspace):
    client = store.connect(workspace)
    experiment = client.get_experiment_by_name("lstmfcn").experiment_id
    runs = client.search_runs([experiment])
    return [run for run in runs if "mlflow.parentRunId" in run.data.tags], client


def test_a_tracked_fit_is_a_run_with_all_that_the_pipelines_have(study, fitted):
    _, X, y = fitted
    options = {"epochs": 2, "batch_size": 8, "fine_tuning_iterations": 1, "validation_share": 0.3}
    estimator = lstmfcn.FCNClassifier(**options, patience=1, class_weight={3: 2}, random_state=7)
    with lstmfcn.track(study.root, dataset="Pumps"):
        estimator.fit(X, y)
        with pytest.raises(ValueError, match="epochs"):
            lstmfcn.FCNClassifier(epochs=0).fit(X, y)
        estimator.fit(X, y)  # equal: logged once
    lstmfcn.FCNClassifier(epochs=1).fit(X, y)  # nobody is told any more
    (run,), client = logged(study)
    tags = run.data.tags
    assert (tags["protocol"], tags["dataset"], tags["model"], tags["seed"]) == (
        "estimator",
        "Pumps",
        "fcn",
        "7",
    )
    params = run.data.params
    assert (params["epochs"], params["validation_patience"], params["class_weight"]) == ("2", "1", "{3: 2}")
    for name, column in (("train_loss", "loss_curve_"), ("validation_loss", "validation_loss_curve_")):
        points = client.get_metric_history(run.info.run_id, name)
        expected = dict(enumerate(getattr(estimator, column), start=1))
        assert {p.step: p.value for p in points} == pytest.approx(expected, rel=1e-6)
    assert {f.path for f in client.list_artifacts(run.info.run_id)} == {"weights.npz", "history.csv"}
    assert float(tags["lstmfcn.seconds"]) > 0


def test_what_the_store_does_not_take_is_logged_later(study, fitted, monkeypatch, capsys):
    estimator, X, y = fitted
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with lstmfcn.track(study.root, dataset="Pumps"):
        again = lstmfcn.FCNClassifier(**estimator.get_params()).fit(X, y)
    np.testing.assert_array_equal(again.predict(X), estimator.predict(X))
    assert "`lstmfcn sync`" in capsys.readouterr().err
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert [sync(study, print), sync(study, print)] == [1, 0]
    assert len(logged(study)[0]) == 1


def test_a_registered_estimator_is_a_challenger_and_answers_as_it_does(study, fitted):
    estimator, X, _ = fitted
    assert lstmfcn.register(estimator, "Pumps", study.root) == 1
    assert lstmfcn.register(estimator, "Pumps", study.root) == 1  # it is there
    (version,) = registered(study)["Pumps"]
    assert version.aliases == ("challenger",)
    assert np.isnan([version.evidence["oof_accuracy"], version.evidence["oof_log_loss"]]).all()
    loaded = lstmfcn.load_champion("Pumps", alias="challenger", workspace=study.root)
    np.testing.assert_allclose(loaded.predict_proba(X), estimator.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(loaded.predict(X), estimator.predict(X))
    assert loaded.classes_.tolist() == [2, 3, 10]


def test_an_estimator_with_policies_is_logged_and_registered_with_them(study, fitted):
    """The registered model takes the same series and answers as it does; its example is one that it takes."""
    _, X, y = fitted
    gappy = np.where(np.arange(20) % 9 == 4, np.nan, X)
    series = [one[:, : 20 - i % 4] for i, one in enumerate(gappy)]
    for policies in ({"lengths": "pad", "missing": "mask", "length": 22}, {"lengths": "resample"}):
        given = series if "missing" in policies else [np.nan_to_num(one) for one in series]
        with lstmfcn.track(study.root, dataset="Pumps"):
            estimator = lstmfcn.FCNClassifier(epochs=2, **policies).fit(given, y)
        lstmfcn.register(estimator, "Pumps", study.root)
        loaded = lstmfcn.load_champion("Pumps", alias="challenger", workspace=study.root)
        np.testing.assert_allclose(loaded.predict_proba(given), estimator.predict_proba(given), atol=1e-6)
        assert np.isfinite(loaded.predict_proba(loaded.example[None])).all()
        run = next(run for run in logged(study)[0] if run.data.params.get("lengths") == policies["lengths"])
        kept = {name: run.data.params.get(name) for name in ("missing", "length")}
        assert kept == {name: str(policies[name]) if name in policies else None for name in kept}


def test_a_champion_stays_whatever_evidence_an_estimator_has(unregistered):
    """Perfect evidence on the same series: neither registering it nor the next promotion makes it serve."""
    workspace = unregistered
    assert offer(workspace, trained(workspace, 10)).outcome == "first"
    train = Split.load(workspace.train_splits / "Bumps.npz")
    estimator = lstmfcn.FCNClassifier(epochs=1, normalise="none")
    estimator.fit(train.X, np.array(train.classes)[train.y])
    number = lstmfcn.register(estimator, "Bumps", workspace.root, oof_accuracy=1.0, oof_log_loss=0.0)
    by_number = {v.version: v for v in registered(workspace)["Bumps"]}
    assert by_number[number].data == by_number[1].data
    assert by_number[number].evidence["oof_accuracy"] == 1.0
    assert (by_number[1].aliases, by_number[number].aliases) == (("champion",), ("challenger",))
    assert offer(workspace, trained(workspace, 24)).outcome == "promoted"
    serving = MlflowClient().get_model_version_by_alias("lstmfcn.Bumps", "champion")
    assert int(serving.version) not in (1, number)


def test_what_cannot_be_tracked_or_registered_is_refused(study, fitted, tmp_path):
    estimator, X, _ = fitted
    with pytest.raises(TrackingError, match="holds no study"), lstmfcn.track(tmp_path, dataset="Pumps"):
        pass
    for name in ("../x", "a b", ""):
        with pytest.raises(DataError, match="no name"), lstmfcn.track(study.root, dataset=name):
            pass
        with pytest.raises(DataError, match="no name"):
            lstmfcn.register(estimator, name, study.root)
    with pytest.raises(ValueError, match="not fitted"):
        lstmfcn.register(lstmfcn.FCNClassifier(), "Pumps", study.root)
    with pytest.raises(TrackingError, match="holds no study"):
        lstmfcn.register(estimator, "Pumps", tmp_path)
    twice = lstmfcn.FCNClassifier(epochs=1).fit(X, np.array(["1", "1.0", "2"] * 6))
    with pytest.raises(DataError, match="the same when they are written"):
        lstmfcn.register(twice, "Pumps", study.root)
    assert not study.fits.exists()
