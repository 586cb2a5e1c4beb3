"""Promotion on out-of-fold evidence, whatever dies or happens meanwhile."""

import contextlib
import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from candidates import RULE, aliases, offer, trained
from conftest import copy_of
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.series import Split
from lstmfcn.errors import LstmfcnError, TrackingError
from lstmfcn.evaluation.calibration import calibrated
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.package import fingerprint as fingerprints
from lstmfcn.tracking.registry import promotion
from lstmfcn.tracking.registry.download import pull
from lstmfcn.tracking.registry.versions import model_name, registered
from lstmfcn.tracking.store import connect


@pytest.fixture
def workspace(unregistered):
    return unregistered


def unnormalised(workspace):
    """Return another preprocessing than that of the training."""
    return dataclasses.replace(Preprocessing.load(workspace.preprocessing("Bumps")), normalise="none")


def test_promotion_from_the_first_to_the_next(workspace):
    """Of 24 series 14 right, then 10 more: of 10 that one has right, none is the champion's: p = 2^-10."""
    first = trained(workspace, 14)
    assert offer(workspace, first).outcome == "first"
    assert offer(workspace, first).outcome == "same"
    assert aliases(workspace) == {"champion": 1}
    worse = offer(workspace, trained(workspace, 12))
    assert (worse.outcome, worse.version, worse.champion) == ("challenger", 2, 1)
    assert str(worse).startswith(
        "version 1 stays champion; version 2 is the challenger: out-of-fold accuracy 0.5"
    )
    assert aliases(workspace) == {"champion": 1, "challenger": 2}
    better = offer(workspace, trained(workspace, 24))
    assert (better.outcome, better.version, better.champion) == ("promoted", 3, 3)
    assert "(p = 0.00098, level 0.05)" in better.reason
    assert aliases(workspace) == {"champion": 3, "previous": 1, "challenger": 2}
    # judged on other data, its lower accuracy says nothing against it
    assert offer(workspace, trained(workspace, 13, data="other")).outcome == "new_data"
    assert aliases(workspace) == {"champion": 4, "previous": 3, "challenger": 2}


def test_a_twin_and_a_toy_take_no_place(workspace):
    """As three epochs on noise: on the same series, and on others."""
    offer(workspace, trained(workspace, 14))
    for right, data in ((14, None), (17, None), (8, None), (8, "other")):
        assert offer(workspace, trained(workspace, right, data=data)).outcome == "challenger"
    assert aliases(workspace)["champion"] == 1


def test_evidence_lies_with_the_version_in_the_store(workspace, tmp_path, monkeypatch):
    """A champion of another study is judged by what the store holds, as long as it is what was stored."""
    offer(workspace, trained(workspace, 14))
    elsewhere = copy_of(workspace, tmp_path / "colleague")
    shutil.rmtree(workspace.root)
    best = trained(elsewhere, 24)
    (oof,) = (tmp_path / "artifacts").glob("*/artifacts/oof.csv")
    content = oof.read_bytes()
    for change in (lambda: oof.write_bytes(content.replace(b"0.8", b"0.7")), oof.unlink):
        change()
        done = offer(elsewhere, best)
        assert (done.outcome, done.champion) == ("challenger", 1)
        assert "the champion has no out-of-fold predictions" in done.reason
    oof.write_bytes(content)
    assert offer(elsewhere, best).outcome == "promoted"


def stored(workspace, number):
    """Return the folder of a version's files in the store."""
    return Path(
        connect(workspace).get_model_version(model_name("Bumps"), str(number)).source.removeprefix("file://")
    )


def test_a_champion_whose_files_are_gone_is_registered_anew_and_serves(workspace):
    offer(workspace, trained(workspace, 12))
    best = trained(workspace, 24)
    offer(workspace, best)
    shutil.rmtree(stored(workspace, 2))
    with pytest.raises(LstmfcnError, match=r"Files of .* are missing.*registers the best run again"):
        load_champion("Bumps", workspace=workspace.root)
    done = offer(workspace, best)
    assert (done.outcome, done.version, done.champion) == ("renewed", 3, 3)
    assert aliases(workspace) == {"champion": 3, "previous": 1}
    load_champion("Bumps", workspace=workspace.root)
    assert offer(workspace, best).outcome == "same"
    assert len(registered(workspace)["Bumps"]) == 3


