"""The table of predictions: pandas reads it, it reads back equal, and damage is named."""

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmfcn.errors import DataError
from lstmfcn.runs.predictions import APOSTROPHE, Predictions

AWKWARD = [
    "fold",
    "label",
    "p:1",
    "a,b",
    'say "x"',
    "NA",
    "nan",
    "01",
    "1",
    "",
    " ",
    "é\u2028",
    "-1",
    "=1+1",
    "'",
    "'=x",
    "''-1",
]
texts = st.sampled_from(AWKWARD) | st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=5)


@st.composite
def predictions(draw):
    classes = draw(st.lists(texts.filter(bool), min_size=2, max_size=4, unique=True))
    n = draw(st.integers(0, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    probabilities = rng.dirichlet(np.ones(len(classes)), n).astype(np.float32)
    probabilities[rng.random(n) < 0.3] = np.nan
    integers = st.none() | st.lists(st.integers(-1, 2**40), min_size=n, max_size=n)
    columns = {name: draw(integers) for name in ("fold", "row")}
    labels = draw(st.none() | st.lists(texts, min_size=n, max_size=n))
    return Predictions(
        classes=tuple(classes),
        probabilities=probabilities,
        labels=None if labels is None else np.array(labels, dtype=np.str_),
        **{k: None if v is None else np.array(v, dtype=np.int64) for k, v in columns.items()},
    )


def small(**changes):
    given = {"classes": ("01", "NA"), "labels": np.array(["NA", "01"]), "fold": np.array([1, 0])}
    given["probabilities"] = np.array([[0.25, 0.75], [2 / 3, 1 / 3]], np.float32)
    return Predictions(**given | changes)


@given(predictions())
def test_what_is_written_reads_back_equal(made):
    """To the bit with nine digits, which tell every float32 from its neighbours."""
    read = Predictions.from_csv(made.to_csv(digits=9))
    assert read.classes == made.classes
    for name in ("probabilities", "labels", "fold", "row", "y", "predicted", "predicted_y", "held"):
        expected, found = getattr(made, name), getattr(read, name)
        assert (expected is None) == (found is None)
        if expected is not None:
            np.testing.assert_array_equal(found, expected)
            assert found.dtype.kind == expected.dtype.kind
    rounded = Predictions.from_csv(made.to_csv())
    np.testing.assert_array_equal(rounded.predicted, made.predicted)
    assert rounded.to_csv() == made.to_csv()


@given(predictions())
def test_pandas_reads_it_as_text(made):
    table = pd.read_csv(io.BytesIO(made.to_csv()), dtype=str, keep_default_na=False)
    named = [name for name in ("row", "fold") if getattr(made, name) is not None]
    named += ["label"] if made.labels is not None else []
    assert list(table.columns) == ["series", *named, "predicted", *(f"p:{c}" for c in made.classes)]
    assert table["series"].tolist() == [str(i + 1) for i in range(len(made.probabilities))]
    for name, labels in (("predicted", made.predicted), ("label", made.labels)):
        if labels is not None:
            assert table[name].str.replace(APOSTROPHE, "", regex=True).tolist() == labels.tolist()


def test_the_bytes_are_those_of_a_frame():
    """As the test predictions have been written: by pandas, with seven digits."""
    rng = np.random.default_rng(0)
    classes = np.array(["a,b", "01", 'say "x"'])
    probabilities = rng.dirichlet([0.1, 0.1, 0.1], 50).astype(np.float32)
    labels = classes[rng.integers(0, 3, 50)]
    table = pd.DataFrame(
        {"series": np.arange(1, 51), "label": labels, "predicted": classes[probabilities.argmax(axis=1)]}
    )
    for k, label in enumerate(classes):
        table[f"p:{label}"] = probabilities[:, k]
    made = Predictions(classes=tuple(classes.tolist()), probabilities=probabilities, labels=labels)
    assert made.to_csv() == table.to_csv(index=False, float_format="%.7g").encode()


def test_the_file_by_hand():
    probabilities = np.array([[0.25, 0.75], [np.nan, np.nan]], np.float32)
    made = small(probabilities=probabilities, fold=np.array([1, -1]), row=np.array([3, 7]))
    assert made.to_csv().decode().splitlines() == [
        "series,row,fold,label,predicted,p:01,p:NA",
        "1,3,1,NA,NA,0.25,0.75",
        "2,7,-1,01,,,",
    ]
    assert made.held.tolist() == [True, False]
    assert made.y.tolist() == [1, 0]


def test_a_label_that_is_no_class_has_no_index():
    made = small(labels=np.array(["NA", "of another study"]))
    assert made.y.tolist() == [1, -1]
    assert small(labels=None).y.tolist() == [-1, -1]


def test_what_looks_equal_in_the_file_is_still_told_apart():
    """0.5 and the next float32 below it are the same in seven digits."""
    close = np.array([[np.nextafter(np.float32(0.5), np.float32(0)), 0.5]] * 2, np.float32)
    made = small(probabilities=close)
    assert made.to_csv().count(b"0.5,0.5") == 2
    assert Predictions.from_csv(made.to_csv()).predicted.tolist() == made.predicted.tolist() == ["NA", "NA"]


FORMULAS = ["=1+1", "+a", "-a", "@SUM(A1)", "-1+2", "-1e", "\t=1", "\r=1", "\nx", " =1", "＝1", "--1", "-inf"]
ORDINARY = ["-1", "+1", "-1.5", "-.5", "1e-3", "-2.5e+10", "a=b", "1-2", "a", "é", "'a", "'"]


def test_no_label_is_a_formula_for_a_spreadsheet():
    """An apostrophe stands before it, and nothing before any other label, as `csv` reads the cells."""
    labels = [*FORMULAS, *(f"'{label}" for label in FORMULAS), "'-1", *ORDINARY]
    n = len(labels)
    made = Predictions(
        classes=tuple(labels),
        probabilities=np.eye(n, dtype=np.float32),
        labels=np.array(labels),
    )
    content = made.to_csv()
    table = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    quoted = [f"'{label}" for label in labels[: -len(ORDINARY)]] + ORDINARY
    assert [row["label"] for row in table] == [row["predicted"] for row in table] == quoted
    assert not [
        cell for row in table for cell in row.values() if cell[0] in "=+-@\t\r\n" and cell not in ORDINARY
    ]
    read = Predictions.from_csv(content)
    assert read.labels.tolist() == read.predicted.tolist() == labels


@given(predictions(), st.integers(0, 5))
def test_pieces_follow_each_other(made, at):
    def part(piece):
        fields = ("probabilities", "labels", "fold", "row")
        return replace(made, **{f: None if (v := getattr(made, f)) is None else v[piece] for f in fields})

    at = min(at, len(made.probabilities))
    pieces = part(slice(at)).to_csv() + (part(slice(at, None)).to_csv(first=at + 1) if at else b"")
    assert pieces == (made if at else part(slice(0))).to_csv()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"series,", b"", "series or predicted is missing"),
        (b"1,1,NA,NA,0.25,0.75", b"1,1,NA,NA,0.25", "row 2: 5 columns, not 6"),
        (b"0.25", b"a quarter", "could not convert string to float"),
        (b",01,01,", b",01,02,", "'02'"),
        (b"0.75", b'"0.75', "cannot be read"),
        (b"NA", b"\xff", "cannot be read"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, old, new, message):
    content = small().to_csv()
    assert old in content
    path = tmp_path / "oof.csv"
    path.write_bytes(content.replace(old, new))
    with pytest.raises(DataError, match=message) as caught:
        Predictions.from_csv(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(DataError, match=r"oof\.csv cannot be read"):
        Predictions.from_csv(tmp_path / "oof.csv")


def test_shapes_that_do_not_fit_raise():
    with pytest.raises(ValueError, match="do not fit"):
        small(fold=np.array([0]))
