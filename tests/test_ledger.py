from lstmfcn.ledger import Ledger, code_hash, job_key


def test_a_bundle_reads_back_equal_with_its_facts(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    assert ledger.get("k") is None
    ledger.put("k", {"a/b.txt": b"one", "c.bin": b"\x00"}, {"device": "cpu"})
    assert ledger.get("k") == {"a/b.txt": b"one", "c.bin": b"\x00"}
    assert ledger.facts("k") == {"device": "cpu"}
    ledger.put("k", {"c.bin": b"2"}, {})
    assert ledger.get("k") == {"c.bin": b"2"}
    assert [p.name for p in ledger.root.iterdir()] == ["k"]


def test_a_damaged_bundle_counts_as_missing(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.put("k", {"a": b"one"}, {})
    (tmp_path / "k" / "a").write_bytes(b"two")
    assert ledger.get("k") is None
    (tmp_path / "k" / "manifest.json").write_text("{")
    assert ledger.get("k") is None
    assert ledger.facts("k") == {}


def test_a_key_changes_with_everything_that_decides_the_result():
    base = {"stage": "train", "data": "d", "recipe": {"epochs": 1}, "upstream": "", "code": "c"}
    keys = {job_key(**base)} | {job_key(**(base | {k: f"other {k}"})) for k in base}
    assert len(keys) == 6
    assert job_key(**base) == job_key(**base)


def test_the_code_hash_follows_the_source():
    assert code_hash("models") == code_hash("models")
    assert code_hash("models") != code_hash("models", "training")
