"""The registry: everything that is registered, and nothing taken for it."""

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from conftest import make_workspace
from lstmfcn.errors import RegistryError, TrackingError
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.registry.download import pull
from lstmfcn.tracking.registry.versions import registered
from lstmfcn.tracking.store import connect


def test_what_is_not_registered_is_said(finished, tmp_path):
    workspace, _ = finished
    with pytest.raises(RegistryError, match=r"No model is registered .*'bump'.* Did you mean 'Bumps'"):
        load_champion("bump", workspace=workspace.root)
    with pytest.raises(RegistryError, match="Bumps has no previous"):
        load_champion("Bumps", alias="previous", workspace=workspace.root)
    with pytest.raises(RegistryError, match="no file MLmodel"):
        load_champion(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    with pytest.raises(RegistryError, match="not an empty folder"):
        pull(workspace, "Bumps", tmp_path / "full")


def test_every_registered_model_is_listed(tmp_path):
    """MLflow hands them out by the hundred."""
    workspace = make_workspace(tmp_path / "clone")
    client = connect(workspace)
    for i in range(101):
        client.create_registered_model(f"lstmfcn.D{i}")
    assert len(registered(workspace)) == 101


def test_a_registry_that_fails_is_told_from_an_empty_one(tmp_path, monkeypatch):
    workspace = make_workspace(tmp_path / "clone")
    connect(workspace)

    def fail(*_args, **_kwargs):
        raise MlflowException("gone")

    for call in ("search_registered_models", "get_model_version_by_alias"):
        monkeypatch.setattr(MlflowClient, call, fail)
    with pytest.raises(TrackingError, match="gone"):
        registered(workspace)
    with pytest.raises(TrackingError, match="gone"):
        pull(workspace, "Bumps", tmp_path / "model")
