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


def test_a_key_changes_with_everything_that_decides_the_result():
    base = {"stage": "train", "data": "d", "recipe": {"epochs": 1}, "upstream": "", "code": "c"}
    keys = {job_key(**base)} | {job_key(**(base | {k: f"other {k}"})) for k in base}
    assert len(keys) == 6
    assert job_key(**base) == job_key(**base)
