"""A file format from outside the package: one module of an installed package, named by an entry point."""

import subprocess
import sys

import numpy as np
import pytest

from lstmfcn.data import readers
from lstmfcn.data.collection import fetch_dataset, read_dataset
from lstmfcn.errors import DataError
from lstmfcn.plugins import points

TOY = """
import numpy as np
from lstmfcn.data.series import LabelledSeries

SUFFIXES = (".toy", ".toys")


def read(path, *, length=None):
    lines = [line.split(">") for line in path.read_text().splitlines()]
    X = np.array([[[float(v) for v in values.split()]] for values, _ in lines])
    labels = np.array([label.strip() for _, label in lines])
    return LabelledSeries(X, labels, np.arange(1, len(X) + 1), path)
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Lay down a package as an installer does; return where."""

    def lay_down(source=TOY, value="toy_format.toy"):
        site = tmp_path / "site"
        (site / "toy_format").mkdir(parents=True)
        (site / "toy_format/__init__.py").touch()
        (site / "toy_format/toy.py").write_text(source)
        info = site / "toy_format-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-format\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[lstmfcn.readers]\ntoy = {value}\n")
        monkeypatch.syspath_prepend(site)
        readers._readers.cache_clear()
        points.cache_clear()
        return site

    yield lay_down
    monkeypatch.undo()
    readers._readers.cache_clear()
    points.cache_clear()
    for name in [name for name in sys.modules if name.startswith("toy_format")]:
        del sys.modules[name]


def test_a_format_of_another_package_is_read_and_fetched(tmp_path, install):
    install()
    (tmp_path / "ucr/Mine").mkdir(parents=True)
    for split in ("TRAIN", "TEST"):
        (tmp_path / f"ucr/Mine/Mine_{split}.toy").write_text("1 2 3 > a\n4 5 6.5 > b\n")
    folder = fetch_dataset("Mine", tmp_path / "raw", ucr_dir=tmp_path / "ucr")
    assert (folder / "Mine_TRAIN.tsv").read_text() == "a\t1.0\t2.0\t3.0\nb\t4.0\t5.0\t6.5\n"
    train, test = read_dataset(folder)
    np.testing.assert_array_equal(train.X, [[[1, 2, 3]], [[4, 5, 6.5]]])
    assert test.labels.tolist() == ["a", "b"]


def test_a_format_that_is_no_text_is_cut_in_pieces_and_not_read_compressed(tmp_path, install):
    install()
    (tmp_path / "a.toy").write_text("".join(f"{i} 2 3 > a\n" for i in range(5)))
    found = list(readers.read_batches(tmp_path / "a.toy", 6))
    assert [series.X[:, 0, 0].tolist() for series, _ in found] == [[0, 1], [2, 3], [4]]
    assert [series.rows.tolist() for series, _ in found] == [[1, 2], [3, 4], [5]]
    assert [len(series.labels) for series, _ in found] == [2, 2, 1]
    assert [share for _, share in found] == [0.4, 0.8, 1]
    with pytest.raises(DataError, match=r"a\.toy\.gz: files of the format \.toy are not read compressed"):
        readers.read_series(tmp_path / "a.toy.gz")


def test_the_order_of_our_own_formats_does_not_depend_on_others(install):
    own = (".tsv", ".ts", ".arff", ".npz", ".parquet", ".txt", ".npy", ".pq", ".csv", "")
    assert readers.suffixes() == own
    install()
    assert readers.suffixes() == (*own[:5], ".toy", *own[5:8], ".toys", *own[8:])


def test_its_code_counts(install):
    """In a process of its own: the code hash is computed once."""
    program = (
        "from lstmfcn.data.readers import code; from lstmfcn.runs.code import code_of; "
        "print(*code_of(*code()), sep='\\n')"
    )
    site = install()
    path = ":".join([str(site), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    listed = done.stdout.split()
    assert {"toy_format/toy.py", "lstmfcn/data/readers/ts.py", "lstmfcn/data/fields.py"} <= set(listed)


@pytest.mark.parametrize(
    ("source", "value", "message"),
    [
        (
            "import none_such",
            "toy_format.toy",
            r"format toy \(toy_format\.toy\) does not load.*none_such.*toy-format",
        ),
        (TOY, "toy_format.toy:absent", r"does not load.*absent"),
        (
            TOY.replace(".toys", ".ts"),
            "toy_format.toy",
            r"toy_format\.toy and lstmfcn\.data\.readers\.ts both read",
        ),
    ],
)
def test_a_format_that_does_not_load_is_named(install, tmp_path, source, value, message):
    install(source, value)
    with pytest.raises(DataError, match=message):
        readers.read_series(tmp_path / "a.tsv")
