"""Long tables, Parquet, ARFF and arrays, against what they are made from."""

import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmfcn.data import textfile
from lstmfcn.data.fitting import read_for
from lstmfcn.data.layout import Layout, Reading
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.readers import read_batches, read_series
from lstmfcn.data.textfile import encoding_of
from lstmfcn.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(9, 2, 5)).round(4)
Y = [f"class {i % 3}" for i in range(9)]


def put(folder, name, content):
    path = Path(folder, name)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def long_frame(channels=2):
    rows = [
        (f"s{i}", 10.0 * t, f"c{c}", X[i, c, t], Y[i], f"p{i // 2}")
        for i in range(9)
        for t in range(5)
        for c in range(channels)
    ]
    return pd.DataFrame(rows, columns=["id", "t", "channel", "v", "label", "patient"])


LONG = Layout(id="id", time="t", channel="channel", values=("v",), label="label", group="patient")


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".parquet.gz"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_long_tables_give_the_series_they_were_made_from(tmp_path, suffix, shuffled):
    frame = long_frame()
    frame = frame.sample(frac=1, random_state=3) if shuffled else frame
    plain = tmp_path / f"a{suffix.removesuffix('.gz')}"
    frame.to_csv(plain, index=False) if ".csv" in suffix else frame.to_parquet(plain)
    path = put(tmp_path, f"a{suffix}", gzip.compress(plain.read_bytes())) if ".gz" in suffix else plain
    series = read_series(path, reading=Reading(layout=LONG))
    order = [int(name[1:]) for name in series.ids]
    assert sorted(order) == list(range(9))
    np.testing.assert_array_equal(series.X, X[order])
    assert series.labels.tolist() == [Y[i] for i in order]
    assert series.groups.tolist() == [f"p{i // 2}" for i in order]
    assert series.lengths is None


def test_columns_of_values_are_channels_and_dates_are_times(tmp_path):
    frame = long_frame().pivot(index=["id", "t", "label"], columns="channel", values="v").reset_index()
    frame["t"] = pd.Timestamp("2024-05-31 23:59") + pd.to_timedelta(frame["t"], unit="s")
    path = tmp_path / "a.csv"
    frame.sample(frac=1, random_state=0).to_csv(path, index=False)
    layout = Layout(id="id", time="t", values=("c1", "c0"), label="label")
    series = read_series(path, reading=Reading(layout=layout))
    order = [int(name[1:]) for name in series.ids]
    np.testing.assert_array_equal(series.X, X[order][:, ::-1])


def test_lengths_and_missing_values_of_long_tables_are_kept(tmp_path):
    frame = long_frame()
    frame = frame[~((frame["id"] == "s1") & (frame["t"] > 20))]  # shorter
    frame = frame[~((frame["id"] == "s2") & (frame["t"] == 10) & (frame["channel"] == "c1"))]  # missing
    told = []
    frame.to_csv(tmp_path / "a.csv", index=False)
    series = read_series(tmp_path / "a.csv", reading=Reading(layout=LONG, tell=told.append))
    assert series.lengths.tolist() == [5, 3, *[5] * 7]
    expected = X.copy()
    expected[1, :, 3:] = expected[2, 1, 1] = np.nan
    np.testing.assert_array_equal(series.X, expected)


LONG_FAULTS = {
    "a second label": (
        lambda f: f.replace("class 0,p0", "class 1,p0", 1),
        "second label",
    ),
    "a second group": (lambda f: f.replace("class 0,p0", "class 0,p9", 1), "second group"),
    "a value twice": (
        lambda f: f + f.splitlines()[1] + "\n",
        "row 92: .*'s0' has a second value at its time",
    ),
    "no name": (lambda f: f.replace("s0,", ",", 1), "row 2, column 1: the name of the series is missing"),
    "a strange time": (lambda f: f.replace(",10.0,", ",noon,", 1), "row 4: the time 'noon'"),
    "no label": (lambda f: f.replace("class 0,p0", ",p0").replace("class 0,p1", ",p1"), "'s0' has no label"),
    "a word": (lambda f: f.replace(f",{X[0, 0, 0]},", ",x,"), "row 2, column 4: 'x'"),
    "a row cut": (lambda f: f[:-4].rsplit(",", 1)[0] + "\n", "row 91: 4 columns"),
}


@pytest.mark.parametrize("fault", LONG_FAULTS)
def test_faults_of_long_tables_are_named(tmp_path, fault):
    spoil, message = LONG_FAULTS[fault]
    path = put(tmp_path, "a.csv", spoil(long_frame().to_csv(index=False)))
    with pytest.raises(DataError, match=message):
        read_series(path, reading=Reading(layout=LONG))


def test_options_that_name_no_column_are_answered_with_those_there_are(tmp_path):
    path = put(tmp_path, "a.csv", long_frame().to_csv(index=False))
    with pytest.raises(DataError, match=r"no column 'lable' for --label.*Did you mean 'label'\?"):
        read_series(path, reading=Reading(layout=Layout(label="lable")))
    with pytest.raises(DataError, match="needs the columns of --id"):
        read_series(path, reading=Reading(layout=Layout(time="t")))


