"""What tests of the estimators share."""

import numpy as np
import pytest

from lstmfcn.classifiers import estimators
from lstmfcn.classifiers.base import NetworkClassifier


class Tiny(NetworkClassifier):
    """A network without cells, whatever is asked for."""

    def architecture(self, cells, **options):
        return super().architecture(None, **options)


TINY = Tiny(name="fcn", title="Tiny", network="tiny.network")


@pytest.fixture
def tiny(monkeypatch):
    """Give the estimators a network that compiles in no time: what surrounds it is the same for all."""
    monkeypatch.setattr(estimators, "network_named", lambda name: TINY)


@pytest.fixture(scope="session")
def bumps():
    """Return 30 series of shape (1, 20), and which of three places has a bump."""
    rng = np.random.default_rng(0)
    y = np.arange(30) % 3
    X = 0.3 * rng.normal(size=(30, 1, 20))
    for i, k in enumerate(y):
        X[i, 0, 3 + 5 * k : 6 + 5 * k] += 2
    return X, y
