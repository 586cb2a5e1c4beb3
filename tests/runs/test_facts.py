"""The facts of jobs, as who pulls a study reads them."""

import pytest

from conftest import make_workspace
from lstmfcn.errors import DataError
from lstmfcn.files import read_json, write_text
from lstmfcn.pipeline.table import STAGES
from lstmfcn.runs.cache import Cache
from lstmfcn.runs.facts import read_facts, write_facts

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
