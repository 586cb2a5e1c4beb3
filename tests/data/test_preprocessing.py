"""The preprocessing: against scipy, in TensorFlow as in NumPy, and described without loss."""

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import zscore

from lstmfcn.data.normalisation import LARGEST
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 2, 20)).astype(np.float32)


def fitted(X, normalise="per_series", **policies):
    return Preprocessing.fit(X, normalise=normalise, **policies)


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
        fitted(raw, "none").apply(raw)
    assert np.isfinite(fitted(raw).apply(raw)).all()


def test_rounding_alone_is_no_fault():
    """Constants that float32 rounds, and values it rounds by a small share of their spread."""
    raw = np.stack([np.full((1, 20), 0.1), np.full((1, 20), 123456789.1), 1000 + X[:1, 0].astype(float)])
    fitted(raw, "none").apply(raw)


@pytest.mark.parametrize(
    "policies",
    [
        {},
        {"lengths": "resample", "length": 7},
        {"missing": "interpolate"},
        {"lengths": "pad", "missing": "mask"},
    ],
)
@pytest.mark.parametrize("normalise", ["per_series", "none"])
def test_its_description_is_all_of_it(tmp_path, normalise, policies):
    preprocessing = fitted(X, normalise, **policies)
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


def gappy(shape=(7, 2, 20), share=0.3, seed=1):
    """Return random series of which so many values are missing, but none of a channel altogether."""
    rng = np.random.default_rng(seed)
    X = 5 + 3 * rng.normal(size=shape)
    missing = rng.random(shape) < share
    missing[..., 3] = False
    return np.where(missing, np.nan, X)


def ragged(lengths, n_channels=2, width=None):
    """Return random series of these lengths, NaN after the end of each."""
    rng = np.random.default_rng(2)
    X = np.full((len(lengths), n_channels, width or max(lengths)), np.nan)
    for series, length in zip(X, lengths, strict=True):
        series[:, :length] = 5 + 3 * rng.normal(size=(n_channels, length))
    return X


def test_interpolation_by_hand():
    """Against `numpy.interp` and scipy's z-scores; and in the graph."""
    raw = gappy()
    steps = np.arange(20)
    by_hand = np.empty_like(raw)
    for i, j in np.ndindex(7, 2):
        present = ~np.isnan(raw[i, j])
        by_hand[i, j] = np.interp(steps, steps[present], raw[i, j, present])
    preprocessing = fitted(raw, missing="interpolate")
    np.testing.assert_allclose(preprocessing.apply(raw), zscore(by_hand, axis=-1), atol=1e-6)
    np.testing.assert_allclose(preprocessing.to_tensorflow(raw).numpy(), preprocessing.apply(raw), atol=1e-6)
    plain = fitted(raw, "none", missing="interpolate")
    np.testing.assert_allclose(plain.apply(raw), by_hand, atol=1e-5)
    np.testing.assert_allclose(plain.to_tensorflow(raw).numpy(), by_hand, atol=1e-5)


@pytest.mark.parametrize(("length", "expected"), [(None, 9), (14, 14), (4, 4)])
def test_resampling_by_hand(length, expected):
    raw = ragged([5, 9, 7, 1])
    preprocessing = fitted(raw, lengths="resample", length=length)
    assert preprocessing.length == expected
    by_hand = np.empty((4, 2, expected))
    for i, n in enumerate([5, 9, 7, 1]):
        at = np.linspace(0, n - 1, expected)
        by_hand[i] = [np.interp(at, np.arange(n), channel[:n]) for channel in raw[i]]
    scores = zscore(by_hand[:3], axis=-1)
    prepared = preprocessing.apply(raw)
    np.testing.assert_allclose(prepared[:3], scores, atol=1e-6)
    assert (prepared[3] == 0).all()
    wider = np.pad(raw, [(0, 0), (0, 0), (0, 6)], constant_values=np.nan)
    np.testing.assert_array_equal(preprocessing.apply(wider), prepared)


