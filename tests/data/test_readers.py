import gzip
import os
import socket
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lstmfcn.data import textfile
from lstmfcn.data.fields import spelled_alike, spelled_as
from lstmfcn.data.layout import Layout, Reading
from lstmfcn.data.readers import columns, read_batches, read_series, write_series
from lstmfcn.data.series import LabelledSeries
from lstmfcn.errors import DataError


def ucr(*datasets):
    """Return the folders of real datasets, or skip."""
    given = os.environ.get("LSTMFCN_UCR_DIR")
    if not given:
        pytest.skip("LSTMFCN_UCR_DIR is unset: no copy of the archive")
    return [Path(given, dataset) for dataset in datasets]


def put(folder, name, text):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


SAME = {
    "a.tsv": "1\t0.5\t-2\t3e-1\n-1\t1\t2\t3\n",
    "crlf.tsv": "1\t0.5\t-2\t3e-1\r\n-1\t1\t2\t3\r\n",
    "bom.tsv": b"\xef\xbb\xbf1\t0.5\t-2\t3e-1\n-1\t1\t2\t3",
    "a.csv": "1.0,0.5,-2.0,0.3\n-1.0,1,2,3\n",
    "spaced.csv": "1, 0.5, -2, 0.3\n-1, 1, 2, 3\n",
    "no_suffix": "   1.0000000e+00   5.0000000e-01  -2.0000000e+00   3.0e-01\n  -1.0000000e+00 1 2 3\n",
    "a.ts": "# a comment\n@problemName a\n@classLabel true 1 -1\n@data\n0.5,-2,0.3:1\n1,2,3:-1\n",
}


@pytest.mark.parametrize("name", SAME)
def test_every_format_gives_the_same_series(tmp_path, name):
    series = read_series(put(tmp_path, name, SAME[name]))
    assert series.X.dtype == np.float64
    np.testing.assert_array_equal(series.X, [[[0.5, -2, 0.3]], [[1, 2, 3]]])
    assert series.labels.tolist() == ["1", "-1"]
    assert series.rows.tolist() == ([5, 6] if name == "a.ts" else [1, 2])
    assert series.path == tmp_path / name


@pytest.mark.parametrize("name", SAME)
def test_every_format_is_read_compressed(tmp_path, name):
    content = SAME[name] if isinstance(SAME[name], bytes) else SAME[name].encode()
    path = put(tmp_path, f"{name}.gz", gzip.compress(content))
    series = read_series(path)
    np.testing.assert_array_equal(series.X, [[[0.5, -2, 0.3]], [[1, 2, 3]]])
    assert series.labels.tolist() == ["1", "-1"]
    assert series.path == path


def test_blank_lines_are_passed_over_but_counted(tmp_path):
    series = read_series(put(tmp_path, "a.tsv", "\n1\t0\t1\n\n  \n2\t3\t4\n\n"))
    assert series.rows.tolist() == [2, 5]
    with pytest.raises(DataError, match=r"a\.csv, row 4\b.*3 columns.*row 1 has 2"):
        read_series(put(tmp_path, "a.csv", "1,2\n\n1,2\n1,2,3\n"))


def test_channels_of_a_ts_file(tmp_path):
    text = "@univariate false\n@dimensions 2\n@classLabel true walk run\n@data\n1,2:3,4:walk\n5,6:7,?:run\n"
    series = read_series(put(tmp_path, "a.ts", text))
    np.testing.assert_array_equal(series.X, [[[1, 2], [3, 4]], [[5, 6], [7, np.nan]]])
    assert series.labels.tolist() == ["walk", "run"]


@pytest.mark.parametrize("header", ["@classLabel false\n", ""])
def test_a_ts_file_says_itself_that_it_has_no_labels(tmp_path, header):
    series = read_series(put(tmp_path, "a.ts", f"{header}@data\n1,2,3\n4,5,6\n"))
    assert series.labels is None
    np.testing.assert_array_equal(series.X, [[[1, 2, 3]], [[4, 5, 6]]])


@pytest.mark.parametrize("token", ["NaN", "nan", "?", "", " "])
def test_missing_values(tmp_path, token):
    series = read_series(put(tmp_path, "a.csv", f"1,0,{token},2\n"))
    np.testing.assert_array_equal(series.X, [[[0, np.nan, 2]]])


def test_infinite_values_are_read_as_such(tmp_path):
    """An overflow of float64 counts as infinite: the checks report it."""
    series = read_series(put(tmp_path, "a.tsv", "1\tinf\t-Inf\t1e400\t1e39\n"))
    np.testing.assert_array_equal(series.X, [[[np.inf, -np.inf, np.inf, 1e39]]])


