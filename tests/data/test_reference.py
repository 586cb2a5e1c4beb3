"""What a training split looks like: statistics against NumPy's, the rate of false alarms, what is seen."""

import numpy as np
import pytest

from lstmfcn.data import reference
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.reference import Reference
from lstmfcn.errors import DataError


def drawn(rng, n, *, n_channels=2, length=24):
    """Return series with a bump at one of two places, on noise, each at a level and scale of its own."""
    X = 0.3 * rng.normal(size=(n, n_channels, length))
    for i, place in enumerate(rng.integers(0, 2, n)):
        X[i, :, 4 + 8 * place : 9 + 8 * place] += 2
    return rng.normal(10, 2, size=(n, 1, 1)) + np.exp(0.3 * rng.normal(size=(n, 1, 1))) * X


def fitted(X, **policies):
    preprocessing = Preprocessing.fit(X, **({"normalise": "per_series"} | policies))
    return Reference.fit(preprocessing.equalise(X), preprocessing), preprocessing


@pytest.fixture(scope="module")
def known():
    X = drawn(np.random.default_rng(0), 60)
    return X, *fitted(X)


def test_the_statistics_are_those_of_numpy(known):
    """Level, spread and roughness by hand; the components by the singular values of the prepared series."""
    X, made, preprocessing = known
    new = drawn(np.random.default_rng(1), 7)
    found = dict(zip(made.names, made.describe(new, preprocessing).T, strict=True))
    for c in range(2):
        spread = np.median(X[:, c].std(axis=1))
        level = (new[:, c].mean(axis=1) - np.median(X[:, c].mean(axis=1))) / spread
        np.testing.assert_allclose(found[f"level of channel {c + 1}"], level, atol=0.006)
        np.testing.assert_allclose(
            found[f"spread of channel {c + 1}"], np.log(new[:, c].std(axis=1) / spread), atol=0.006
        )
        steps = np.sqrt(np.square(np.diff(new[:, c])).mean(axis=1)) / new[:, c].std(axis=1)
        np.testing.assert_allclose(found[f"roughness of channel {c + 1}"], np.log(steps), atol=0.03)
    flat, others = (preprocessing.apply(s).reshape(len(s), -1).astype(float) for s in (X, new))
    _, sizes, axes = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)
    k = int(np.searchsorted(np.cumsum(sizes**2) / np.square(sizes).sum(), 0.9)) + 1
    k = min(k, 16)
    scores = (others - flat.mean(axis=0)) @ axes[:k].T
    within = np.sqrt((scores**2 / (sizes[:k] ** 2 / (len(X) - 1))).sum(axis=1))
    rest = others - flat.mean(axis=0) - scores @ axes[:k]
    np.testing.assert_allclose(found["shape"], within, rtol=1e-3)
    np.testing.assert_allclose(found["remainder"], np.sqrt(np.square(rest).mean(axis=1)), rtol=1e-3)


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_of_series_like_the_training_series_about_the_level_is_marked(level):
    """Over 40 training splits of 39 series."""
    rng = np.random.default_rng(2)
    rates = []
    for _ in range(40):
        made, preprocessing = fitted(drawn(rng, 39))
        p = made.p_values(made.describe(drawn(rng, 100), preprocessing))
        rates.append((p <= level).mean())
    error = np.std(rates) / np.sqrt(len(rates))
    assert level / 3 < np.mean(rates) < level + 2 * error


