"""Promotion on out-of-fold evidence, whatever dies or happens meanwhile."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.series import Split
from lstmfcn.errors import LstmfcnError, TrackingError
from lstmfcn.evaluation.calibration import calibrated
from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.runs.run import find_runs
from lstmfcn.tracking import promotion
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.download import pull
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.package import fingerprint as fingerprints
from lstmfcn.tracking.promotion import Contents, beats, promote
from lstmfcn.tracking.registry import model_name, registered
from lstmfcn.tracking.store import connect

ACCURACY = METRICS["accuracy"]


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Return the packages that were made so far: to make one takes seconds, to promote it none."""
    return tmp_path_factory.mktemp("packages"), {}


@pytest.fixture
def workspace(finished, packages, tmp_path, monkeypatch):
    """Return the finished workspace with a store of its own that holds no model yet.

    Equal weights, labels and preprocessing are packed once, and copied from then on.
    """
    root, made = packages
    pack = promotion._pack

    def pack_once(package, run, folder, contents):
        what = (folder, *(str(value) for value in vars(contents).values()))
        if what not in made:
            made[what] = root / str(len(made))
            pack(made[what], run, folder, contents)
        shutil.copytree(made[what], package)

    monkeypatch.setattr(promotion, "_pack", pack_once)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/registry.db")
    monkeypatch.chdir(tmp_path)  # artifacts of a store without a place for them go to ./mlruns
    return finished[0]


def offer(workspace, run, folder, tolerance=0.0, metric=ACCURACY, **changes):
    train = Split.load(workspace.train_splits / "Bumps.npz")
    return promote(
        run,
        folder,
        Contents(
            **{
                "classes": train.classes,
                "counts": [8, 8, 8],
                "example": train.X[:2],
                "preprocessing": Preprocessing.load(workspace.preprocessing("Bumps")),
                **changes,
            }
        ),
        metric=metric,
        tolerance=tolerance,
        tracker=Tracker(workspace, print),
        workspace=workspace,
    )


def unnormalised(workspace):
    """Return another preprocessing than that of the training."""
    return dataclasses.replace(Preprocessing.load(workspace.preprocessing("Bumps")), normalise="none")


def variant(run, accuracy, loss, **changes):
    metrics = {**run.metrics, "oof_accuracy": accuracy, "oof_log_loss": loss}
    return dataclasses.replace(run, job=f"{accuracy} {loss} {changes}", key="", metrics=metrics, **changes)


def aliases(workspace):
    return {alias: v.version for v in registered(workspace)["Bumps"] for alias in v.aliases}


def test_promotion_from_the_first_to_the_next(workspace):
    folder, run = next(find_runs(workspace.phase1))
    first = variant(run, 0.8, 0.5)
    assert offer(workspace, first, folder).outcome == "first"
    assert offer(workspace, first, folder).outcome == "same"
    assert aliases(workspace) == {"champion": 1}
    worse = offer(workspace, variant(run, 0.7, 0.1), folder)
    assert (worse.outcome, worse.version, worse.champion) == ("challenger", 2, 1)
    assert aliases(workspace) == {"champion": 1, "challenger": 2}
    better = offer(workspace, variant(run, 0.9, 0.6), folder)
    assert (better.outcome, better.version, better.champion) == ("promoted", 3, 3)
    assert aliases(workspace) == {"champion": 3, "previous": 1, "challenger": 2}
    # judged on other data, its lower accuracy says nothing against it
    assert offer(workspace, variant(run, 0.5, 0.9, data="other"), folder).outcome == "new_data"
    assert aliases(workspace)["champion"] == 4
    assert aliases(workspace)["previous"] == 3


def stored(workspace, number):
    """Return the folder of a version's files in the store."""
    return Path(
        connect(workspace).get_model_version(model_name("Bumps"), str(number)).source.removeprefix("file://")
    )


def test_a_champion_whose_files_are_gone_is_registered_anew_and_serves(workspace):
    folder, run = next(find_runs(workspace.phase1))
    offer(workspace, variant(run, 0.7, 0.5), folder)
    best = variant(run, 0.8, 0.5)
    offer(workspace, best, folder)
    shutil.rmtree(stored(workspace, 2))
    with pytest.raises(LstmfcnError, match=r"Files of .* are missing.*registers the best run again"):
        load_champion("Bumps", workspace=workspace.root)
    done = offer(workspace, best, folder)
    assert (done.outcome, done.version, done.champion) == ("renewed", 3, 3)
    assert aliases(workspace) == {"champion": 3, "previous": 1}
    load_champion("Bumps", workspace=workspace.root)
    assert offer(workspace, best, folder).outcome == "same"
    assert len(registered(workspace)["Bumps"]) == 3


