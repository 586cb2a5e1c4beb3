"""The preprocessing: against scipy, in TensorFlow as in NumPy, and described without loss."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import zscore

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 2, 20)).astype(np.float32)


def fitted(X, normalise="per_series"):
    return Preprocessing.fit(X, normalise=normalise)


@pytest.mark.parametrize("unit", [1, 1e-9, 1e9])
def test_each_channel_of_each_series_is_scipys_z_score(unit):
    raw = (unit * X).astype(np.float32)
    prepared = fitted(raw).apply(raw)
    assert prepared.dtype == np.float32
    np.testing.assert_allclose(prepared, zscore(raw.astype(float), axis=-1), atol=1e-6)


@pytest.mark.parametrize("constant", [0, 3, 0.1, 1e9])
def test_a_constant_channel_becomes_zeros(constant):
    raw = np.full((1, 1, 5), constant, np.float32)
    assert (fitted(raw).apply(raw) == 0).all()


def test_none_leaves_the_values_as_they_are():
    np.testing.assert_array_equal(fitted(X, "none").apply(X), X)


@settings(max_examples=100, deadline=None)
@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 3), st.just(2), st.integers(1, 9))),
    st.sampled_from(["per_series", "none"]),
)
def test_the_graph_does_what_numpy_does(raw, normalise):
    raw = np.nan_to_num(raw, posinf=0, neginf=0)
    preprocessing = fitted(raw, normalise)
    in_graph = preprocessing.to_tensorflow(raw).numpy()
    assert in_graph.dtype == np.float32
    np.testing.assert_allclose(in_graph, preprocessing.apply(raw), atol=1e-6)


@pytest.mark.parametrize("normalise", ["per_series", "none"])
def test_its_description_is_all_of_it(tmp_path, normalise):
    preprocessing = fitted(X, normalise)
    described = json.loads(json.dumps(preprocessing.describe()))
    assert Preprocessing.from_description(described) == preprocessing
    preprocessing.save(tmp_path / "a.json")
    assert Preprocessing.load(tmp_path / "a.json") == preprocessing


@pytest.mark.parametrize("content", ["[]", "{", "{}", '{"normalise": "x", "n_channels": 1, "length": 2}'])
def test_a_damaged_description_is_named(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DataError, match=r"a\.json is damaged .*dvc repro prepare"):
        Preprocessing.load(tmp_path / "a.json")
    with pytest.raises(DataError, match=r"none\.json is missing"):
        Preprocessing.load(tmp_path / "none.json")


@pytest.mark.parametrize("shape", [(2, 1, 20), (2, 2, 19)])
def test_series_of_another_shape_are_refused(shape):
    with pytest.raises(DataError, match=r"Series of . channel\(s\) of \d+ values; .* 2 channel\(s\) of 20"):
        fitted(X).apply(np.zeros(shape, np.float32))
