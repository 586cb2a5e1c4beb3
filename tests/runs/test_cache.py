import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmfcn.files import OutsideError, hash_bytes
from lstmfcn.runs.cache import Cache, job_key


def test_a_bundle_reads_back_equal_with_its_facts(tmp_path):
    cache = Cache(tmp_path / "cache")
    assert cache.get("k") is None
    cache.put("k", {"a/b.txt": b"one", "c.bin": b"\x00"}, {"device": "cpu"})
    assert cache.get("k") == {"a/b.txt": b"one", "c.bin": b"\x00"}
    assert cache.facts("k") == {"device": "cpu"}
    cache.put("k", {"c.bin": b"2"}, {})
    assert cache.get("k") == {"c.bin": b"2"}
    assert [p.name for p in cache.root.iterdir()] == ["k"]


def test_a_damaged_bundle_counts_as_missing(tmp_path):
    cache = Cache(tmp_path)
    cache.put("k", {"a": b"one"}, {})
    (tmp_path / "k" / "a").write_bytes(b"two")
    assert cache.get("k") is None
    (tmp_path / "k" / "manifest.json").write_text("{")
    assert cache.get("k") is None
    assert cache.facts("k") == {}


def test_what_was_not_touched_is_not_read_again(tmp_path, monkeypatch):
    cache = Cache(tmp_path)
    cache.put("k", {"a": b"one", "b/c": b"two"}, {}, synced=False)
    os.utime(tmp_path / "k/a")
    read = []
    own = Cache._read
    monkeypatch.setattr(Cache, "_read", lambda *asked: read.append(asked[2]) or own(*asked))
    assert cache.paths("k") == {"a": tmp_path / "k/a", "b/c": tmp_path / "k/b/c"}
    assert read == ["a"]
    assert cache.paths("l") is None


@pytest.mark.parametrize("damage", ["cut", "gone", "linked"])
def test_a_bundle_of_which_a_file_was_damaged_has_no_paths(tmp_path, damage):
    cache = Cache(tmp_path)
    cache.put("k", {"a": b"one", "b": b"two"}, {})
    path = tmp_path / "k/b"
    if damage == "cut":
        path.write_bytes(b"")
    else:
        path.rename(tmp_path / "elsewhere")
    if damage == "linked":
        path.symlink_to(tmp_path / "elsewhere")
    assert cache.paths("k") is None


def test_a_key_changes_with_everything_that_decides_the_result():
    base = {"stage": "train", "data": "d", "recipe": {"epochs": 1}, "upstream": "", "code": "c"}
    keys = {job_key(**base)} | {job_key(**(base | {k: f"other {k}"})) for k in base}
    assert len(keys) == 6
    assert job_key(**base) == job_key(**base)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional={"files": JSON, "facts": JSON}) | JSON)
def test_any_manifest_is_that_of_no_bundle_or_of_a_whole_one(tmp_path_factory, manifest):
    cache = Cache(tmp_path_factory.mktemp("cache"))
    cache.put("k", {"a": b"one"}, {"seconds": 1.5})
    (cache.root / "k/manifest.json").write_text(json.dumps(manifest))
    assert cache.get("k") is None
    assert cache.paths("k") is None
    assert cache.find("k", hash_bytes(b"one")) is None
    assert all(isinstance(value, str | int | float) for value in cache.facts("k").values())


@pytest.mark.parametrize(
    "content",
    [b"[" * 200_000, b'{"files": {"a": 1}}', b"\xff", b"", b" " * (2 << 20), b'{"files": {}, "facts": 3}'],
)
def test_a_manifest_that_is_none_costs_the_bundle_not_the_stage(tmp_path, content):
    cache = Cache(tmp_path)
    cache.put("k", {"a": b"one"}, {})
    (tmp_path / "k/manifest.json").write_bytes(content)
    assert "k" in cache
    assert cache.get("k") is None
    assert cache.facts("k") == {}
    cache.put("k", {"a": b"one"}, {})  # as the job does that runs again
    assert cache.get("k") == {"a": b"one"}


NAMES = [
    "../secret",
    "../../secret",
    "/etc/hostname",
    "a/../../secret",
    "..",
    ".",
    "",
    "a\\b",
    "a\0",
    ".a",
    "link/a",
]


@pytest.mark.parametrize("name", [*NAMES, "pipe", "linked", "manifest.json"])
def test_a_manifest_names_no_file_outside(tmp_path, name):
    """Even where it knows the hash of what is there."""
    secret = b"a secret"
    (tmp_path / "secret").write_bytes(secret)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").write_bytes(secret)
    cache = Cache(tmp_path / "cache")
    cache.put("k", {"a": b"one"}, {})
    folder = cache.root / "k"
    (folder / "link").symlink_to(tmp_path / "out")
    (folder / "linked").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "pipe")
    manifest = {"files": {"a": hash_bytes(b"one"), name: hash_bytes(secret)}, "facts": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert cache.get("k") is None
    assert cache.paths("k") is None
    assert cache.find("k", hash_bytes(secret)) is None


@pytest.mark.parametrize(
    "names", [*([name] for name in NAMES[:-1]), ["a", "A"], ["a", "a/b"], ["Manifest.JSON"]]
)
def test_a_bundle_writes_nothing_outside(tmp_path, names):
    cache = Cache(tmp_path / "cache")
    with pytest.raises(OutsideError):
        cache.put("k", dict.fromkeys(names, b"x"), {})
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("key", ["../k", "..", "/k", "", "."])
def test_a_key_names_no_folder_outside(tmp_path, key):
    """A run's file says what its job was."""
    outside = Cache(tmp_path)
    outside.put("k", {"a": b"one"}, {"device": "cpu"})
    (tmp_path / "cache").mkdir()
    cache = Cache(tmp_path / "cache")
    assert cache.facts(key) == {}
    assert cache.get(key) is None


def test_a_folder_that_is_a_link_is_no_bundle_and_is_replaced(tmp_path):
    outside, cache = Cache(tmp_path / "outside"), Cache(tmp_path / "cache")
    outside.put("k", {"a": b"one"}, {})
    cache.root.mkdir()
    (cache.root / "k").symlink_to(outside.root / "k")
    assert cache.get("k") is None
    cache.put("k", {"a": b"two"}, {})
    assert cache.get("k") == {"a": b"two"}
    assert outside.get("k") == {"a": b"one"}


def test_what_is_no_fact_is_left_out(tmp_path):
    cache = Cache(tmp_path)
    facts = {"started": 1, "seconds": 2.5, "device": "cpu", "commit": None, "version": "1"}
    cache.put("k", {"a": b""}, facts)
    assert cache.facts("k") == {name: value for name, value in facts.items() if value is not None}
    cache.put("k", {"a": b""}, {"started": "soon", "seconds": -1, "device": [1], "version": True})
    assert cache.facts("k") == {}
