"""The preprocessing: against scipy, in TensorFlow as in NumPy, and described without loss."""

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import zscore

from lstmfcn.data.preprocessing import LARGEST, Preprocessing
from lstmfcn.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 2, 20)).astype(np.float32)


def fitted(X, normalise="per_series"):
    return Preprocessing.fit(X, normalise=normalise)


@pytest.mark.parametrize("unit", [1, 1e-9, 1e9])
def test_each_channel_of_each_series_is_scipys_z_score(unit):
    prepared = fitted(X).apply(unit * X.astype(float))
    assert prepared.dtype == np.float32
    np.testing.assert_allclose(prepared, zscore(X.astype(float), axis=-1), atol=1e-6)


@pytest.mark.parametrize("constant", [0, 3, 0.1, 1e9])
def test_a_constant_channel_becomes_zeros(constant):
    raw = np.full((1, 1, 5), constant, np.float32)
    assert (fitted(raw).apply(raw) == 0).all()


def test_none_leaves_the_values_as_they_are():
    np.testing.assert_array_equal(fitted(X, "none").apply(X), X)


FINITE = {"allow_nan": False, "allow_infinity": False}
EXTREMES = st.sampled_from([0, 1, -1, 1e308, -1.7e308, 1e200, 1e100, 1e-100, 1e-200, 1e-289, 5e-324, 1e8 + 1])
SHAPES = st.tuples(st.integers(1, 3), st.just(2), st.integers(1, 9))


@settings(max_examples=300, deadline=None)
@given(hnp.arrays(np.float64, SHAPES, elements=st.one_of(st.floats(**FINITE), EXTREMES)))
def test_the_graph_does_what_numpy_does(raw):
    """But for channels at the very border of what counts as constant."""
    with np.errstate(all="ignore"):
        unit = np.abs(raw).max(axis=-1, keepdims=True)
        at_zero = np.abs(unit / 1e-290 - 1) < 1e-3
        relative = np.where(unit > 0, raw / unit, 0).std(axis=-1)
    assume((np.abs(relative / 1e-12 - 1) > 1e-3).all())
    assume(not at_zero.any())
    preprocessing = fitted(raw)
    in_graph = preprocessing.to_tensorflow(raw).numpy()
    assert in_graph.dtype == np.float32
    prepared = preprocessing.apply(raw)
    assert np.isfinite(prepared).all()
    np.testing.assert_allclose(in_graph, prepared, atol=1e-6)


HELD = st.floats(-(2.0**63), 2.0**63, width=32)
"""What has a square that float32 holds."""


@given(hnp.arrays(np.float32, SHAPES, elements=HELD))
def test_none_is_none_in_the_graph_too(raw):
    in_graph = fitted(raw, "none").to_tensorflow(raw.astype(np.float64)).numpy()
    np.testing.assert_allclose(in_graph, fitted(raw, "none").apply(raw), rtol=0, atol=2e-38)  # no subnormals


@pytest.mark.parametrize("unit", [1e-280, 1e-160, 1, 1e150, 1e296])
@pytest.mark.parametrize("offset", [0, 1, 1e8, 1e11])
def test_the_shape_survives_any_unit_and_a_large_offset(unit, offset):
    """The values around 5,400,000 ± 0.1 of a sensor: against exact rational arithmetic."""
    raw = unit * (offset + RNG.normal(size=(3, 1, 50)))
    exact = np.empty_like(raw)
    for i, series in enumerate(raw[:, 0]):
        values = [Fraction(float(value)) for value in series]
        mean = sum(values) / len(values)
        deviations = [(value - mean) / Fraction(unit) for value in values]
        variance = sum(value * value for value in deviations) / len(values)
        exact[i, 0] = [float(value) for value in deviations] / np.sqrt(float(variance))
    preprocessing = fitted(raw)
    np.testing.assert_allclose(preprocessing.apply(raw), exact, atol=1e-6)
    np.testing.assert_allclose(preprocessing.to_tensorflow(raw).numpy(), exact, atol=1e-6)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1e39, r"a\.tsv, row 7: a value beyond 1\.8e\+19.*\(1 such.*normalise to per_series"),
        (1e8 + np.arange(20), r"a\.tsv, row 7: values that float32.*cannot tell apart \(1 such"),
    ],
)
def test_what_float32_cannot_hold_is_refused_unless_normalised(value, message):
    raw = X.astype(np.float64)
    raw[2, 1] = value
    places = [f"a.tsv, row {row}" for row in range(5, 11)]
    with pytest.raises(DataError, match=message):
        fitted(raw, "none").apply(raw, places=places)
    with pytest.raises(DataError, match=r"Series 2 \(counted from 0\)"):
        fitted(raw, "none").check(raw)
    assert np.isfinite(fitted(raw).apply(raw)).all()


def test_rounding_alone_is_no_fault():
    """Constants that float32 rounds, and values it rounds by a small share of their spread."""
    raw = np.stack([np.full((1, 20), 0.1), np.full((1, 20), 123456789.1), 1000 + X[:1, 0].astype(float)])
    fitted(raw, "none").check(raw)


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


@pytest.mark.parametrize("sign", [1, -1])
def test_where_nothing_is_normalised_the_square_decides(sign):
    """Of two neighbours in float32 the one is taken, whose square is finite, and the other refused."""
    largest = np.float32(LARGEST)
    beyond = np.nextafter(largest, np.float32(np.inf))
    with np.errstate(over="ignore"):
        assert np.isfinite(largest * largest)
        assert np.isinf(beyond * beyond)
    series = np.zeros((2, 1, 4))
    series[1, 0, 2] = sign * largest
    np.testing.assert_array_equal(fitted(series, "none").apply(series), series.astype(np.float32))
    series[1, 0, 2] = sign * beyond
    with pytest.raises(DataError, match=r"^Series 1 .* whose square float32 cannot hold"):
        fitted(series, "none").apply(series)
