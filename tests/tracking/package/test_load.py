"""A package's description, read as MLflow wrote it."""

import yaml

from lstmfcn.tracking.package.check import read_description

LABELS = ["1", "1e3", "1.0", ".5", "0o14", "0x1F", "1_000", "12:30:45", "2026-01-31", "No", "null", "~", "="]


def test_labels_that_look_like_something_else_stay_text(tmp_path):
    """As PyYAML writes them, by whose rules MLflow does."""
    description = {
        "metadata": {"classes": [*LABELS, "ä", "a: b", " x", "- y", "#z", ""]},
        "signature": "[1,\n 2]",
    }
    (tmp_path / "MLmodel").write_text(yaml.safe_dump(description, allow_unicode=True), encoding="utf-8")
    assert read_description(tmp_path) == description
