"""Where a study keeps what neither git nor DVC has, in experiments too."""

import pytest

from lstmfcn.workspace import Workspace


@pytest.fixture(autouse=True)
def _outside_of_experiments(monkeypatch):
    monkeypatch.delenv("DVC_EXP_NAME", raising=False)


def test_a_study_keeps_it_in_its_own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for root in (tmp_path, tmp_path.relative_to(tmp_path)):
        workspace = Workspace(root)
        assert (workspace.home, workspace.experiment) == (root, "")
        assert workspace.cache == root / ".lstmfcn/cache"


@pytest.mark.parametrize("below", ["", "studies/walks"])
@pytest.mark.parametrize("place", ["tmpx1", "standalone/tmpx1"])
def test_the_copy_of_an_experiment_shares_the_studys(tmp_path, monkeypatch, below, place):
    """DVC's folder lies at the top of the study, or above it."""
    copy = tmp_path / ".dvc/tmp/exps" / place
    for folder in (copy / ".dvc", copy / below):
        folder.mkdir(parents=True, exist_ok=True)
    here, study = Workspace(copy / below), Workspace(tmp_path / below)
    assert here.home == study.root
    for name in ("cache", "fits", "downloads", "lock", "scratch", "mlruns"):
        assert getattr(here, name) == getattr(study, name)
    assert here.params == copy / below / "params.yaml"
    assert here.experiment == (copy / below).name
    monkeypatch.chdir(copy / below)
    assert Workspace(here.root.relative_to(here.root)).cache == study.cache
    monkeypatch.setenv("DVC_EXP_NAME", "puffy-sage")
    assert here.experiment == study.experiment == "puffy-sage"


def test_the_copy_of_a_study_in_a_part_of_a_git_repository_is_found(tmp_path):
    """`dvc init --subdir`: the copy is of the repository, and holds the study with its .dvc."""
    study = tmp_path / "repository/study"
    copy = study / ".dvc/tmp/exps/tmpx1/study"
    (copy / ".dvc").mkdir(parents=True)
    assert Workspace(copy).home == study