def test_a_champion_whose_files_were_changed_is_registered_anew(workspace):
    run = trained(workspace, 20)
    offer(workspace, run)
    (stored(workspace, 1) / "more").touch()
    assert offer(workspace, run).outcome == "renewed"
    load_champion("Bumps", workspace=workspace.root)


@pytest.mark.parametrize(
    "what", ["code", "preprocessing", "classes", "reference", "before fingerprints were taken"]
)
def test_a_champion_of_another_fingerprint_is_registered_anew_and_the_older_stays_whole(
    workspace, monkeypatch, tmp_path, what
):
    run = trained(workspace, 20)
    offer(workspace, run)
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
    done = offer(workspace, run, **changes)
    assert (done.outcome, done.version, done.champion) == ("renewed", 2, 2)
    assert aliases(workspace) == {"champion": 2}
    champion = load_champion("Bumps", workspace=workspace.root)
    assert champion.classes == changes.get("classes", ("a", "b", "c"))
    pull(workspace, "Bumps", tmp_path / "older", 1)
    assert offer(workspace, run, **changes).outcome == "same"


def test_a_challenger_that_is_registered_anew_is_the_challenger(workspace):
    offer(workspace, trained(workspace, 20))
    worse = trained(workspace, 18)
    offer(workspace, worse)
    assert offer(workspace, worse, preprocessing=unnormalised(workspace)).outcome == "challenger"
    assert aliases(workspace) == {"champion": 1, "challenger": 3}


class KilledError(Exception):
    pass


STEPS = [
    ("keep", 1),
    ("create_model_version", 1),
    ("set_registered_model_tag", 1),
    ("delete_registered_model_alias", 1),
    ("set_registered_model_alias", 2),
    ("set_registered_model_tag", 2),
]


@pytest.mark.parametrize(
    ("step", "call", "after"),
    [
        *(pytest.param(*step, False, id=f"before {step[0]}") for step in STEPS),
        pytest.param(*STEPS[-1], True, id=f"after {STEPS[-1][0]}"),
        # After one step is before the next, but for what is called between them.
        *(pytest.param(*step, True, marks=pytest.mark.exhaustive) for step in STEPS[:-1]),
    ],
)
def test_a_promotion_that_dies_at_a_step_is_completed_by_the_next(workspace, monkeypatch, step, call, after):
    """Until the alias moves the old champion serves; then the new one does, and nothing is there twice."""
    offer(workspace, trained(workspace, 14))
    better = trained(workspace, 24)
    if step == "delete_registered_model_alias":  # the candidate had been the challenger, by another rule
        offer(workspace, better, dataclasses.replace(RULE, tolerance=0.5))
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
            offer(workspace, better)
    moved = (step, call, after) == ("set_registered_model_alias", 2, True) or (step, call) == (
        "set_registered_model_tag",
        2,
    )
    assert aliases(workspace)["champion"] == (2 if moved else 1)
    load_champion("Bumps", workspace=workspace.root)
    assert offer(workspace, better).outcome == ("same" if moved else "promoted")
    assert aliases(workspace) == {"champion": 2, "previous": 1}
    assert len(registered(workspace)["Bumps"]) == 2
    assert offer(workspace, trained(workspace, 24, data="other")).outcome == "new_data"  # nobody holds it


