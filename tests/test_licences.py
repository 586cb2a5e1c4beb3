"""Licences: every package that is installed because of this one, and what it states."""

from importlib.metadata import Distribution, distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lstmfcn.licences import closure, licences, stated


def test_every_dependency_is_listed_once_with_a_licence():
    found = licences()
    names = [canonicalize_name(one.name) for one in found]
    assert len(names) == len(set(names))
    parts = {name: one.part for name, one in zip(names, found, strict=True)}
    direct = [Requirement(text) for text in distribution("lstmfcn").requires]
    for needed in direct:
        if needed.marker is None:
            assert parts[canonicalize_name(needed.name)] == "core"
        elif needed.marker.evaluate({"extra": "pipeline"}):
            assert canonicalize_name(needed.name) in parts
    assert {"mlflow", "dvc"} <= {name for name, part in parts.items() if part == "pipeline"}
    assert not [one for one in found if one.licence == "not stated"]


def test_what_the_light_core_needs_is_under_no_gpl():
    """SECURITY.md says so, and which there are in the extra."""
    gpl = {one.name: one.part for one in licences() if "GPL" in one.licence}
    assert gpl == dict.fromkeys(["asyncssh", "dulwich", "grandalf", "pygit2"], "pipeline")


def test_what_is_needed_by_an_extra_alone_is_not_the_packages_own():
    own, more = (closure([Requirement(text)]) for text in ("lstmfcn", "lstmfcn[pipeline]"))
    assert own.keys() < more.keys()
    assert closure([Requirement("no-such-package")]) == {}


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("License-Expression: MIT", "MIT"),
        ("Classifier: License :: OSI Approved :: MIT License", "MIT License"),
        ("License: BSD\nClassifier: License :: OSI Approved", "BSD"),
        ("License: GPLv2 | EPLv1\nClassifier: License :: OSI Approved :: GPLv2 (GPLv2)", "GPLv2 | EPLv1"),
        ("Summary: nothing", "not stated"),
    ],
)
def test_a_licence_is_read_wherever_it_is_stated(tmp_path, text, licence):
    (tmp_path / "a.dist-info").mkdir()
    (tmp_path / "a.dist-info/METADATA").write_text(f"Metadata-Version: 2.4\nName: a\nVersion: 1\n{text}\n")
    assert stated(Distribution.at(tmp_path / "a.dist-info")) == licence