def test_small_steps_on_a_large_offset_are_kept(tmp_path):
    """Where float32 has steps of 0.5."""
    series = read_series(put(tmp_path, "a.tsv", "1\t5400000.1\t5399999.9\t5400000.05\n"))
    np.testing.assert_array_equal(series.X, [[[5400000.1, 5399999.9, 5400000.05]]])


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        ("1.0000000e+00 1 1.0 -1.0 2. -0.0", "1 1 1 -1 2 0"),
        ("5.0000000e-01 0.5", "0.5 0.5"),
        ("01 1", "01 1"),
        ("1.1 1.10", "1.1 1.10"),
        ("1e1 10", "1e1 10"),
        ("9007199254740992 9007199254740993", "9007199254740992 9007199254740993"),
        ("9007199254740993.0 9007199254740993", "9007199254740993 9007199254740993"),
        ("1.0 1 2b", "1.0 1 2b"),
        ("walk 1.0", "walk 1.0"),
        ("1_0 10", "1_0 10"),
        ("inf 1.0", "inf 1.0"),
    ],
)
def test_labels_are_one_where_all_are_plainly_numbers_and_equal(tmp_path, given, spelled):
    assert spelled_alike(given.split()) == spelled.split()
    assert spelled_alike(spelled.split()) == spelled.split()
    path = put(tmp_path, "a.tsv", "".join(f" {label} \t0\t1.5\n" for label in given.split()))
    assert read_series(path).labels.tolist() == spelled.split()


def test_labels_are_spelled_as_the_classes_of_a_model():
    assert spelled_as(["1.0", "1", "x", "01", "2.0"], ("1", "2")) == ["1", "1", "x", "01", "2"]
    assert spelled_as(["1.0", "01"], ("01", "1.0")) == ["1.0", "01"]


def test_the_length_says_whether_there_are_labels(tmp_path):
    path = put(tmp_path, "a.tsv", "1\t2\t3\n4\t5\t6\n")
    labelled = read_series(path, length=2)
    assert labelled.labels.tolist() == ["1", "4"]
    np.testing.assert_array_equal(labelled.X, [[[2, 3]], [[5, 6]]])
    bare = read_series(path, length=3)
    assert bare.labels is None
    np.testing.assert_array_equal(bare.X, [[[1, 2, 3]], [[4, 5, 6]]])
    with pytest.raises(DataError, match=r"a\.tsv, row 1: 3 columns.* 7 values"):
        read_series(path, length=7)


