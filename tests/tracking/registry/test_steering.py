"""What a person decides of the registry, here or in MLflow, and what no stage and no `sync` undoes."""

import shutil

import pytest

from candidates import aliases, offer, trained
from lstmfcn.errors import RegistryError
from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.registry import standing, steering
from lstmfcn.tracking.registry.download import pull
from lstmfcn.tracking.registry.registration import DeletedError
from lstmfcn.tracking.registry.versions import model_name, registered
from lstmfcn.tracking.store import connect

NAME = model_name("Bumps")


@pytest.fixture
def workspace(unregistered, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "alice")
    return unregistered


@pytest.fixture
def two(workspace):
    """Return two runs, of which the second took over from the first."""
    runs = trained(workspace, 10), trained(workspace, 20)
    assert [offer(workspace, run).outcome for run in runs] == ["first", "promoted"]
    return runs


def serves(workspace):
    return str(standing.serving(workspace)["Bumps"])


def test_a_rollback_stands_whatever_is_promoted_until_it_is_lifted(workspace, two):
    """Before, the next `sync` put the version back that had been rolled back."""
    done = steering.roll_back(workspace, "Bumps", "worse at site B")
    assert done.version.version == 1
    assert aliases(workspace) == {"champion": 1, "previous": 2}
    for run in (two[1], trained(workspace, 24)):
        again = offer(workspace, run)
        assert (again.outcome, again.champion) == ("challenger", 1)
        assert "rolled back by alice on 20" in again.reason
        assert "worse at site B. `lstmfcn champions lift Bumps`" in again.reason
    assert "version 1 serves, rolled back by alice" in serves(workspace)
    steering.lift(workspace, "Bumps")
    assert "version 1 serves, left to the evidence by alice" in serves(workspace)
    assert offer(workspace, two[1]).outcome == "promoted"
    assert [(one.what, one.version, one.who) for one in steering.history_of(workspace, "Bumps")] == [
        ("made the first", 1, "the evidence"),
        ("promoted", 2, "the evidence"),
        ("rolled back", 1, "alice"),
        ("left to the evidence", 1, "alice"),
        ("promoted", 2, "the evidence"),
    ]


def test_an_alias_that_was_moved_in_mlflow_stands(workspace, two):
    client = connect(workspace)
    client.set_registered_model_alias(NAME, "champion", "1")
    assert "version 1 serves, put in charge by a person in MLflow" in serves(workspace)
    for _ in range(2):
        assert offer(workspace, two[1]).champion == 1
    assert [one.what for one in steering.history_of(workspace, "Bumps")].count("put in charge") == 1
    client.delete_registered_model_alias(NAME, "champion")
    done = offer(workspace, two[1])
    assert (done.outcome, done.champion) == ("challenger", None)
    assert "nothing serves, taken out of service by a person in MLflow" in serves(workspace)
    steering.lift(workspace, "Bumps")
    assert offer(workspace, two[1]).outcome == "first"


def test_one_that_was_moved_before_decisions_were_noted_is_left_to_the_evidence(workspace, two):
    client = connect(workspace)
    client.delete_registered_model_tag(NAME, standing.SERVES)
    assert serves(workspace) == "version 2 serves"
    offer(workspace, two[1])
    client.set_registered_model_alias(NAME, "champion", "1")
    assert offer(workspace, two[1]).champion == 1


def test_set_and_pin_stand(workspace, two):
    assert "put in charge by alice" in str(steering.put(workspace, "Bumps", 1))
    assert offer(workspace, trained(workspace, 24)).champion == 1
    assert "pinned by alice" in str(steering.pin(workspace, "Bumps"))
    assert offer(workspace, trained(workspace, 24, data="other")).champion == 1
    assert aliases(workspace) == {"champion": 1, "previous": 2, "challenger": 4}


def test_what_a_person_set_is_put_back_when_its_files_are_lost_and_still_stands(workspace, two):
    steering.put(workspace, "Bumps", 1)
    source = connect(workspace).get_model_version(NAME, "1").source
    shutil.rmtree(source.removeprefix("file://"))
    assert offer(workspace, two[0]).outcome == "renewed"
    assert "version 3 serves, put in charge by alice" in serves(workspace)
    assert offer(workspace, two[1]).champion == 3