def test_an_alias_that_another_promotion_makes_meanwhile_is_moved_all_the_same(workspace, monkeypatch):
    """As seen once of three at once: sqlite3.IntegrityError, UNIQUE constraint failed."""
    refused, real = set(), MlflowClient.set_registered_model_alias

    def set_alias(client, name, alias, version):
        if alias not in refused:
            refused.add(alias)
            raise MlflowException("UNIQUE constraint failed")
        return real(client, name, alias, version)

    monkeypatch.setattr(MlflowClient, "set_registered_model_alias", set_alias)
    for right in (12, 24, 18):
        offer(workspace, trained(workspace, right))
    assert aliases(workspace) == {"champion": 2, "previous": 1, "challenger": 3}
    assert refused == {"champion", "previous", "challenger"}


@pytest.fixture
def at_once(monkeypatch):
    """Let promotions fall between each other, as those of several clones do at a server."""
    monkeypatch.setattr(promotion, "alone_in", lambda _: contextlib.nullcontext())


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("step", "theirs"),
    [
        pytest.param(1, 24, id="before ours moves `previous`, better", marks=pytest.mark.exhaustive),
        pytest.param(1, 16, id="before ours moves `previous`, worse"),
        pytest.param(2, 24, id="before ours moves `champion`, better"),
        pytest.param(2, 16, id="before ours moves `champion`, worse", marks=pytest.mark.exhaustive),
    ],
)
def test_of_two_promotions_at_once_the_better_one_serves(workspace, monkeypatch, theirs, step):
    """Another clone's whole promotion falls between two steps of ours."""
    offer(workspace, trained(workspace, 8))
    ours, other = trained(workspace, 18), trained(workspace, theirs)
    calls, own = 0, MlflowClient.set_registered_model_alias

    def interrupted(self, *arguments, **keywords):
        nonlocal calls
        calls += 1
        if calls == step:
            assert offer(workspace, other).outcome in ("promoted", "challenger")
        return own(self, *arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_registered_model_alias", interrupted)
        offer(workspace, ours)
    best = next(v for v in registered(workspace)["Bumps"] if "champion" in v.aliases)
    assert best.evidence["oof_accuracy"] == max(theirs, 18) / 24
    load_champion("Bumps", workspace=workspace.root)
    # and nobody takes it for a person's doing
    assert offer(workspace, trained(workspace, 24, data="other")).outcome == "new_data"


@pytest.mark.usefixtures("at_once")
def test_promotions_on_different_data_do_not_take_turns_for_ever(workspace, monkeypatch):
    offer(workspace, trained(workspace, 12))
    ours, theirs = trained(workspace, 24), trained(workspace, 12, data="newer")
    calls, own = 0, MlflowClient.set_registered_model_alias

    def interrupted(self, *arguments, **keywords):
        nonlocal calls
        calls += 1
        done = own(self, *arguments, **keywords)
        if calls == 2:
            offer(workspace, theirs)
        return done

    monkeypatch.setattr(MlflowClient, "set_registered_model_alias", interrupted)
    assert offer(workspace, ours).outcome == "challenger"
    assert aliases(workspace)["champion"] == 3


def test_the_evidence_by_each_metric_stands_with_the_version(workspace):
    run = trained(workspace, 20)
    run = dataclasses.replace(run, metrics={**run.metrics, "oof_macro_f1": 0.4})
    offer(workspace, run)
    (version,) = registered(workspace)["Bumps"]
    assert (version.evidence["oof_macro_f1"], version.evidence["oof_accuracy"]) == (0.4, 20 / 24)
    assert version.majority_rate == pytest.approx(1 / 3)


def test_to_calibrate_is_another_package_of_the_same_run(workspace):
    run = trained(workspace, 20)
    assert offer(workspace, run).outcome == "first"
    done = offer(workspace, run, temperature=2.0)
    assert (done.outcome, done.version) == ("renewed", 2)
    X = Split.load(workspace.train_splits / "Bumps.npz").X
    raw = {alias: load_champion(stored(workspace, alias)).predict_proba(X) for alias in (1, 2)}
    np.testing.assert_allclose(raw[2], calibrated(raw[1], 2.0), atol=1e-6)
    assert load_champion(stored(workspace, 1)).majority_rate == pytest.approx(1 / 3)