FAULTS = {
    "a word": ("a.tsv", "1\t0\t1\n1\t0\tabc\n", r"a\.tsv, row 2, column 3: 'abc'"),
    "an underscore in a number": ("a.csv", "1,0,1\n1,1_000,2\n", r"a\.csv, row 2, column 2: '1_000'"),
    "two header lines": ("a.csv", "label,t0,t1\na,b,c\n1,2,3\n", r"row 1, column 2: 't0'.*header"),
    "a cut last line": ("a.tsv", "1\t0\t1\t2\n1\t0\t1\n", r"a\.tsv, row 2: 3 columns, where row 1 has 4"),
    "no label": ("a.tsv", "1\t0\t1\n\t0\t1\n", r"a\.tsv, row 2, column 1: the label is missing"),
    "a label that is NaN": ("a.csv", "1,0\nnan,0\n", r"a\.csv, row 2, column 1: the label is missing"),
    "nothing": ("a.tsv", "", r"a\.tsv holds no series"),
    "blank lines alone": ("a.tsv", "\n \n", r"a\.tsv holds no series"),
    "one column": ("a.txt", "1\n2\n", r"a\.txt, row 1: one column only"),
    "an unknown delimiter": ("a.csv", "1~2~3\n", r"a\.csv, row 1: one column only"),
    "an image": ("a.tsv", b"\x89PNG\r\n\x1a\n\x00\x00\xff", r"a\.tsv is a picture \(PNG\), not text"),
    "zero bytes": ("a.tsv", b"1\t2\t\x00\x00\n", r"a\.tsv"),
    "ts: a word": ("a.ts", "@classLabel true 1\n@data\n1,2:3,x:1\n", r"a\.ts, row 3, column 4: 'x'"),
    "ts: no @data": ("a.ts", "@classLabel true 1\n", r"a\.ts has no line @data"),
    "ts: a series in the header": ("a.ts", "@classLabel true 1\n1,2:1\n", r"a\.ts, row 2: .*@data"),
    "ts: nothing": ("a.ts", "@classLabel true 1\n@data\n", r"a\.ts holds no series"),
    "ts: a channel is shorter": ("a.ts", "@classLabel true 1\n@data\n1,2:3:1\n", r"a\.ts, row 3: 2 channel"),
    "ts: a channel is lacking": (
        "a.ts",
        "@classLabel true 1\n@data\n1,2:3,4:1\n\n1,2:1\n",
        r"a\.ts, row 5: 1 channel.*first series has 2\.",
    ),
    "ts: no label": (
        "a.ts",
        "@classLabel true 1\n@data\n1,2:1\n1,2\n",
        r"a\.ts, row 4, after the last colon: the label",
    ),
    "ts: time stamps": ("a.ts", "@timeStamps true\n@data\n(0,1),(1,2)\n", r"a\.ts, row 1: .*time stamps"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_its_place(tmp_path, fault):
    name, content, message = FAULTS[fault]
    with pytest.raises(DataError, match=message):
        read_series(put(tmp_path, name, content))


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.tsv is missing"):
        read_series(tmp_path / "none.tsv")
    with pytest.raises(DataError, match="cannot be read"):
        read_series(tmp_path)


def test_what_is_no_file_is_named_for_what_it_is(tmp_path):
    os.mkfifo(tmp_path / "pipe.tsv")
    (tmp_path / "loop.tsv").symlink_to(tmp_path / "loop.tsv")
    (tmp_path / "device.csv").symlink_to("/dev/zero")
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{short}/a.tsv")
        for path, kind in (
            (tmp_path, "a folder"),
            (tmp_path / "pipe.tsv", "a pipe"),
            (tmp_path / "device.csv", "a device"),
            (Path(short, "a.tsv"), "a socket"),
        ):
            with pytest.raises(DataError, match=f"{path.name} cannot be read: it is {kind}, not a file"):
                read_series(path)
    with pytest.raises(DataError, match=r"loop\.tsv cannot be read.*symbolic links"):
        read_series(tmp_path / "loop.tsv")


@pytest.mark.parametrize("change", [lambda c: c[:-9], lambda c: b"no gzip", lambda c: c[:20] + b"x" + c[21:]])
def test_damaged_gzip_is_named(tmp_path, change):
    content = gzip.compress(b"1\t2\t3\n" * 100)
    with pytest.raises(DataError, match=r"a\.tsv\.gz cannot be read as text"):
        read_series(put(tmp_path, "a.tsv.gz", change(content)))


def test_a_file_without_lines_and_an_endless_label_are_refused(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"row 2, column 1: a label of 2,000 characters, 'xxx"):
        read_series(put(tmp_path, "a.csv", f"1,2\n{'x' * 2000},2\n"))
    monkeypatch.setattr(textfile, "LONGEST", 1000)
    assert len(read_series(put(tmp_path, "a.tsv", "1\t" + "0" * 997 + "\n1\t2\n")).X) == 2
    with pytest.raises(DataError, match=r"a\.tsv, row 2: a line of more than 1,000 characters"):
        read_series(put(tmp_path, "a.tsv", "1\t2\n1\t" + "0" * 999 + "\n"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    n=st.integers(1, 40),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 5)),
    n_values=st.integers(1, 60),
    packed=st.booleans(),
)
def test_batches_are_the_file_cut_in_pieces(tmp_path, n, shape, n_values, packed):
    """Against what was written, whatever the border."""
    X = np.random.default_rng(n).normal(size=(n, *shape))
    labels = np.array([f"class {i % 3}" for i in range(n)])
    path = write_series(tmp_path, "a", LabelledSeries(X, labels, np.arange(n), Path("x")))
    if packed:
        path = put(tmp_path, f"{path.name}.gz", gzip.compress(path.read_bytes()))
    found = list(read_batches(path, n_values))
    np.testing.assert_array_equal(np.concatenate([series.X for series, _ in found]), X)
    assert [label for series, _ in found for label in series.labels] == labels.tolist()
    first_row = 5 if shape[0] > 1 else 1
    assert [row for series, _ in found for row in series.rows] == list(range(first_row, first_row + n))
    assert {len(series.X) for series, _ in found[:-1]} <= {-(-n_values // (shape[0] * shape[1]))}
    shares = [share for _, share in found]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_batches_come_before_the_fault_that_follows(tmp_path):
    path = put(tmp_path, "a.tsv", "1\t2\t3\n" * 4 + "1\t2\tx\n")
    batches = read_batches(path, 4)
    assert [len(next(batches)[0].X) for _ in range(2)] == [2, 2]
    with pytest.raises(DataError, match="row 5, column 3: 'x'"):
        next(batches)
    with pytest.raises(DataError, match="holds no series"):
        next(read_batches(put(tmp_path, "b.tsv", "\n"), 4))


values = st.floats(allow_nan=True, allow_infinity=True)
shapes = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 6))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(X=hnp.arrays(np.float64, shapes, elements=values), data=st.data())
def test_what_is_written_reads_back_to_the_bit(tmp_path, X, data):
    labels = data.draw(
        st.lists(st.sampled_from(["-1", "0.5", "3", "walk"]), min_size=len(X), max_size=len(X))
    )
    series = LabelledSeries(X, np.array(labels), np.arange(1, len(X) + 1), Path("x"))
    path = write_series(tmp_path, "a", series)
    assert path.name == ("a.ts" if X.shape[1] > 1 else "a.tsv")
    read = read_series(path)
    assert read.labels.tolist() == labels
    np.testing.assert_array_equal(np.isnan(read.X), np.isnan(X))
    known = ~np.isnan(X)
    np.testing.assert_array_equal(read.X[known].view(np.uint64), X[known].view(np.uint64))


def test_numbers_are_written_with_the_fewest_digits(tmp_path):
    X = np.array([[[0.1, 1 / 3]]])
    path = write_series(tmp_path, "a", LabelledSeries(X, np.array(["1"]), np.array([1]), Path("x")))
    assert path.read_text().split("\t") == ["1", "0.1", "0.3333333333333333\n"]


@pytest.mark.parametrize(
    ("dataset", "labels"),
    [
        ("GunPoint", "1 2"),
        ("ECG200", "-1 1"),
        ("Coffee", "0 1"),
        ("ArrowHead", "0 1 2"),
        ("MiddlePhalanxTW", "3 4 5 6 7 8"),
    ],
)
def test_real_files_read_as_numpy_reads_them(dataset, labels):
    (folder,) = ucr(dataset)
    for split in ("TRAIN", "TEST"):
        path = folder / f"{dataset}_{split}.tsv"
        series = read_series(path)
        expected = np.loadtxt(path, delimiter="\t")
        np.testing.assert_array_equal(series.X[:, 0], expected[:, 1:])
        np.testing.assert_array_equal(series.labels.astype(float), expected[:, 0])
        assert set(series.labels) == set(labels.split())
        assert series.rows.tolist() == list(range(1, len(expected) + 1))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(1, 100))
