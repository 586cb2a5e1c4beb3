"""The order in which a stage works, and what it writes and removes."""

import shutil
from functools import partial

import pytest

from lstmfcn.pipeline import jobs as queue
from lstmfcn.pipeline.jobs import Job, run_queue
from lstmfcn.runs.cache import Cache
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.run import RUN_FILE, Run
from lstmfcn.workspace import Workspace


@pytest.fixture
def begun(monkeypatch):
    """Return the arguments of each job in the order they ran, in this process."""
    begun = []

    def run_jobs(_function, calls, _watch):
        for i, (function, argument) in enumerate(calls):
            begun.append(argument)
            yield i, (function(argument), {"seconds": 0.0})

    monkeypatch.setattr(queue, "run_jobs", run_jobs)
    return begun


def test_finished_jobs_keep_no_worker_waiting_and_damaged_ones_run_again(begun, tmp_path):
    workspace = Workspace(tmp_path)

    def work(name):
        return {"file": name.encode()}

    def job(name):
        return Job(name=name, key=f"key-{name}", arguments=partial(str, name), folder=tmp_path / name, size=1)

    run_queue("stage", work, [job("a"), job("b")], workspace)
    (Cache(workspace.cache).root / "key-b/file").write_bytes(b"damaged")
    (tmp_path / "a/file").unlink()  # as DVC does
    begun.clear()
    run_queue("stage", work, [job("a"), job("b"), job("c")], workspace)
    assert begun == ["c", "b"]
    assert [(tmp_path / name / "file").read_bytes() for name in "abc"] == [b"a", b"b", b"c"]


def test_what_lies_as_it_should_is_not_written_again(begun, tmp_path):
    """Writing means waiting for the disk, file by file."""
    workspace = Workspace(tmp_path)
    jobs = [Job(name="a", key="key", arguments=dict, folder=tmp_path / "a", size=1)]
    run_queue("stage", lambda _: {"file": b"a"}, jobs, workspace)
    before = (tmp_path / "a/file").stat()
    run_queue("stage", lambda _: {"file": b"a"}, jobs, workspace)
    assert (tmp_path / "a/file").stat().st_ino == before.st_ino  # written, it would be another file
    (tmp_path / "a/file").write_bytes(b"b")
    run_queue("stage", lambda _: {"file": b"a"}, jobs, workspace)
    assert (tmp_path / "a/file").read_bytes() == b"a"
    assert begun == [{}]


def test_nothing_of_an_earlier_job_is_left_beside_a_new_ones_run(begun, tmp_path, monkeypatch):
    """Five folds, then three: the two that are left over would be taken for the new run's."""
    monkeypatch.setattr(queue.Tracker, "log", lambda *_: None)
    workspace = Workspace(tmp_path)
    identity = Identity(dataset="a", classifier="fcn", seed=0)

    def job(key):
        return Job(name="a", key=key, arguments=partial(str, key), folder=tmp_path / "a", size=1)

    def work(key):
        run = Run(identity=identity, job=key, protocol="honest", data="", params={}, metrics={})
        folds = {"five": 5, "three": 3}[key]
        return {f"fold-{k}.npz": b"weights" for k in range(folds)} | {RUN_FILE: run.file()}

    for key in ("five", "three", "five"):
        run_queue("stage", work, [job(key)], workspace)
        assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted(work(key))


def test_weights_lie_on_the_disk_once_and_text_twice(begun, tmp_path):
    """In the cache of finished jobs and in the study's outputs, also where DVC has taken these away."""
    workspace = Workspace(tmp_path)
    jobs = [Job(name="a", key="key", arguments=dict, folder=tmp_path / "a", size=1)]
    for _ in range(2):
        run_queue("stage", lambda _: {"weights.npz": b"a", "oof.csv": b"b"}, jobs, workspace)
        kept = Cache(workspace.cache).root / "key"
        assert (tmp_path / "a/weights.npz").samefile(kept / "weights.npz")
        assert not (tmp_path / "a/oof.csv").samefile(kept / "oof.csv")
        shutil.rmtree(tmp_path / "a")
    assert len(begun) == 1