def test_truncation_by_hand():
    raw = ragged([5, 9, 7])
    preprocessing = fitted(raw, lengths="truncate")
    np.testing.assert_allclose(preprocessing.apply(raw), zscore(raw[..., :5], axis=-1), atol=1e-6)
    with pytest.raises(DataError, match=r"here 1: shorter than the 5 values .* prepare\.length"):
        preprocessing.apply(ragged([6, 4]), places=["here 0", "here 1"])


@pytest.mark.parametrize("normalise", ["per_series", "none"])
@pytest.mark.parametrize(("length", "expected"), [(None, 9), (14, 14)])
def test_padding_by_hand(normalise, length, expected):
    """Each series is prepared as on its own; NaN after its end, in the graph too."""
    lengths = [5, 9, 7, 1]
    raw = ragged(lengths)
    preprocessing = fitted(raw, normalise, lengths="pad", length=length)
    prepared = preprocessing.apply(raw)
    assert prepared.shape == (4, 2, expected)
    for n, series, found in zip(lengths, raw[..., :9], prepared, strict=True):
        alone = series[None, :, :n]
        np.testing.assert_array_equal(found[:, :n], fitted(alone, normalise).apply(alone)[0])
        assert np.isnan(found[:, n:]).all()
    given = preprocessing.equalise(raw)
    np.testing.assert_allclose(preprocessing.to_tensorflow(given).numpy(), prepared, atol=1e-6)
    assert preprocessing.sound(given).numpy().all()
    with pytest.raises(DataError, match=r"Series 1 .* longer than .* Set prepare\.length to 20 or more"):
        preprocessing.apply(ragged([4, 20]))


@pytest.mark.parametrize("normalise", ["per_series", "none"])
def test_masking_by_hand(normalise):
    """Scores of the values that there are; 0 and a mark where there is none, in the graph too."""
    raw = gappy()
    raw[2, 1] = np.nan
    preprocessing = fitted(raw, normalise, missing="mask")
    prepared = preprocessing.apply(raw)
    assert preprocessing.shape == (4, 20)
    missing = np.isnan(raw)
    np.testing.assert_array_equal(prepared[:, 2:], missing)
    scores = zscore(raw, axis=-1, nan_policy="omit") if normalise == "per_series" else raw
    np.testing.assert_allclose(prepared[:, :2], np.where(missing, 0, scores), atol=1e-6)
    np.testing.assert_allclose(preprocessing.to_tensorflow(raw).numpy(), prepared, atol=1e-6)
    raw[3] = np.nan
    assert preprocessing.sound(raw).numpy().tolist() == [True, True, True, False, True, True, True]
    with pytest.raises(DataError, match=r"Series 3 .* no value at all"):
        preprocessing.apply(raw)


@pytest.mark.parametrize("missing", ["mask", "interpolate"])
def test_gaps_in_padded_series_are_told_from_their_ends(missing):
    """A series with padding is prepared as it is alone, whatever its gaps."""
    lengths = [8, 12, 10]
    raw = ragged(lengths)
    raw[:, 0, 3:5] = np.nan
    raw[0, 1, 7] = np.nan  # the other channel goes on
    preprocessing = fitted(raw, lengths="pad", missing=missing)
    prepared = preprocessing.apply(raw)
    for n, series, found in zip(lengths, raw, prepared, strict=True):
        alone = series[None, :, :n]
        np.testing.assert_array_equal(found[:, :n], fitted(alone, missing=missing).apply(alone)[0])
        assert np.isnan(found[:, n:]).all()
    np.testing.assert_allclose(preprocessing.to_tensorflow(raw).numpy(), prepared, atol=1e-6)
    assert preprocessing.sound(raw).numpy().all()


def test_what_is_resampled_and_masked_is_missing_beside_a_gap():
    raw = np.array([[[0.0, 1.0, np.nan, 3.0, 5.0]]])
    found = fitted(raw, "none", lengths="resample", missing="mask", length=9).apply(raw)
    np.testing.assert_array_equal(found[0, 0], [0, 0.5, 1, 0, 0, 0, 3, 4, 5])
    np.testing.assert_array_equal(found[0, 1], [0, 0, 0, 1, 1, 1, 0, 0, 0])


