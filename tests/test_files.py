"""Names that stay in their folder, and files of arrays and of JSON that are damaged in every way."""

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmfcn.files import (
    OutsideError,
    check_names,
    is_name,
    is_same,
    member,
    parse_json,
    place_copy,
    read_arrays,
    write_bytes,
)

PARTS = st.sampled_from(
    ["..", ".", "", "/", "\\", "a", "b.npz", "~", "\0", "C:",
     "\u202e", "..\\", ".hidden", "a.", "Ａ", "con\n", "%2e"]
)  # fmt: skip
TRICKS = st.lists(PARTS, max_size=5).map("/".join) | st.lists(PARTS, max_size=4).map("".join) | st.text()


@given(TRICKS)
def test_what_is_written_under_any_name_lies_in_the_folder(tmp_path_factory, name):
    """Against the system's own view of where the file went."""
    root = tmp_path_factory.mktemp("root")
    inner = root / "inner"
    inner.mkdir()
    try:
        path = member(inner, name)
    except OutsideError:
        return
    write_bytes(path, b"x")
    found = [Path(folder, file) for folder, _, files in os.walk(root) for file in files]
    assert [os.path.realpath(file) for file in found] == [os.path.realpath(path)]
    assert Path(os.path.realpath(path)).is_relative_to(os.path.realpath(inner))


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "/etc/passwd", "a/../../b", "a//b", "a/", "/a", "a\\b", "a\0", "a\n", " a",
     ".a", "a.", "é",
     "a" * 201, None, 3, ["a"], b"a", True],
)  # fmt: skip
def test_these_are_no_names(tmp_path, name):
    with pytest.raises(OutsideError):
        member(tmp_path, name)
    assert not is_name(name)


@pytest.mark.parametrize("name", ["run.json", "fold-0.npz", "a", "A_b-1.2.csv", "101", "_", "a" * 200])
def test_these_are(tmp_path, name):
    assert member(tmp_path, name) == tmp_path / name
    assert member(tmp_path, f"cells-8/{name}") == tmp_path / "cells-8" / name
    write_bytes(member(tmp_path, name), b"")  # its temporary file has a name too


def test_a_folder_that_is_a_link_leads_nowhere_else(tmp_path):
    (tmp_path / "outside").mkdir()
    inner = tmp_path / "inner"
    (inner / "real").mkdir(parents=True)
    (inner / "out").symlink_to(tmp_path / "outside")
    (inner / "in").symlink_to("real")
    (tmp_path / "link").symlink_to(inner)
    for folder in (inner, tmp_path / "link"):  # the folder itself may be one
        assert member(folder, "in/a") == folder / "in/a"
        with pytest.raises(OutsideError, match="is a link out of"):
            member(folder, "out/a")


@pytest.mark.parametrize(
    "names",
    [
        ["a", "a"],
        ["a", "A"],
        ["run.json", "Run.JSON"],
        ["a", "a/b"],
        ["a/b", "A"],
        ["x/a", "X/A"],
        ["..", "a"],
    ],
)
def test_two_names_of_one_file_are_refused(names):
    for order in (names, names[::-1]):
        with pytest.raises(OutsideError):
            check_names(order)


def test_names_that_differ_are_not():
    check_names(["a", "b", "a.b", "x/a", "x/b", "y/a"])


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 2}', '{"a": NaN}', "[Infinity]", "[" * 100_000, "", "{", "\xff"]
)
def test_what_is_no_json_is_a_value_error(text):
    with pytest.raises(ValueError):
        parse_json(text.encode("latin-1"))


def packed(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


ARRAYS = {
    "kernel": np.arange(12, dtype="float32").reshape(3, 4),
    "steps": np.array(3),
    "words": np.array(["a", "bc"]),
}
CONTENT = packed(**ARRAYS)


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_a_flipped_byte_of_arrays_is_a_value_error_or_changes_none_of_them(at, flip):
    """But for the list of them, which no checksum of a zip covers: whoever reads them knows their names."""
    damaged = CONTENT[:at] + bytes([CONTENT[at] ^ flip]) + CONTENT[at + 1 :]
    try:
        found = read_arrays(damaged)
    except ValueError:
        return
    for name in found.keys() & ARRAYS.keys():
        np.testing.assert_array_equal(found[name], ARRAYS[name], strict=True)


@given(st.integers(0, len(CONTENT) - 1))
def test_arrays_cut_short_are_a_value_error(end):
    with pytest.raises(ValueError, match="cannot be read"):
        read_arrays(CONTENT[:end])


def compressed():
    file = io.BytesIO()
    np.savez_compressed(file, a=np.zeros(1_000_000))
    return file.getvalue()


def huge():
    """An array whose header asks for more memory than any machine has."""
    file = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (1 << 45,)}
    np.lib.format.write_array_header_1_0(file, header)
    import zipfile

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("a.npy", file.getvalue())
    return archive.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        packed(a=np.array([{}], dtype=object)),
        compressed(),
        huge(),
        b"",
        b"\x80\x04N.",
        json.dumps([1]).encode(),
    ],
    ids=["pickle", "compressed", "huge", "empty", "bare pickle", "text"],
)
def test_what_are_no_arrays_of_ours_is_a_value_error(content, tmp_path):
    (tmp_path / "a.npz").write_bytes(content)
    for source in (content, tmp_path / "a.npz"):
        with pytest.raises(ValueError, match="its arrays cannot be read"):
            read_arrays(source)


def refused(*_):
    """Stand in for `os.link` where it does not work."""
    raise PermissionError


@pytest.mark.parametrize(
    ("name", "link", "n_links"),
    [("weights.npz", os.link, 2), ("weights.npz", refused, 1), ("oof.csv", os.link, 1)],
    ids=["arrays", "no links here", "text"],
)
def test_arrays_lie_on_the_disk_once(tmp_path, monkeypatch, name, link, n_links):
    source, path = tmp_path / "cache" / name, tmp_path / "out" / name
    write_bytes(source, b"content")
    write_bytes(path, b"older")
    assert not is_same(path, source)
    monkeypatch.setattr(os, "link", link)
    place_copy(source, path)
    assert is_same(path, source)
    assert path.read_bytes() == b"content"
    assert path.stat().st_nlink == n_links
    assert [found.name for found in path.parent.iterdir()] == [name]
    write_bytes(path, b"other")  # as all writing here: another file, not the same one changed
    assert source.read_bytes() == b"content"