def test_a_champion_whose_files_were_changed_is_registered_anew(workspace):
    folder, run = next(find_runs(workspace.phase1))
    offer(workspace, run, folder)
    (stored(workspace, 1) / "more").touch()
    assert offer(workspace, run, folder).outcome == "renewed"
    load_champion("Bumps", workspace=workspace.root)


@pytest.mark.parametrize(
    "what", ["code", "preprocessing", "classes", "reference", "before fingerprints were taken"]
)
def test_a_champion_of_another_fingerprint_is_registered_anew_and_the_older_stays_whole(
    workspace, monkeypatch, tmp_path, what
):
    folder, run = next(find_runs(workspace.phase1))
    offer(workspace, run, folder)
    client, changes = connect(workspace), {}
    if what == "code":
        monkeypatch.setattr(fingerprints, "code_hash", lambda *modules: "of other code")
    elif what == "preprocessing":
        changes = {"preprocessing": unnormalised(workspace)}
    elif what == "classes":
        changes = {"classes": ("x", "y", "z")}
    elif what == "reference":
        changes = {"reference": workspace.reference("Bumps")}
    else:
        client.delete_model_version_tag(model_name("Bumps"), "1", "lstmfcn.fingerprint")
    done = offer(workspace, run, folder, **changes)
    assert (done.outcome, done.version, done.champion) == ("renewed", 2, 2)
    assert aliases(workspace) == {"champion": 2}
    champion = load_champion("Bumps", workspace=workspace.root)
    assert champion.classes == changes.get("classes", ("a", "b", "c"))
    client.set_registered_model_alias(model_name("Bumps"), "previous", "1")
    pull(workspace, "Bumps", tmp_path / "older", "previous")
    assert offer(workspace, run, folder, **changes).outcome == "same"


def test_a_challenger_that_is_registered_anew_is_the_challenger(workspace):
    folder, run = next(find_runs(workspace.phase1))
    offer(workspace, variant(run, 0.9, 0.5), folder)
    worse = variant(run, 0.8, 0.5)
    offer(workspace, worse, folder)
    assert offer(workspace, worse, folder, preprocessing=unnormalised(workspace)).outcome == "challenger"
    assert aliases(workspace) == {"champion": 1, "challenger": 3}


class KilledError(Exception):
    pass


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize(
    ("step", "call"),
    [
        ("keep", 1),
        ("create_model_version", 1),
        ("delete_registered_model_alias", 1),
        ("set_registered_model_alias", 1),
        ("set_registered_model_alias", 2),
    ],
)
def test_a_promotion_that_dies_at_a_step_is_completed_by_the_next(workspace, monkeypatch, step, call, after):
    """Until the last step the old champion serves; then the new one does, and nothing is there twice."""
    folder, run = next(find_runs(workspace.phase1))
    offer(workspace, variant(run, 0.8, 0.5), folder)
    better = variant(run, 0.9, 0.5)
    if step == "delete_registered_model_alias":  # the candidate had been the challenger, by another rule
        offer(workspace, better, folder, tolerance=0.5)
    owner = Tracker if step == "keep" else MlflowClient
    calls, own = 0, getattr(owner, step)

    def dies(self, *arguments, **keywords):
        nonlocal calls
        calls += 1
        if calls == call and not after:
            raise KilledError
        done = own(self, *arguments, **keywords)
        if calls == call:
            raise KilledError
        return done

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, dies)
        with pytest.raises(TrackingError):
            offer(workspace, better, folder)
    last = (step, call, after) == ("set_registered_model_alias", 2, True)
    assert aliases(workspace)["champion"] == (2 if last else 1)
    load_champion("Bumps", workspace=workspace.root)
    assert offer(workspace, better, folder).outcome == ("same" if last else "promoted")
    assert aliases(workspace) == {"champion": 2, "previous": 1}
    assert len(registered(workspace)["Bumps"]) == 2
    load_champion("Bumps", workspace=workspace.root)


def test_an_alias_that_another_promotion_makes_meanwhile_is_moved_all_the_same(workspace, monkeypatch):
    """As seen once of three at once: sqlite3.IntegrityError, UNIQUE constraint failed."""
    refused, real = set(), MlflowClient.set_registered_model_alias

    def set_alias(client, name, alias, version):
        if alias not in refused:
            refused.add(alias)
            raise MlflowException("UNIQUE constraint failed")
        return real(client, name, alias, version)

    monkeypatch.setattr(MlflowClient, "set_registered_model_alias", set_alias)
    folder, run = next(find_runs(workspace.phase1))
    for accuracy in (0.6, 0.9, 0.7):
        offer(workspace, variant(run, accuracy, 0.5), folder)
    assert aliases(workspace) == {"champion": 2, "previous": 1, "challenger": 3}
    assert refused == {"champion", "previous", "challenger"}


