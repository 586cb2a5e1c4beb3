"""What is read of a body: the same series from every form, and nothing from damaged ones."""

import json
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmfcn.data.batches import MOST_VALUES
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.errors import DataError
from lstmfcn.serving.body import Series, read_csv, read_json

X = np.random.default_rng(0).normal(size=(4, 12)).round(5)
TAKES = Preprocessing("per_series", 1, 12)
FRAME = pd.DataFrame(X)
NAMED = pd.DataFrame(X, columns=[f"t{i}" for i in range(12)])


def plain(frame):
    return json.loads(frame.to_json(orient="records"))


FORMS = {
    "inputs": {"inputs": X.tolist()},
    "inputs, 3-D": {"inputs": X[:, None].tolist()},
    "instances": {"instances": X.tolist()},
    "with what MLflow's clients add": {"inputs": X.tolist(), "params": None},
    "split": {"dataframe_split": json.loads(FRAME.to_json(orient="split"))},
    "split without names": {"dataframe_split": {"data": X.tolist()}},
    "split, sorted as text": {
        "dataframe_split": json.loads(NAMED[sorted(NAMED.columns)].to_json(orient="split"))
    },
    "records": {"dataframe_records": plain(FRAME)},
    "records, sorted as text": {"dataframe_records": plain(NAMED[sorted(NAMED.columns)])},
    "records, each in another order": {
        "dataframe_records": [{k: r[k] for k in np.roll([*r], i)} for i, r in enumerate(plain(NAMED))]
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_json_gives_the_same_series(form):
    np.testing.assert_array_equal(read_json(json.dumps(FORMS[form]).encode(), TAKES).X, X[:, None])


TABLES = {
    "commas": FRAME.to_csv(index=False, header=False),
    "tabs": FRAME.to_csv(index=False, header=False, sep="\t"),
    "blanks": FRAME.to_csv(index=False, header=False, sep=" "),
    "the header of pandas": FRAME.to_csv(index=False),
    "a header of names": NAMED.to_csv(index=False),
    "labels": NAMED.assign(label="a")[["label", *NAMED]].to_csv(index=False, header=False),
    "labels under a header": NAMED.assign(label="a")[["label", *NAMED]].to_csv(index=False),
    "line ends of Windows": FRAME.to_csv(index=False, header=False, lineterminator="\r\n"),
    "a mark of byte order": "\ufeff" + FRAME.to_csv(index=False, header=False),
    "blank lines": FRAME.to_csv(index=False, header=False, lineterminator="\n\n"),
}


@pytest.mark.parametrize("table", TABLES)
def test_every_form_of_csv_gives_the_same_series(table):
    np.testing.assert_array_equal(read_csv(TABLES[table].encode(), TAKES).X, X[:, None])


def test_a_first_line_that_counts_is_a_series_where_the_client_says_so():
    ramp = ",".join(map(str, range(12)))
    assert len(read_csv(f"{ramp}\n{ramp}\n".encode(), TAKES).X) == 1
    found = read_csv(f"{ramp}\n{ramp}\n".encode(), TAKES, header=False)
    np.testing.assert_array_equal(found.X, [[range(12)]] * 2)
    assert len(read_csv(TABLES["a header of names"].encode(), TAKES, header=True).X) == 4


def test_several_channels_are_read_from_lists_of_lists():
    channels, two = X.reshape(2, 2, 12), Preprocessing("none", 2, 12)
    np.testing.assert_array_equal(
        read_json(json.dumps({"inputs": channels.tolist()}).encode(), two).X, channels
    )
    with pytest.raises(DataError, match=r"^Series 0 .*: a number in a channel's place; .* 2 x 12"):
        read_json(json.dumps({"inputs": X.tolist()}).encode(), two)
    with pytest.raises(DataError, match="CSV holds series of one channel"):
        read_csv(TABLES["commas"].encode(), two)


FREE = Preprocessing("none", 1, 12, lengths="resample")
GAPPY = Preprocessing("none", 1, 12, missing="mask")


def test_null_is_nan_where_missing_values_or_ends_are_taken():
    gappy = [[1.0, None, *range(10)], [None] * 11 + [2.0]]
    for takes in (GAPPY, FREE):
        found = read_json(json.dumps({"instances": gappy}).encode(), takes)
        np.testing.assert_array_equal(found.X, np.array(gappy, float)[:, None])
    with pytest.raises(
        DataError, match=r"^Series 0 .*: value 1 is null, .*prepare\.missing.* interpolate or mask"
    ):
        read_json(json.dumps({"instances": gappy}).encode(), TAKES)
    with pytest.raises(DataError, match=r"^Series 0 .*: value 1 is text"):
        read_json(json.dumps({"instances": [[1.0, "x"]]}).encode(), FREE)


RAGGED = [[1.5, 2.5, 3.5], [4.5], [5.5, 6.5, 7.5, 8.5, 9.5, *range(20)]]


@pytest.mark.parametrize("labels", [(), ("up", "down", "up")])
@pytest.mark.parametrize("filled", [True, False])
def test_series_of_any_length_are_read_as_they_are(labels, filled):
    """From JSON, and from CSV whose rows end early or with empty fields."""
    found = read_json(json.dumps({"inputs": RAGGED}).encode(), FREE)
    assert [one[0].tolist() for one in found.X] == RAGGED
    rows = [
        [*labels[i : i + 1], *map(str, x), *([""] * (25 - len(x)) * filled)] for i, x in enumerate(RAGGED)
    ]
    text = "".join(",".join(row) + "\n" for row in rows)
    found = read_csv(text.encode(), FREE, classes=("up", "down"))
    assert [one[0].tolist() for one in found.X] == RAGGED
    for read, body in ((read_json, json.dumps({"inputs": RAGGED})), (read_csv, text)):
        with pytest.raises(DataError, match=r"Series 0 .*3 values|Body, row [12]: "):
            read(body.encode(), TAKES)


def test_what_may_be_labels_as_well_as_values_is_refused():
    for text in ("1,2,3\n2,3\n", "2\t0.5\t1\n"):
        with pytest.raises(DataError, match=r"may be labels as well as values.* Send JSON"):
            read_csv(text.encode(), FREE, classes=("1", "2"))
    assert len(read_csv(b"0.5,2,3\n2.5,3\n", FREE, classes=("1", "2")).X) == 2


def test_channels_of_one_series_that_differ_in_length_and_empty_ones_are_refused():
    two = Preprocessing("none", 2, 12, lengths="pad")
    with pytest.raises(DataError, match=r"Series 0 .*: its channels differ in length"):
        read_json(b'{"inputs": [[[1, 2], [1]]]}', two)
    with pytest.raises(DataError, match=r"Series 1 .*: no values; the model takes 1 x any number"):
        read_json(b'{"inputs": [[1], []]}', FREE)


@given(st.lists(st.integers(1, 3 * MOST_VALUES), max_size=40))
def test_batches_of_unequal_series_are_bounded_and_hold_all(lengths):
    """Each padded to its longest, or alone; lengths as arrays that hold nothing."""
    series = [np.broadcast_to(0.0, (1, n)) for n in lengths]
    found = list(Series(series).batches())
    assert [one.shape[1] for batch, _ in found for one in batch] == lengths
    assert [place for _, places in found for place in places] == [
        f"Series {i} (counted from 0)" for i in range(len(lengths))
    ]
    for batch, _ in found:
        assert len(batch) == 1 or len(batch) * max(one.shape[1] for one in batch) <= MOST_VALUES


JUNK = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
BODY = JUNK | st.dictionaries(
    st.sampled_from(["inputs", "instances", "dataframe_split", "dataframe_records", "params", "other"]),
    JUNK | st.fixed_dictionaries({"data": JUNK}, optional={"columns": JUNK, "index": JUNK, "x": JUNK}),
    max_size=2,
)


@settings(max_examples=60, deadline=None)
@given(BODY)
def test_any_json_is_series_of_the_shape_or_refused(content):
    with suppress(DataError):
        found = read_json(json.dumps(content).encode(), Preprocessing("none", 1, 2))
        assert {one.shape for one in found.X} <= {(1, 2)}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_json_and_csv_are_series_of_the_shape_or_refused(data):
    read, whole = data.draw(
        st.sampled_from(
            [(read_json, json.dumps(FORMS["records"]).encode()), (read_csv, TABLES["labels"].encode())]
        )
    )
    at = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(at, min(len(whole), at + 40)))
    damaged = whole[:at] + data.draw(st.binary(max_size=8)) + whole[end:]
    with suppress(DataError):
        assert {one.shape for one in read(damaged, TAKES).X} <= {(1, 12)}
