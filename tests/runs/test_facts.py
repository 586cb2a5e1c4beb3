"""The facts of jobs, as who pulls a study reads them."""

import pytest

from conftest import make_workspace
from lstmfcn.errors import DataError
from lstmfcn.files import read_json, write_text
from lstmfcn.pipeline.table import STAGES
from lstmfcn.runs.cache import Cache
from lstmfcn.runs.facts import read_facts, seconds_to, write_facts
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.outputs import load_run
from lstmfcn.workspace import Workspace

FACTS = {"started": 1_700_000_000_000, "seconds": 2.5, "device": "CPU, 1 thread(s)", "commit": "c0ffee"}


@pytest.fixture
def workspace(tmp_path):
    return make_workspace(tmp_path / "clone")


def test_what_a_stage_writes_is_read_without_its_cache(workspace):
    for key in ("a", "b", "c"):
        Cache(workspace.cache).put(key, {"file": b"x"}, FACTS | {"commit": key})
    write_facts(workspace, "train", ["b", "a"])
    write_facts(workspace, "search", ["c"])
    assert list(read_json(workspace.facts / "train.json")) == ["a", "b"]
    Cache(workspace.cache).root.rename(workspace.root / "elsewhere")
    assert read_facts(workspace) == {key: FACTS | {"commit": key} for key in ("a", "b", "c")}


def test_a_study_without_facts_has_none(workspace):
    assert read_facts(workspace) == {}


def test_what_is_no_fact_is_left_out_and_what_is_no_file_of_facts_is_named(workspace):
    write_text(workspace.facts_of("train"), '{"a": {"seconds": "long", "device": "GPU"}, "b": 3}')
    assert read_facts(workspace) == {"a": {"device": "GPU"}, "b": {}}
    write_text(workspace.facts_of("train"), "{")
    with pytest.raises(DataError, match=r"train\.json is damaged .* --single-item train"):
        read_facts(workspace)


def test_the_seconds_to_a_run_are_those_of_every_job_that_led_to_it(finished):
    """Counted again from the files: the search, phase 1 and as many iterations; each job once."""
    workspace, _ = finished
    known = read_facts(workspace)
    one = Identity(dataset="Bumps", classifier="lstm_fcn", seed=0)
    run = load_run(workspace, one.iteration(1))
    folders = ("search/Bumps/lstm_fcn", "models/phase1/Bumps/lstm_fcn", "models/finetuned/Bumps/lstm_fcn")
    files = [path for folder in folders for path in (workspace.root / folder).rglob("run.json")]
    jobs = {read_json(path)["job"] for path in files if "iteration-2" not in str(path)}
    assert len(jobs) == 3
    expected = sum(known[job]["seconds"] for job in jobs)
    assert seconds_to(workspace, run, lambda job: known.get(job, {})) == pytest.approx(expected)
    assert seconds_to(workspace, run, lambda job: {}) is None
    assert seconds_to(Workspace(workspace.root / "elsewhere"), run, lambda job: known[job]) is None


def test_each_stage_with_jobs_writes_its_facts_and_no_stage_depends_on_them():
    facts = {stage.name for stage in STAGES.values() for path in stage.writes if path.parts[0] == "facts"}
    assert facts == {stage.name for stage in STAGES.values() if stage.jobs}
    assert not [path for stage in STAGES.values() for path in stage.reads if path.parts[0] == "facts"]


def test_a_finished_study_has_the_facts_of_all_its_jobs(finished):
    workspace, _ = finished
    known = read_facts(workspace)
    cache = Cache(workspace.cache)
    assert {folder.name for folder in cache.root.iterdir()} == set(known)
    for key, facts in known.items():
        assert {"started", "seconds", "device", "version"} <= facts.keys()
        assert facts == cache.facts(key)
