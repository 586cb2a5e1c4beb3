"""`lstmfcn doctor --verify`: what was changed is brought back or named, by known hashes."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace

import pytest

from lstmfcn.pipeline import verify as module
from lstmfcn.pipeline.verify import verify
from lstmfcn.runs.cache import Cache
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.run import RUN_FILE, Run
from lstmfcn.workspace import Workspace

ONE = Identity(dataset="D", classifier="fcn", seed=0)
RUN = Run(identity=ONE, job="ab" * 32, protocol="honest", data="", params={}, metrics={})
FILES = {"weights.npz": b"weights", "oof.csv": b"oof"}


def md5(content):
    return hashlib.md5(content).hexdigest()


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A study with two runs, a table and a split, as DVC and the cache know it."""
    workspace = Workspace(tmp_path / "study")
    written = {workspace.results_table: b"a,b\n", workspace.train_splits / "D.npz": b"split"}
    for one in (ONE, ONE.iteration(1)):
        run = replace(RUN, identity=one, job=f"{one.number}" * 64, key="")
        bundle = run.with_files(FILES)
        Cache(workspace.cache).put(run.job, bundle, {})
        written |= {one.folder(workspace) / name: content for name, content in bundle.items()}
    for path, content in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    objects = tmp_path / "objects"
    stages = {}
    for stage, out in (
        ("prepare", workspace.train_splits), ("train", workspace.phase1), ("finetune", workspace.finetuned),
        ("evaluate", workspace.results_table),
    ):  # fmt: skip
        inside = {p: c for p, c in written.items() if p.is_relative_to(out)}
        listed = json.dumps(
            [{"md5": md5(c), "relpath": p.relative_to(out).as_posix()} for p, c in inside.items()]
        )
        known = md5(listed.encode()) + ".dir" if out.is_dir() else md5(written[out])
        for name, content in [(known, listed.encode()), *((md5(c), c) for c in inside.values())]:
            (objects / name[:2]).mkdir(parents=True, exist_ok=True)
            if out.is_dir() or name != known:
                (objects / name[:2] / name[2:]).write_bytes(content)
        if not out.is_dir():
            (objects / known[:2] / known[2:]).write_bytes(written[out])
        place = out.relative_to(workspace.root).as_posix()
        stages[stage] = {"outs": [{"path": place, "hash": "md5", "md5": known}]}
    (workspace.root / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": stages}))
    monkeypatch.setattr(module, "_objects", lambda _root: objects)
    return workspace


def bad(workspace):
    """Return what is left to mend."""
    *found, (fine, last) = verify(workspace, lambda _: None)
    named = [sentence for ok, sentence in found if not ok]
    assert fine == (not named)
    assert "hashes of files were compared" in last
    return named


def flip(path):
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def test_an_untouched_study_is_fine_and_told_about(workspace, monkeypatch):
    assert bad(workspace) == []
    monkeypatch.setattr(module, "PAUSE", 0)
    told = []
    list(verify(workspace, told.append))
    assert told[-1].endswith("hashes compared")


@pytest.mark.parametrize("name", [*FILES, RUN_FILE])
@pytest.mark.parametrize("damage", [flip, lambda path: path.unlink()])
def test_what_a_run_left_is_brought_back(workspace, capsys, name, damage):
    path = ONE.iteration(1).folder(workspace) / name
    before = path.read_bytes()
    damage(path)
    assert bad(workspace) == []
    assert path.read_bytes() == before
    assert "restored from the cache" in capsys.readouterr().err


@pytest.mark.parametrize("name", [*FILES, RUN_FILE])
def test_what_no_cache_holds_is_named_once_with_its_remedy(workspace, name):
    path = ONE.folder(workspace) / name
    flip(path)
    workspace.cache.rename(workspace.cache.with_name("away"))
    (said,) = bad(workspace)
    assert str(path) in said
    assert "dvc repro --force --single-item train" in said


def test_without_dvc_the_runs_own_hashes_are_known(workspace, monkeypatch):
    (workspace.root / "dvc.lock").unlink()
    monkeypatch.setattr(module, "_objects", lambda _root: None)
    assert bad(workspace) == []
    flip(ONE.folder(workspace) / "weights.npz")
    workspace.cache.rename(workspace.cache.with_name("away"))
    assert len(bad(workspace)) == 1


def test_what_only_dvc_knows_is_named(workspace, tmp_path):
    flip(workspace.train_splits / "D.npz")
    (said,) = bad(workspace)
    assert f"`dvc checkout --force {workspace.train_splits / 'D.npz'}` brings it back" in said
    for path in (tmp_path / "objects").rglob("*"):  # as DVC's cache may be linked with the study
        if path.is_file() and path.read_bytes() == b"split":
            path.write_bytes(b"spli?")
    (said,) = bad(workspace)
    assert "`dvc repro --force --single-item prepare` makes it anew" in said
    flip(workspace.results_table)
    assert len(bad(workspace)) == 2


def test_a_whole_run_that_is_another_is_named(workspace):
    """Its hashes fit each other, not what dvc.lock knows; it is not replaced: it may be newer."""
    folder = ONE.folder(workspace)
    for name, content in RUN.with_files({"weights.npz": b"others'", "oof.csv": b"oof"}).items():
        (folder / name).write_bytes(content)
    (said,) = bad(workspace)
    assert "run.json" in said
    assert "weights.npz" in said
    assert "not what dvc.lock knows" in said
    assert (folder / "weights.npz").read_bytes() == b"others'"


def test_a_list_that_leads_outside_is_not_followed(workspace, tmp_path):
    (tmp_path / "secret").write_bytes(b"a secret")
    listed = json.dumps([{"md5": md5(b"a secret"), "relpath": "../../../secret"}]).encode()
    known = md5(listed) + ".dir"
    (tmp_path / "objects" / known[:2]).mkdir(exist_ok=True)
    (tmp_path / "objects" / known[:2] / known[2:]).write_bytes(listed)
    lock = workspace.root / "dvc.lock"
    values = json.loads(lock.read_text())
    values["stages"]["train"]["outs"][0]["md5"] = known
    lock.write_text(json.dumps(values))
    assert any("its list is not in DVC's cache" in said for _, said in verify(workspace, lambda _: None))


@pytest.mark.parametrize(
    "text", ["[", "a: [", "3", "stages: 3", "stages: {train: 3}", "stages: {train: {outs: [3]}}"]
)
def test_a_damaged_lock_is_named(workspace, text):
    (workspace.root / "dvc.lock").write_text(text)
    with pytest.raises(module.LstmfcnError, match=r"dvc\.lock is damaged"):
        list(verify(workspace, lambda _: None))


def test_dvc_says_where_its_objects_are(tmp_path):
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"], cwd=tmp_path, check=True)
    assert module._objects(tmp_path) == tmp_path / ".dvc/cache/files/md5"
