"""What is read of a body: the same series from every form, and nothing from damaged ones."""

import json
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmfcn.errors import DataError
from lstmfcn.serving.body import read_csv, read_json

X = np.random.default_rng(0).normal(size=(4, 12)).round(5)
SHAPE = (1, 12)
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
    np.testing.assert_array_equal(read_json(json.dumps(FORMS[form]).encode(), SHAPE).X[:, 0], X)


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
    np.testing.assert_array_equal(read_csv(TABLES[table].encode(), SHAPE).X[:, 0], X)


def test_a_first_line_that_counts_is_a_series_where_the_client_says_so():
    ramp = ",".join(map(str, range(12)))
    assert len(read_csv(f"{ramp}\n{ramp}\n".encode(), SHAPE).X) == 1
    found = read_csv(f"{ramp}\n{ramp}\n".encode(), SHAPE, header=False)
    np.testing.assert_array_equal(found.X[:, 0], [range(12)] * 2)
    assert len(read_csv(TABLES["a header of names"].encode(), SHAPE, header=True).X) == 4


def test_several_channels_are_read_from_lists_of_lists():
    channels = X.reshape(2, 2, 12)
    np.testing.assert_array_equal(
        read_json(json.dumps({"inputs": channels.tolist()}).encode(), (2, 12)).X, channels
    )
    with pytest.raises(DataError, match=r"^Series 0 .*: a number in a channel's place; .* 2 x 12"):
        read_json(json.dumps({"inputs": X.tolist()}).encode(), (2, 12))
    with pytest.raises(DataError, match="CSV holds series of one channel"):
        read_csv(TABLES["commas"].encode(), (2, 12))


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
        assert read_json(json.dumps(content).encode(), (1, 2)).X.shape[1:] == (1, 2)


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
        assert read(damaged, SHAPE).X.shape[1:] == SHAPE