@pytest.mark.parametrize("lengths", ["resample", "truncate"])
def test_missing_values_are_filled_in_before_series_are_resampled_and_after_they_are_cut(lengths):
    raw = ragged([6, 9, 6])
    raw[:, 0, 3] = np.nan
    filled = raw.copy()
    filled[:, 0, 3] = (raw[:, 0, 2] + raw[:, 0, 4]) / 2
    found = fitted(raw, lengths=lengths, missing="interpolate").apply(raw)
    np.testing.assert_allclose(found, fitted(filled, lengths=lengths).apply(filled), atol=1e-6)


@pytest.mark.parametrize(
    "policies", [{"lengths": name} for name in ("resample", "truncate", "pad")] + [{"missing": "interpolate"}]
)
@pytest.mark.parametrize("normalise", ["per_series", "none"])
def test_whole_series_of_one_length_are_prepared_to_the_same_bytes_by_any_policy(normalise, policies):
    for raw in (X, 1e3 + RNG.normal(size=(5, 1, 33))):
        same = fitted(raw, normalise, **policies).apply(raw)
        np.testing.assert_array_equal(same, fitted(raw, normalise).apply(raw))


@pytest.mark.parametrize(
    ("policies", "spoil", "message"),
    [
        ({}, (1, 0, 3), r"missing or infinite value.*prepare\.missing.*interpolate"),
        ({"lengths": "resample"}, (1, 0, 3), r"missing or infinite value.*prepare\.missing"),
        ({"missing": "interpolate"}, (1, 1), r"no value at all in channel 2"),
        ({"lengths": "resample", "missing": "interpolate"}, (1, 0), r"no value at all in channel 1"),
        ({"lengths": "resample"}, (1,), r"no value at all\. Take"),
        ({"lengths": "truncate"}, (1,), r"no value at all\. Take"),
        ({"lengths": "pad"}, (1,), r"no value at all\. Take"),
        ({"lengths": "pad"}, (1, 0, 3), r"missing or infinite value.*prepare\.missing"),
        ({"lengths": "pad"}, (1, 0, 19), r"missing or infinite value.*prepare\.missing"),
        ({"missing": "mask"}, (1,), r"no value at all\. Take"),
    ],
)
def test_what_no_policy_handles_is_refused_and_named(policies, spoil, message):
    raw = X.astype(float)
    preprocessing = fitted(raw, **policies)
    raw[spoil] = np.nan
    with pytest.raises(DataError, match=r"^Series 1 \(counted from 0\): a? ?" + message):
        preprocessing.apply(raw)
    assert preprocessing.sound(raw).numpy().tolist() == [True, False, True, True, True, True]


@pytest.mark.parametrize(
    "policies",
    [{}, {"missing": "interpolate"}, {"missing": "mask"}, {"lengths": "resample"}, {"lengths": "pad"}],
)
def test_an_infinite_value_is_always_refused(policies):
    raw = X.astype(float)
    raw[2, 1, 4] = -np.inf
    with pytest.raises(DataError, match=r"Series 2 .*infinite"):
        fitted(raw, **policies).apply(raw)
    assert fitted(raw, **policies).sound(raw).numpy().tolist() == [True, True, False, True, True, True]


def test_lengths_that_are_known_to_differ_are_refused_where_missing_values_are_filled_in():
    """The end of a short series is no gap; unless somebody says so, it cannot be told from one."""
    raw = ragged([9, 7])
    preprocessing = fitted(raw, missing="interpolate")
    assert (preprocessing.apply(raw)[1, :, 7:] == preprocessing.apply(raw)[1, :, 6:7]).all()
    with pytest.raises(DataError, match=r"Series 1 .* another length than 9\..* prepare\.lengths"):
        preprocessing.apply(raw, lengths=np.array([9, 7]))


def test_no_series_at_all_are_prepared():
    for policies in ({}, {"lengths": "resample"}, {"missing": "interpolate"}, {"lengths": "pad"}):
        assert fitted(X, **policies).apply(X[:0]).shape == (0, 2, 20)
    assert fitted(X, missing="mask").apply(X[:0]).shape == (0, 4, 20)