@pytest.mark.parametrize("pack", [lambda b: b, gzip.compress])
def test_parquet_keeps_every_value_to_the_bit(tmp_path, pack):
    wild = X[:, 0].copy()
    wild[0] = [1 / 3, -0.0, 1e-300, 1e300, np.nan]
    frame = pd.DataFrame(wild, columns=[f"t{i}" for i in range(5)]).assign(kind=Y)
    frame.to_parquet(tmp_path / "plain.parquet")
    suffix = ".parquet" if pack(b"") == b"" else ".parquet.gz"
    path = put(tmp_path, f"a{suffix}", pack((tmp_path / "plain.parquet").read_bytes()))
    series = read_series(path)
    np.testing.assert_array_equal(series.X[:, 0].view(np.uint64)[1:], wild.view(np.uint64)[1:])
    np.testing.assert_array_equal(series.X[0, 0], wild[0])
    assert series.labels.tolist() == Y


@pytest.mark.parametrize("y", [Y, [i % 2 for i in range(9)], [float(i % 2) for i in range(9)]])
@pytest.mark.parametrize("packed", [False, True])
def test_arrays_give_what_they_hold(tmp_path, y, packed):
    np.savez(tmp_path / "a.npz", X=X, y=y)
    path = tmp_path / "a.npz"
    if packed:
        path = put(tmp_path, "a.npz.gz", gzip.compress(path.read_bytes()))
    series = read_series(path)
    np.testing.assert_array_equal(series.X, X)
    assert series.labels.tolist() == [str(int(v)) if isinstance(v, float) else str(v) for v in y]
    np.savez(tmp_path / "k.npz", series=X.transpose(0, 2, 1), names=y)
    keras = Layout(transpose=True, values=("series",), label="names")
    swapped = read_series(tmp_path / "k.npz", reading=Reading(layout=keras))
    np.testing.assert_array_equal(swapped.X, X)
    np.save(tmp_path / "a.npy", X[:, 0])
    bare = read_series(tmp_path / "a.npy")
    assert bare.labels is None
    np.testing.assert_array_equal(bare.X, X[:, :1])
    assert [len(b.X) for b, _ in read_batches(tmp_path / "a.npy", 20)] == [4, 4, 1]


ARRAY_FAULTS = {
    "objects": ({"X": np.array([[1], [1, 2]], dtype=object)}, "Arrays of objects"),
    "text": ({"X": np.array([["a", "b"]])}, "not of numbers"),
    "one axis": ({"X": np.zeros(5)}, r"shape \(5,\)"),
    "no series": ({"a": np.zeros((2, 3)), "b": np.zeros((2, 3))}, r"which array has the series\?"),
    "labels that do not fit": (
        {"X": np.zeros((3, 4)), "y": np.zeros(2)},
        r"labels of the shape \(2,\) for "
        "3",
    ),
    "axes of Keras": ({"X": np.zeros((3, 9, 2))}, "--transpose"),
    "large integers": ({"X": np.full((2, 3), 2**60)}, "beyond"),
}


@pytest.mark.parametrize("fault", ARRAY_FAULTS)
def test_faults_of_arrays_are_named(tmp_path, fault):
    arrays, message = ARRAY_FAULTS[fault]
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read_series(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.parquet", "a.npz.gz"])
@pytest.mark.parametrize("content", [b"", b"no such file", b"PK\x03\x04 and so on", b"PAR1PAR1"])
def test_what_is_no_such_file_is_refused(tmp_path, name, content):
    with pytest.raises(DataError, match=r"cannot be (read|unpacked)"):
        read_series(put(tmp_path, name, content))


def test_what_swells_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(textfile, "MOST_UNPACKED", 10_000)
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((2, 5000)))
    path = put(tmp_path, "a.npy.gz", gzip.compress(buffer.getvalue()))
    with pytest.raises(DataError, match=r"more than 10,000 bytes\. Unpack it first"):
        read_series(path)


def arff(lines, kind="{'class 0','class 1','class 2'}"):
    head = "% a comment\n@relation a\n" + "".join(f"@attribute att{i} numeric\n" for i in range(5))
    return f"{head}@attribute target {kind}\n@data\n" + "".join(lines)