@pytest.mark.parametrize("theirs", [0.95, 0.85], ids=["better", "worse"])
@pytest.mark.parametrize("step", [1, 2], ids=["before ours moves `previous`", "before ours moves `champion`"])
def test_of_two_promotions_at_once_the_better_one_serves(workspace, monkeypatch, theirs, step):
    """Another clone's whole promotion falls between two steps of ours."""
    folder, run = next(find_runs(workspace.phase1))
    offer(workspace, variant(run, 0.8, 0.5), folder)
    calls, own = 0, MlflowClient.set_registered_model_alias

    def interrupted(self, *arguments, **keywords):
        nonlocal calls
        calls += 1
        if calls == step:
            assert offer(workspace, variant(run, theirs, 0.5), folder).outcome in ("promoted", "challenger")
        return own(self, *arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_registered_model_alias", interrupted)
        offer(workspace, variant(run, 0.9, 0.5), folder)
    best = next(v for v in registered(workspace)["Bumps"] if "champion" in v.aliases)
    assert best.evidence["oof_accuracy"] == max(theirs, 0.9)
    load_champion("Bumps", workspace=workspace.root)


def test_promotions_on_different_data_do_not_take_turns_for_ever(workspace, monkeypatch):
    folder, run = next(find_runs(workspace.phase1))
    offer(workspace, variant(run, 0.8, 0.5), folder)
    calls, own = 0, MlflowClient.set_registered_model_alias

    def interrupted(self, *arguments, **keywords):
        nonlocal calls
        calls += 1
        done = own(self, *arguments, **keywords)
        if calls == 2:
            offer(workspace, variant(run, 0.7, 0.5, data="newer"), folder)
        return done

    monkeypatch.setattr(MlflowClient, "set_registered_model_alias", interrupted)
    assert offer(workspace, variant(run, 0.9, 0.5), folder).outcome == "challenger"
    assert aliases(workspace)["champion"] == 3


def test_a_tie_in_accuracy_goes_to_the_lower_loss_unless_a_tolerance_is_set():
    def held(accuracy, loss):
        return {"oof_accuracy": accuracy, "oof_log_loss": loss}

    assert beats(held(0.9, 0.1), held(0.9, 0.2), ACCURACY, 0.0)
    assert not beats(held(0.9, 0.2), held(0.9, 0.2), ACCURACY, 0.0)
    assert not beats(held(0.91, 0.1), held(0.9, 0.2), ACCURACY, 0.02)
    assert beats(held(0.93, 0.3), held(0.9, 0.2), ACCURACY, 0.02)


def test_another_metric_chooses_in_its_own_direction():
    candidate, champion = ({"oof_brier": 0.1, "oof_log_loss": 0.9}, {"oof_brier": 0.2, "oof_log_loss": 0.1})
    assert beats(candidate, champion, METRICS["brier"], 0.0)
    assert not beats(champion, candidate, METRICS["brier"], 0.0)
    assert not beats(candidate, champion, METRICS["brier"], 0.1)


def test_a_champion_without_evidence_by_the_metric_gives_way(workspace):
    """As one that was registered before the metric was chosen; what has none itself does not."""
    folder, run = next(find_runs(workspace.phase1))
    assert offer(workspace, variant(run, 0.9, 0.1), folder).outcome == "first"
    judged = variant(run, 0.5, 0.9)
    judged = dataclasses.replace(judged, metrics={**judged.metrics, "oof_macro_f1": 0.4})
    balanced = {"metric": METRICS["macro_f1"]}
    assert offer(workspace, judged, folder, **balanced).outcome == "new_metric"
    assert offer(workspace, variant(run, 0.95, 0.05), folder, **balanced).outcome == "challenger"
    best = registered(workspace)["Bumps"]
    assert {v.version: v.evidence.get("oof_macro_f1") for v in best} == {1: None, 2: 0.4, 3: None}
    assert [v.majority_rate for v in best] == [pytest.approx(1 / 3)] * 3


def test_to_calibrate_is_another_package_of_the_same_run(workspace):
    folder, run = next(find_runs(workspace.phase1))
    assert offer(workspace, variant(run, 0.8, 0.5), folder).outcome == "first"
    done = offer(workspace, variant(run, 0.8, 0.5), folder, temperature=2.0)
    assert (done.outcome, done.version) == ("renewed", 2)
    X = Split.load(workspace.train_splits / "Bumps.npz").X
    raw = {alias: load_champion(stored(workspace, alias)).predict_proba(X) for alias in (1, 2)}
    np.testing.assert_allclose(raw[2], calibrated(raw[1], 2.0), atol=1e-6)
    assert load_champion(stored(workspace, 1)).majority_rate == pytest.approx(1 / 3)
