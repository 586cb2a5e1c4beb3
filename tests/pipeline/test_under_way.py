"""What is known of runs before their jobs have ended."""

from importlib import import_module

import pytest

from conftest import copy_of
from lstmfcn import config
from lstmfcn.pipeline.under_way import runs_under_way
from lstmfcn.runs.run import find_runs


@pytest.mark.parametrize(("stage", "n"), [("search", 4), ("train", 2), ("finetune", 4)])
def test_a_run_in_the_making_is_the_one_that_the_job_leaves(finished, tmp_path, monkeypatch, stage, n):
    """Against the runs that the jobs of a finished study left: key, parameters, upstream."""
    workspace = copy_of(finished[0], tmp_path / "clone")
    module, made = import_module(f"lstmfcn.pipeline.stages.{stage}"), {}

    def collect(_stage, _function, jobs, _workspace):
        for job in jobs:
            for folder, run in runs_under_way(job.arguments()).items():
                made[run.key] = run
                assert folder.is_relative_to(workspace.scratch / job.key)

    monkeypatch.setattr(module, "run_queue", collect)
    module.run(workspace, config.load(workspace.params))
    left = {"search": workspace.search, "train": workspace.phase1, "finetune": workspace.finetuned}[stage]
    known = {run.key: run for _, run in find_runs(left)}
    assert made.keys() == known.keys()
    assert len(made) == n
    for key, run in made.items():
        assert run.params == known[key].params
        assert (run.upstream, run.data, run.name) == (known[key].upstream, known[key].data, known[key].name)