def test_a_rejected_version_gives_way_and_does_not_come_back(workspace, two):
    assert steering.reject(workspace, "Bumps", 2, "leaks").version.version == 1
    assert aliases(workspace) == {"champion": 1}
    done = offer(workspace, two[1])
    assert (done.outcome, done.version, done.champion) == ("rejected", 2, 1)
    with pytest.raises(RegistryError, match="version 2 is rejected"):
        steering.put(workspace, "Bumps", 2)
    assert offer(workspace, trained(workspace, 22)).outcome == "promoted"  # evidence goes on deciding
    steering.lift(workspace, "Bumps", 2)
    assert offer(workspace, two[1]).outcome == "challenger"


def test_the_only_version_is_not_rejected_away(workspace):
    offer(workspace, trained(workspace, 20))
    with pytest.raises(RegistryError, match="no previous version"):
        steering.reject(workspace, "Bumps", 1)
    assert not registered(workspace)["Bumps"][0].rejected


@pytest.mark.parametrize("what", ["version", "model"])
def test_what_a_person_deleted_is_not_registered_again(workspace, two, what):
    """But with `sync --restore`; and what else there is serves."""
    client = connect(workspace)
    if what == "version":
        client.delete_model_version(NAME, "2")
    else:
        client.delete_registered_model(NAME)
    with pytest.raises(DeletedError, match=r"Version 2 of lstmfcn.Bumps, .* was deleted in MLflow"):
        offer(workspace, two[1])
    with pytest.raises(RegistryError):
        load_champion("Bumps", workspace=workspace.root)
    assert offer(workspace, trained(workspace, 18)).outcome == "first"
    offer(workspace, trained(workspace, 17))  # perhaps the number that was deleted, of another run
    with pytest.raises(DeletedError):
        offer(workspace, two[1])
    assert offer(workspace, two[1], restore=True).outcome == "challenger"


def test_an_unreadable_decision_is_none(workspace, two):
    connect(workspace).set_registered_model_tag(NAME, standing.SERVES, "{")
    assert serves(workspace) == "version 2 serves"
    assert offer(workspace, two[1]).outcome == "same"


def test_versions_are_compared_on_their_series(workspace, two):
    """By counts: the second has the 10 series right that the first has not."""
    (paired,) = steering.compare_versions(workspace, "Bumps", 1, 2, [METRICS["accuracy"]])
    assert (paired.n, paired.only_first, paired.only_second) == (24, 0, 10)
    assert paired.p == pytest.approx(2**-10)
    offer(workspace, trained(workspace, 20, data="other"))
    with pytest.raises(RegistryError, match="trained on other data"):
        steering.compare_versions(workspace, "Bumps", 1, 3, [METRICS["accuracy"]])


def test_what_is_not_there_is_said(workspace, two):
    for call in (steering.put, steering.reject):
        with pytest.raises(RegistryError, match="Bumps has no version 7"):
            call(workspace, "Bumps", 7)
    with pytest.raises(RegistryError, match="no decision of a person stands"):
        steering.lift(workspace, "Bumps")
    with pytest.raises(RegistryError, match="version 1 is not rejected"):
        steering.lift(workspace, "Bumps", 1)
    with pytest.raises(RegistryError, match=r"No model is registered for the dataset 'Bump'.*'Bumps'"):
        steering.pin(workspace, "Bump")
    with pytest.raises(RegistryError, match="Bumps has no version 7"):
        load_champion("Bumps", version=7, workspace=workspace.root)


def test_a_version_is_pulled_by_its_number(workspace, two, tmp_path):
    pull(workspace, "Bumps", tmp_path / "one", 1)
    assert load_champion("Bumps", version=1, workspace=workspace.root).classes == ("a", "b", "c")
    assert "lstmfcn-manifest.json" in {path.name for path in (tmp_path / "one").iterdir()}