CHANGES = {
    "level": lambda X, rng: X + 12,
    "spread": lambda X, rng: X.mean(axis=-1, keepdims=True) + 5 * (X - X.mean(axis=-1, keepdims=True)),
    "roughness": lambda X, rng: X + X.std(axis=-1, keepdims=True) * rng.normal(size=X.shape),
    "remainder": lambda X, rng: 2 * X.mean(axis=-1, keepdims=True) - X,
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_changed_is_marked_and_named(known, name):
    _, made, preprocessing = known
    rng = np.random.default_rng(3)
    statistics = made.describe(CHANGES[name](drawn(rng, 100), rng), preprocessing)
    assert (made.p_values(statistics) <= 0.05).mean() > 0.8
    reasons = made.reasons(statistics)
    others = {"roughness": "remainder", "remainder": "shape"}  # seen in more than one way
    assert sum(reason.startswith((name, others.get(name, name))) for reason in reasons) > 80


def test_a_series_is_judged_by_itself_and_rows_keep_their_order(known):
    _, made, preprocessing = known
    new = drawn(np.random.default_rng(4), 20)
    together = made.describe(new, preprocessing)
    alone = np.concatenate([made.describe(new[i : i + 1], preprocessing) for i in range(20)])
    np.testing.assert_allclose(together, alone, atol=1e-4)
    order = np.random.default_rng(5).permutation(20)
    np.testing.assert_allclose(made.describe(new[order], preprocessing), together[order], atol=1e-4)
    np.testing.assert_array_equal(made.p_values(together[order]), made.p_values(together)[order])


def test_the_p_value_is_the_share_of_training_series_that_are_as_far_out(known):
    """Counted one by one; each training series compared with the median and quantile of other folds."""
    _, made, preprocessing = known
    statistics = made.describe(drawn(np.random.default_rng(6), 30), preprocessing)

    def distance(one, others):
        middle = np.median(others, axis=0)
        return (abs(one - middle) / np.quantile(abs(others - middle), 0.9, axis=0).clip(0.01)).max()

    fold = np.arange(len(made.statistics)) % reference.FOLDS
    own = [distance(made.statistics[i], made.statistics[fold != k]) for i, k in enumerate(fold)]
    new = [distance(one, made.statistics) for one in statistics]
    expected = [(1 + sum(other >= one for other in own)) / (len(own) + 1) for one in new]
    np.testing.assert_array_equal(made.p_values(statistics), expected)
    far = made.statistics[:1] + 1e6
    assert made.p_values(far)[0] == 1 / (len(own) + 1)


ODD = {
    "constant": np.full((30, 1, 12), 7.0),
    "one series": np.arange(12.0)[None, None],
    "two series": np.random.default_rng(0).normal(size=(2, 1, 12)),
    "two of a kind": np.tile(np.random.default_rng(0).normal(size=(1, 1, 12)), (30, 1, 1)),
    "one value": np.random.default_rng(0).normal(size=(30, 1, 1)),
    "far away": 1e300 * np.random.default_rng(0).normal(size=(30, 1, 12)),
    "tiny": 1e-300 * np.random.default_rng(0).normal(size=(30, 1, 12)),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD)
def test_odd_training_splits_are_described(tmp_path, name):
    made, preprocessing = fitted(ODD[name])
    made.save(tmp_path / "r.npz")
    again = Reference.load(tmp_path / "r.npz", preprocessing)
    for series in (ODD[name], np.random.default_rng(1).normal(size=ODD[name].shape)):
        p = again.p_values(again.describe(series, preprocessing))
        assert ((p > 0) & (p <= 1)).all()


@pytest.mark.parametrize(
    "policies",
    [
        {"missing": "interpolate"},
        {"missing": "mask"},
        {"lengths": "pad"},
        {"lengths": "resample", "length": 10},
        {"lengths": "truncate", "length": 10},
    ],
    ids=str,
)
def test_gaps_and_ends_are_no_numbers(policies):
    rng = np.random.default_rng(7)

    def spoilt(X):
        X = X.copy()
        if "missing" in policies:
            X[::2, 0, 5] = np.nan
        else:
            X[::2, :, -3:] = np.nan
        return X

    X = spoilt(drawn(rng, 40))
    made, preprocessing = fitted(X, **policies)
    assert np.isfinite(made.statistics).all()
    new = preprocessing.equalise(spoilt(drawn(rng, 200)))
    assert (made.p_values(made.describe(new, preprocessing)) <= 0.05).mean() < 0.15
    assert (made.p_values(made.describe(new + 20, preprocessing)) <= 0.05).all()


def test_rounding_of_normalised_series_counts_for_nothing():
    """As in the archive: every series has level 0 and spread 1, to as many digits as the file has."""
    rng = np.random.default_rng(8)

    def scored(n, digits):
        X = drawn(rng, n, n_channels=1)
        X = (X - X.mean(axis=-1, keepdims=True)) / X.std(axis=-1, keepdims=True)
        return X.round(digits)

    made, preprocessing = fitted(scored(40, 5))
    assert (made.p_values(made.describe(scored(200, 3), preprocessing)) <= 0.05).mean() < 0.15
    assert (made.p_values(made.describe(1.5 * scored(200, 5), preprocessing)) <= 0.05).all()


def test_its_size_is_bounded(monkeypatch):
    monkeypatch.setattr(reference, "MOST_SERIES", 50)
    monkeypatch.setattr(reference, "MOST_VALUES", 100)
    made, _ = fitted(drawn(np.random.default_rng(9), 200))
    assert made.statistics.shape == (50, 8)
    assert made.components.axes.shape == (2, 48)


def test_what_is_read_is_what_was_written(known, tmp_path):
    _, made, preprocessing = known
    made.save(tmp_path / "a.npz")
    made.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = Reference.load(tmp_path / "a.npz", preprocessing)
    np.testing.assert_array_equal(again.statistics, made.statistics)
    np.testing.assert_array_equal(again.components.axes, made.components.axes)
    with pytest.raises(DataError, match="is damaged"):
        Reference.load(tmp_path / "a.npz", Preprocessing("per_series", 2, 25))
    with pytest.raises(DataError, match="is missing"):
        Reference.load(tmp_path / "c.npz", preprocessing)


@pytest.mark.parametrize(
    "name", ["centre", "spread", "statistics", "farthest", "mean", "axes", "variances", "more"]
)
@pytest.mark.parametrize("change", ["missing", "NaN", "other shape", "other type", "negative"])
def test_a_file_that_is_none_is_refused(known, tmp_path, name, change):
    _, made, preprocessing = known
    made.save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        arrays = dict(file)
    if name == "more":
        arrays["more"] = np.zeros(3)
    elif change == "missing":
        del arrays[name]
    elif change == "NaN":
        arrays[name].flat[0] = np.nan
    elif change == "other shape":
        arrays[name] = arrays[name][..., None]
    elif change == "other type":
        arrays[name] = arrays[name].astype(np.float16)
    elif name in ("spread", "variances"):
        arrays[name] = -arrays[name]
    else:
        return
    np.savez(tmp_path / "b.npz", **arrays)
    with pytest.raises(DataError, match="is damaged"):
        Reference.load(tmp_path / "b.npz", preprocessing)
