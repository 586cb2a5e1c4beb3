"""The search of a clone, and what phase 1 takes over from it."""

import shutil

import pytest
import yaml

from conftest import copy_of, files_of, make_clone, make_workspace, run_stages
from lstmfcn import config
from lstmfcn.classifiers.jobs.train import train as train_job
from lstmfcn.pipeline.recipes import searches_as_phase1
from lstmfcn.pipeline.stages import train
from lstmfcn.training.tensorflow.epoch import CompiledEpoch

PARAMS = """
datasets: [Bumps]
models: [lstm_fcn]
references: []
seeds: [0, 1]
search: {cells: [2, 4]}
train: {epochs: 6, batch_size: 8, folds: 2}
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A clone whose search is done."""
    return make_clone(tmp_path_factory.mktemp("search"), PARAMS, "fetch", "validate", "prepare", "search")


@pytest.fixture
def searched(original, tmp_path):
    """A copy of it."""
    return copy_of(original, tmp_path / "clone")


def test_phase_1_takes_over_the_folds_that_the_search_trained(searched, tmp_path):
    """To the byte what it would have trained, and without training it."""
    anew = make_workspace(tmp_path / "anew", PARAMS)
    for name in ("data/prepared", "search"):
        shutil.copytree(searched.root / name, anew.root / name)
    run_stages(anew, tmp_path, "train")
    assert sorted(p.name for p in searched.scratch.glob("*/*.npz")) == ["fold-0.npz", "fold-1.npz"]
    run_stages(searched, tmp_path, "train")
    assert files_of(searched.phase1) == files_of(anew.phase1)
    assert not list(searched.scratch.glob("*/*.npz"))


def test_a_fold_that_was_taken_over_is_not_trained(searched, monkeypatch):
    """All epochs that are run are of the whole training split."""
    settings = config.load(searched.params)
    jobs = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "run_queue", lambda stage, function, made, workspace: jobs.extend(made))
        train.run(searched, settings)
    (job,) = (job for job in jobs if job.name == "Bumps lstm_fcn seed 0")
    arguments = job.arguments()
    sizes, run = [], CompiledEpoch.run
    monkeypatch.setattr(
        CompiledEpoch,
        "run",
        lambda self, X, *rest, **named: sizes.append(len(X)) or run(self, X, *rest, **named),
    )
    train_job(arguments)
    assert set(sizes) == {24}


@pytest.mark.parametrize(
    ("search", "same"),
    [("", True), ("epochs: 6", True), ("epochs: 5", False), ("folds: 3", False), ("batch_size: 4", False)],
)
def test_only_equal_trainings_are_taken_over(search, same):
    text = PARAMS.replace("cells: [2, 4]", f"cells: [2, 4], {search}")
    assert searches_as_phase1(config.parse(yaml.safe_load(text))) is same
