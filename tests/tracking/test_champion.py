"""What a registered model is worth: to raw series, and to whoever gives it others."""

import numpy as np
import pytest
from scipy.stats import zscore

from lstmfcn.errors import DataError
from lstmfcn.tracking.champion import load_champion


def test_a_model_serves_raw_series_as_it_learned_normalised_ones(finished):
    """Shifted, scaled: the same prediction; constant: as zeros; and equal to NumPy's z-scores."""
    champion = load_champion("Bumps", workspace=finished[0].root)
    series = np.random.default_rng(2).normal(size=(5, 1, 20)).astype(np.float32)
    series[4] = 7
    expected = champion.predict_proba(np.concatenate([zscore(series[:4], axis=-1), np.zeros((1, 1, 20))]))
    np.testing.assert_allclose(champion.predict_proba(3 * series - 11), expected, atol=1e-5)
    np.testing.assert_allclose(champion.predict_proba(series), expected, atol=1e-6)
    np.testing.assert_allclose(champion.predict_proba(1e-9 * series), expected, atol=1e-5)
    np.testing.assert_allclose(champion.predict_proba(1e8 + series.astype(float)), expected, atol=1e-5)


def test_unfit_series_are_refused(finished):
    champion = load_champion("Bumps", workspace=finished[0].root)
    with pytest.raises(DataError, match=r"takes series of 1 x 20 .* not 1 x 19"):
        champion.predict_proba(np.zeros((2, 19)))
    with pytest.raises(DataError, match=r"Series 1 .* missing or infinite"):
        champion.predict_proba(np.array([[0.0] * 20, [np.nan] * 20]))
    assert champion.predict_proba(np.empty((0, 20))).shape == (0, 3)
