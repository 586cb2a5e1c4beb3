"""The Bayesian signed-rank test of two methods over datasets.

Benavoli, Corani, Demsar and Zaffalon (2017), Time for a Change: a Tutorial for Comparing Multiple Classifiers
Through Bayesian Analysis, JMLR 18(77). It says what a p-value does not: how probable it is that two methods
are the same for all practical purposes.

The authors' package baycomp computes the same draw by draw in Python, 5 to 20 times slower, and takes
differences as they come: whether 0.9 - 0.89 lies within a region of 0.01 is then a matter of rounding. The
tests hold this module to it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lstmfcn.evaluation.significance import DIGITS

SEED = 0

DRAWS = 50_000
"""From the posterior, as baycomp has it: the error of a probability is hardly ever over 0.005."""

PRIOR = 0.5
"""The weight of the prior, a dataset on which both are equal, where each dataset weighs 1."""


def signed_rank_probabilities(
    difference: NDArray[np.float64], rope: float
) -> tuple[float, float | None, float]:
    """Return how probable it is that the first method is practically better, equivalent, and worse.

    A method is better by as much as the mean of two differences (Walsh averages, those of Wilcoxon's test)
    lies above the region of practical equivalence, weighted over all pairs of datasets. The weights of the
    datasets are drawn from their posterior, a Dirichlet distribution; a probability is the share of draws in
    which that outcome weighs most. Draws have a fixed seed: equal differences have equal probabilities, and
    opposite differences opposite ones.

    Parameters
    ----------
    difference
        float64, shape (n_datasets,): the first method's score less the second's, taken to `DIGITS` decimals.
    rope
        Differences of at most so much are none in practice. With 0 nothing is equivalent: None stands for
        its probability.
    """
    z = np.concatenate([[0.0], difference])
    sums = np.add.outer(z, z).round(DIGITS)
    limit = round(2 * rope, DIGITS)
    weights = _weights(len(difference))
    better = _mass(weights, np.heaviside(sums - limit, 0.5))
    worse = _mass(weights, np.heaviside(-sums - limit, 0.5))
    if rope == 0:
        wins = float((better > worse).mean() + (better == worse).mean() / 2)
        return wins, None, 1 - wins
    shares = np.stack([better, 1 - better - worse, worse])
    first, same, second = (np.bincount(shares.argmax(axis=0), minlength=3) / DRAWS).tolist()
    return first, same, second


def _mass(weights: NDArray[np.float64], among: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weight of chosen pairs in each draw, shape (n_draws,)."""
    mass: NDArray[np.float64] = np.einsum("ij,ij->i", weights @ among, weights)
    return mass


@lru_cache(maxsize=1)
def _weights(n_datasets: int) -> NDArray[np.float64]:
    """Return draws of the weights of the prior and of each dataset, shape (n_draws, 1 + n_datasets)."""
    alpha = np.concatenate([[PRIOR], np.ones(n_datasets)])
    return np.random.default_rng(SEED).dirichlet(alpha, DRAWS)
