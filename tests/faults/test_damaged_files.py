"""Files of any content: read, or refused with the file's name and the row."""

import io
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from readers import check_file, check_npz, check_text

FIELDS = st.one_of(
    st.sampled_from(["1", "-0.5", "1e400", "nan", "?", "", "inf", "1_0", "a", "#", "@data", " ", "0x1"]),
    st.floats(width=32).map(str),
    st.text(max_size=3),
)
LINES = st.builds(
    str.join, st.sampled_from(["\t", ",", ":", " ", ", "]), st.lists(FIELDS, min_size=1, max_size=5)
)
HEADERS = st.sampled_from(
    [
        "",
        "@data\n",
        "@relation a\n@attribute x numeric\n@attribute y {a,b}\n@data\n",
        "label,t0,t1\n",
        "@classLabel true a b\n@data\n",
        "@classlabel false\n@data\n",
        "@timestamps true\n",
        "﻿",
    ]
)
TEXTS = st.builds(
    lambda header, lines, end: (header + end.join(lines)).encode("utf-8", "surrogatepass"),
    HEADERS,
    st.lists(LINES, max_size=5),
    st.sampled_from(["\n", "\r\n", "\r", "\x85"]),
)


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.sampled_from([".tsv", ".ts", ".csv", ".arff", ""]))
def test_any_text_is_read_or_refused_in_its_place(content, suffix):
    with tempfile.TemporaryDirectory() as folder:
        check_text(content, suffix, Path(folder))


def array_file():
    buffer = io.BytesIO()
    np.savez(buffer, X=np.arange(12.0).reshape(3, 1, 4), y=np.array(["a", "b", "a"]))
    return buffer.getvalue()


def parquet_file():
    buffer = io.BytesIO()
    pd.DataFrame({"t0": [1.0, 2.0, 3.0], "t1": [0.5, 1.5, 2.5], "label": ["a", "b", "a"]}).to_parquet(buffer)
    return buffer.getvalue()


FILES = {".npz": array_file(), ".parquet": parquet_file()}


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(list(FILES)),
    st.lists(st.tuples(st.floats(0, 0.99), st.binary(min_size=1, max_size=4)), max_size=4),
)
def test_a_damaged_file_that_is_no_text_is_read_or_refused(suffix, changes):
    content = bytearray(FILES[suffix])
    for place, piece in changes:
        at = int(place * len(content))
        content[at : at + len(piece)] = piece
    with tempfile.TemporaryDirectory() as folder:
        check_file(bytes(content), suffix, Path(folder))


def whole():
    buffer = io.BytesIO()
    X, y = np.zeros((3, 1, 4), np.float32), np.array([0, 1, 0])
    np.savez(buffer, X=X, y=y, classes=np.array(["a", "b"]))
    return buffer.getvalue()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(whole()) - 1), st.binary(min_size=1, max_size=4)), max_size=4))
def test_a_prepared_split_that_was_damaged_is_refused(changes):
    content = bytearray(whole())
    for place, piece in changes:
        content[place : place + len(piece)] = piece
    with tempfile.TemporaryDirectory() as folder:
        check_npz(bytes(content), Path(folder))


ARRAYS = st.sampled_from(
    [
        np.zeros((3, 1, 4), np.float32),
        np.zeros((3, 1, 4)),
        np.zeros((3, 4), np.float32),
        np.array([0, 1, 2]),
        np.array([0, 1]),
        np.array([0.0, 1, 0]),
        np.array(["a", "b", "c"]),
        np.array([[0, 1, 2]]),
    ]
)


@settings(deadline=None)
@given(ARRAYS, ARRAYS, ARRAYS)
def test_a_prepared_split_of_unfit_arrays_is_refused(X, y, classes):
    buffer = io.BytesIO()
    np.savez(buffer, X=X, y=y, classes=classes)
    with tempfile.TemporaryDirectory() as folder:
        check_npz(buffer.getvalue(), Path(folder))