def test_a_batch_of_unequal_series_holds_no_more_than_is_asked_for(tmp_path, lengths, n_values):
    """Each as long as the longest of its batch; or it is the one series."""
    series = [np.arange(1.0, 1 + n) for n in lengths]
    lines = [",".join(map(str, one)) for one in series]
    path = put(tmp_path, "a.ts", "@classLabel false\n@data\n" + "".join(f"{line}\n" for line in lines))
    found = [part for part, _ in read_batches(path, n_values)]
    for part in found:
        assert len(part.X) == 1 or part.X[:-1].size < n_values
    got = [one[0, ~np.isnan(one[0])] for part in found for one in part.X]
    assert [one.tolist() for one in got] == [one.tolist() for one in series]


RAGGED = [("a", [1.5, 2.5, 3.5]), ("b", [4.5]), ("a", [5.5, 6.5, 7.5, 8.5, 9.5]), ("b", [0.5, 1.5])]


@pytest.mark.parametrize("sample", [1, 2, 100])
@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_rows_may_end_early_where_series_of_any_length_are_taken(
    tmp_path, monkeypatch, sample, labelled, delimiter
):
    """Wherever the longest stands, and however many rows are looked at first; else they are refused."""
    monkeypatch.setattr(columns, "SAMPLE", sample)
    decimal = "," if delimiter == ";" else "."
    rows = [[label] * labelled + [str(v).replace(".", decimal) for v in x] for label, x in RAGGED]
    path = put(tmp_path, "a.csv", "".join(delimiter.join(row) + "\n" for row in rows))
    known = Layout(label="first" if labelled else "none", header=False, decimal=decimal, delimiter=delimiter)
    found = read_series(path, reading=Reading(layout=known, any_length=True))
    assert [x[0, :n].tolist() for x, n in zip(found.X, found.ends(), strict=True)] == [x for _, x in RAGGED]
    assert labelled == (found.labels is not None)
    with pytest.raises(DataError, match=r"row 2: .* columns?, where row 1 .*(prepare\.lengths|a comment)"):
        read_series(path, reading=Reading(layout=known))


@pytest.mark.parametrize(
    ("rows", "labels"),
    [
        (["1,0.5,2", "2,0.25", "1,7"], ["1", "2", "1"]),
        (["0.5,2,9", "0.25,1", "7,1"], None),
        (["up,0.5,2", "down,0.25"], ["up", "down"]),
    ],
)
def test_where_any_length_is_taken_the_models_classes_tell_labels_from_values(tmp_path, rows, labels):
    path = put(tmp_path, "a.csv", "".join(f"{row}\n" for row in rows))
    found = read_series(path, reading=Reading(any_length=True, classes=("1", "2")))
    assert (None if found.labels is None else found.labels.tolist()) == labels
    mixed = put(tmp_path, "b.csv", "1,0.5,2\n0.3,2\n")
    with pytest.raises(DataError, match=r"'1', and others, '0\.3'\. Say --label first"):
        read_series(mixed, reading=Reading(any_length=True, classes=("1", "2")))
