"""Missing values: filled as `numpy.interp` does, in NumPy and in the graph."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lstmfcn.data.missing import interpolated, interpolated_in_graph

VALUES = st.one_of(st.just(np.nan), st.sampled_from([1.7e308, -1.7e308, 0.0]), st.floats(-1e3, 1e3))
SHAPES = st.tuples(st.integers(1, 3), st.just(2), st.integers(1, 40))


@settings(deadline=None, max_examples=200)
@given(hnp.arrays(np.float64, SHAPES, elements=VALUES))
def test_what_is_missing_lies_on_the_line_between_its_neighbours(X):
    """Channel by channel; at either end it is the nearest value. Halves, since NumPy's slope may overflow."""
    found = interpolated(X)
    steps = np.arange(X.shape[-1])
    for channel, filled in zip(X.reshape(-1, X.shape[-1]), found.reshape(-1, X.shape[-1]), strict=True):
        present = ~np.isnan(channel)
        if present.any():
            expected = 4 * np.interp(steps, steps[present], channel[present] / 4)
            np.testing.assert_allclose(filled, expected, rtol=1e-9, atol=1e-9)
            np.testing.assert_array_equal(filled[present], channel[present])
        else:
            assert np.isnan(filled).all()
    np.testing.assert_allclose(interpolated_in_graph(X).numpy(), found, rtol=1e-12, atol=1e-9)
