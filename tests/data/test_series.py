import numpy as np
import pytest

from lstmfcn.data.series import Split, encode_labels
from lstmfcn.errors import DataError


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["1", "-1", "1"], ("-1", "1")),
        (["10", "9", "2"], ("2", "9", "10")),
        (["b", "a", "10"], ("10", "a", "b")),
    ],
)
def test_labels_are_encoded_by_their_sorted_values(labels, classes):
    y, found = encode_labels(np.array(labels))
    assert found == classes
    assert [found[i] for i in y] == labels


def test_a_split_reads_back_equal_and_writes_equal_bytes(tmp_path):
    rng = np.random.default_rng(0)
    split = Split(rng.normal(size=(4, 2, 5)).astype("float32"), np.array([0, 1, 1, 0]), ("-1", "1"))
    split.save(tmp_path / "a.npz")
    split.save(tmp_path / "b.npz")
    read = Split.load(tmp_path / "a.npz")
    np.testing.assert_array_equal(read.X, split.X)
    np.testing.assert_array_equal(read.y, split.y)
    assert read.classes == split.classes
    assert read.hash == split.hash
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_damaged_split_is_named(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"PK nothing")
    with pytest.raises(DataError, match=r"x\.npz is damaged"):
        Split.load(tmp_path / "x.npz")


def test_groups_are_kept_and_count_and_without_them_nothing_is_written(tmp_path):
    X, y, classes = np.zeros((3, 1, 5), "float32"), np.array([0, 1, 1]), ("a", "b")
    plain, grouped, other = (
        Split(X, y, classes, None if names is None else np.array(names))
        for names in (None, ["p1", "p2", "p2"], ["p1", "p1", "p2"])
    )
    assert len({plain.hash, grouped.hash, other.hash}) == 3
    for split in (plain, grouped):
        split.save(tmp_path / "a.npz")
        read = Split.load(tmp_path / "a.npz")
        assert read.hash == split.hash
    with np.load(tmp_path / "a.npz") as file:
        assert file["groups"].tolist() == ["p1", "p2", "p2"]
    plain.save(tmp_path / "b.npz")
    with np.load(tmp_path / "b.npz") as file:
        assert file.files == ["X", "y", "classes"]


def test_groups_that_do_not_fit_are_damage(tmp_path):
    Split(np.zeros((3, 1, 5), "float32"), np.zeros(3, "int64"), ("a",), np.array(["p"])).save(
        tmp_path / "a.npz"
    )
    with pytest.raises(DataError, match=r"a\.npz is damaged \(groups"):
        Split.load(tmp_path / "a.npz")