def test_arff_of_one_and_of_several_channels(tmp_path):
    lines = [f"{','.join(map(str, x[0]))},'{y}'\n" for x, y in zip(X, Y, strict=True)]
    series = read_series(put(tmp_path, "a.arff", arff(lines)))
    np.testing.assert_array_equal(series.X, X[:, :1])
    assert series.labels.tolist() == Y
    assert series.rows.tolist() == list(range(10, 19))
    head = (
        "@relation m\n@attribute bag relational\n@attribute a numeric\n@end bag\n@attribute y {a,NA}\n@data\n"
    )
    rows = ["'" + "\\n".join(",".join(map(str, channel)) for channel in x) + "',NA\n" for x in X]
    series = read_series(put(tmp_path, "m.arff", head + "".join(rows)))
    np.testing.assert_array_equal(series.X, X)
    assert set(series.labels) == {"NA"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (arff(["1,2,3,4,5,'class 9'\n"]), "'class 9' is none of the header's"),
        (arff(["1,2,3,4,'class 0'\n"]), "row 10: 5 fields, where the header has 6"),
        (arff(["{1 2, 3 4}\n"]), "sparse"),
        (arff(["1,2,3,4,5,'class 0\n"]), "quote"),
        (arff([], kind="date"), "kind 'date' are not read"),
        ("@relation a\n", "no line @data"),
    ],
)
def test_faults_of_arff_are_named(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_series(put(tmp_path, "a.arff", text))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "@problemName a\n@data\n1,2:a\n", r"text of the \.ts format. Rename the file to a\.ts"),
        ("a.txt", "# x\n@relation a\n@data\n1,2,a\n", r"text of the \.arff format"),
        ("a.ts", "@relation a\n@data\n1,2,a\n", r"text of the \.arff format"),
        ("a.ts", "@classLabels true a b\n@data\n1,2:a\n", "@classLabels is not read. Write @classLabel true"),
        (
            "a.ts",
            "@targetLabel true\n@data\n1,2:3.5\n",
            "@targetLabel is not read. Its labels are numbers to predict",
        ),
        ("a.ts", "@data\n1,2:\n", "row 2: the line ends with a colon.*no labels"),
        ("a.ts", "@classLabel true a\n@data\n(0,1),(1,2):a\n", "time stamps are not read"),
        ("a.xlsx", "PK", r"format \.xlsx are not read\. \.tsv, \.ts, \.arff, \.npz, \.parquet"),
        ("a.csv", "<html>\n", "a page of HTML"),
        ("a.csv", 'a,"1,500","2,250"\n', "'1,500' is read as 1.500.*--decimal"),
        ("a.csv", "a;1;2\nb;1.234,5;2\n", "row 2, column 2: '1.234,5'.*thousands"),
        ("a.csv", "a,2024-01-01,2\n", "looks like a time"),
        ("a.csv", "a,12 mV,2\n", "a number with a unit"),
        ("a.csv", 'a,"""1""",2\n', "quoted within quotes"),
        ("a.csv", 'a,1,2\nb,"1,2\nc,1,2\n', "A quote may be open"),
        (
            "a.csv",
            "NA,1,2\nK,1,2\n",
            "row 1, column 1: the label is missing. If NA is a class, say so with --classes",
        ),
        ("a.csv", "a,t10,t2\n1,2,3\n".replace("a", "label"), r"'t2'\) follows 't10'"),
        ("a.csv", b"Gr\xf6\xdfe,1,2\n", "--encoding latin-1"),
    ],
)
def test_errors_name_the_true_cause(tmp_path, name, text, message):
    with pytest.raises(DataError, match=message):
        read_series(put(tmp_path, name, text))


def test_a_class_may_be_called_na(tmp_path):
    path = put(tmp_path, "a.csv", "NA,1,2\nK,1,2\nNa,1,2\n")
    series = read_series(path, reading=Reading(layout=Layout(classes=("NA", "K"))))
    assert series.labels.tolist() == ["NA", "K", "Na"]


def test_a_label_that_would_pass_for_a_value_is_seen(tmp_path):
    """The model takes four values; the file has a label and three."""
    rows = "".join(f"{i % 2},0.5,1.5,{i}.25\n" for i in range(6))
    path = put(tmp_path, "a.csv", rows)
    with pytest.raises(DataError, match=r"nothing but labels of the model .*a series has 3 values, not 4"):
        read_for(path, Preprocessing("none", 1, 4), "the model", classes=("0", "1"))
    layout = Layout(label="none")
    assert (
        read_for(path, Preprocessing("none", 1, 4), "the model", classes=("0", "1"), layout=layout).labels
        is None
    )
    assert read_for(path, Preprocessing("none", 1, 4), "the model", classes=("a", "b")).labels is None


def test_labels_at_the_end_of_a_file_to_predict_are_known_by_the_classes(tmp_path):
    path = put(tmp_path, "a.csv", "".join(f"0.5,1.5,{i}.25,{i % 2}.0\n" for i in range(6)))
    series = read_for(path, Preprocessing("none", 1, 3), "the model", classes=("0", "1"))
    assert series.labels.tolist() == ["0", "1"] * 3


def test_encodings_are_told_apart(tmp_path):
    text = "label,a\nGröße,1\n"
    for encoding, found in (
        ("utf-8", "utf-8-sig"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("cp1252", "cp1252"),
    ):
        assert encoding_of(put(tmp_path, "a.csv", text.encode(encoding))) == found
    for content in (b"\x00\x01\x02, text", b"\x81\xff\x00"):
        with pytest.raises(DataError, match="cannot be read as text"):
            encoding_of(put(tmp_path, "a.csv", content))
