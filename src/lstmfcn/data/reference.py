"""What a training split looks like, in few enough numbers to go with a model: by them a series is unlike it.

A series is described by statistics: of each channel its level, its spread and its roughness, which
normalisation hides from the network in part; and of the prepared series as a whole its distance from the mean
within the principal components of the training series, and what these leave over (Hotelling's T and the
squared prediction error of multivariate process control; Jackson and Mudholkar, Technometrics 21:341, 1979).

How far out it is: the largest of the statistics' distances from the training median, each as a multiple
of the 90 % quantile of the training series' own distances. A conformal p-value (Vovk, Gammerman and Shafer,
2005) compares that with the training series' own: of series that are drawn as they were, a share of about
`level` has one of `level` or less. For that, the components that describe a training series are fitted
and the quantiles taken without it. No training series is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.errors import DataError
from lstmfcn.files import read_arrays, write_arrays

LEVEL = 0.05
"""A series with this p-value or less is marked; so is about this share of those that are like the rest."""

MOST_SERIES = 1000
"""So many training series are described, drawn at random where there are more."""

MOST_COMPONENTS = 16
EXPLAINED = 0.9
"""Principal components are kept until they explain this share of the variance, or are so many."""

MOST_VALUES = 2**22
"""Of all components kept."""

FOLDS = 20

QUANTILE = 0.9

SMALLEST = 0.01
"""Differences below this, in units of the typical spread, are rounding."""

OF_CHANNELS = ("level", "spread", "roughness")
OF_SERIES = ("shape", "remainder")


@dataclass(frozen=True)
class Components:
    """The principal components of prepared series.

    Attributes
    ----------
    mean
        float32, shape (n_values,), of all channels.
    axes
        float32, shape (n_components, n_values).
    variances
        float64, shape (n_components,).
    """

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    variances: NDArray[np.float64]

    @classmethod
    def fit(cls, flat: NDArray[np.float32], n: int | None = None) -> Self:
        """Return those of series, float32 (n_series, n_values): the first n, or as many as explain enough."""
        from sklearn.decomposition import PCA

        n_series, n_values = flat.shape
        most = min(MOST_COMPONENTS, n_series // 3, n_values, MOST_VALUES // n_values) if n is None else n
        most = min(max(1, most), n_series - 1, n_values)
        if most < 1:
            return cls(flat.mean(axis=0), np.zeros((0, n_values), np.float32), np.zeros(0))
        with np.errstate(invalid="ignore", divide="ignore"):  # series that are all the same have no variance
            pca = PCA(n_components=most, random_state=0).fit(flat)
        if n is None:
            explained = np.cumsum(np.nan_to_num(pca.explained_variance_ratio_))
            most = min(most, int((explained < EXPLAINED).sum()) + 1)
        variances = np.asarray(pca.explained_variance_[:most], np.float64)
        kept = variances > 0
        axes = np.asarray(pca.components_[:most][kept], np.float32)
        return cls(np.asarray(pca.mean_, np.float32), axes, variances[kept])

    def describe(self, flat: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the distance within the components and what they leave over, float64 (n_series, 2)."""
        centred = flat - self.mean
        scores = centred @ self.axes.T
        within = np.sqrt((scores.astype(np.float64) ** 2 / self.variances).sum(axis=1))
        rest = np.asarray(centred - scores @ self.axes, np.float64)
        return np.column_stack([within, np.sqrt((rest**2).mean(axis=1))])


@dataclass(frozen=True)
class Reference:
    """What a training split looks like.

    Attributes
    ----------
    centre, spread
        The typical level and the typical spread of each channel, float64 (n_channels,).
    components
        Those of the prepared series.
    statistics
        Of training series, float64 (n_series, 3 n_channels + 2), in the order of `names`.
    farthest
        How far out each of them is, float64 (n_series,), ascending: compared with others than itself.
    """

    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    components: Components
    statistics: NDArray[np.float64]
    farthest: NDArray[np.float64]

    @classmethod
    def fit(cls, X: NDArray[np.float64], preprocessing: Preprocessing) -> Self:
        """Describe the training split.

        Parameters
        ----------
        X
            Its raw series, of the one length: see `Preprocessing.equalise`.
        preprocessing
            What the network is trained behind.
        """
        if len(X) > MOST_SERIES:
            X = X[np.sort(np.random.default_rng(0).choice(len(X), MOST_SERIES, replace=False))]
        centre, spread = _typical(X)
        flat = _flat(X, preprocessing)
        of_series, farthest = np.empty((len(X), len(OF_SERIES))), np.empty(len(X))
        components = Components.fit(flat)
        for own, others in _folds(len(X)):
            of_series[own] = Components.fit(flat[others], len(components.axes)).describe(flat[own])
        statistics = np.hstack([_of_channels(X, centre, spread), of_series])
        for own, others in _folds(len(X)):
            farthest[own] = _distances(statistics[own], statistics[others]).max(axis=1)
        return cls(centre, spread, components, statistics, np.sort(farthest))

    @property
    def names(self) -> list[str]:
        """What the statistics are called."""
        return [*self.names_of_channels, *OF_SERIES]

    @property
    def names_of_channels(self) -> list[str]:
        """What the first of them are called, which are measured on each series alone.

        They are distributed alike in all samples of the same series. The others are not quite: the components
        have seen all training series but the one that they describe.
        """
        n = len(self.centre)
        return [name + (f" of channel {c + 1}" if n > 1 else "") for name in OF_CHANNELS for c in range(n)]

    def describe(self, X: NDArray[np.float64], preprocessing: Preprocessing) -> NDArray[np.float64]:
        """Return the statistics of series, as `statistics`; `X` as for `fit`."""
        of_series = self.components.describe(_flat(X, preprocessing))
        return np.hstack([_of_channels(X, self.centre, self.spread), of_series])

    def distances(self, statistics: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far out each statistic of each series is; 1 is farther than 9 of 10 training series."""
        return _distances(statistics, self.statistics)

    def p_values(self, statistics: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return conformal p-values, float64 (n_series,): the share of series at least as far out."""
        own = self.distances(statistics).max(axis=1)
        n_farther = len(self.farthest) - np.searchsorted(self.farthest, own, side="left")
        return np.asarray((1 + n_farther) / (1 + len(self.farthest)), np.float64)

    def reasons(self, statistics: NDArray[np.float64]) -> list[str]:
        """Return, for each series, the name of the statistic that is farthest out."""
        names = self.names
        return [names[i] for i in self.distances(statistics).argmax(axis=1)]

    def save(self, path: Path) -> None:
        """Write it as `.npz`."""
        write_arrays(
            path,
            {
                "centre": self.centre,
                "spread": self.spread,
                "statistics": self.statistics,
                "farthest": self.farthest,
                "mean": self.components.mean,
                "axes": self.components.axes,
                "variances": self.components.variances,
            },
        )

    @classmethod
    def load(cls, path: Path, preprocessing: Preprocessing) -> Self:
        """Read what `save` wrote of series that a preprocessing takes.

        Raises
        ------
        DataError
            If it is missing, damaged, or of other series.
        """
        try:
            arrays = read_arrays(path)
            n, k = len(arrays["statistics"]), len(arrays["axes"])
            n_channels, n_values = preprocessing.n_channels, prod(preprocessing.shape)
            shapes = {
                "centre": ((n_channels,), np.float64),
                "spread": ((n_channels,), np.float64),
                "statistics": ((n, len(OF_CHANNELS) * n_channels + len(OF_SERIES)), np.float64),
                "farthest": ((n,), np.float64),
                "mean": ((n_values,), np.float32),
                "axes": ((k, n_values), np.float32),
                "variances": ((k,), np.float64),
            }
            if arrays.keys() != shapes.keys():
                raise ValueError(f"it holds {', '.join(sorted(arrays))}")
            for name, (shape, dtype) in shapes.items():
                array = arrays[name]
                if array.shape != shape or array.dtype != dtype or not np.isfinite(array).all() or not n:
                    raise ValueError(f"{name} is {array.dtype} {array.shape}, or holds what is no number")
            if (arrays["spread"] <= 0).any() or (arrays["variances"] <= 0).any():
                raise ValueError("a spread or a variance is not above 0")
        except FileNotFoundError:
            raise DataError(f"{path} is missing. Run the stage that makes it: `dvc repro prepare`.") from None
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path} is damaged ({error}). Delete it and make it again: `dvc repro prepare`."
            ) from error
        components = Components(arrays["mean"], arrays["axes"], arrays["variances"])
        farthest = np.sort(arrays["farthest"])
        return cls(arrays["centre"], arrays["spread"], components, arrays["statistics"], farthest)


def _folds(n: int) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Yield which of some series are described, and by which others; a single one by itself."""
    fold = np.arange(n) % FOLDS
    for k in range(fold.max() + 1):
        yield fold == k, (fold != k) | (n == 1)


def _distances(statistics: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far out statistics are among known ones, (n_series, n_statistics)."""
    middle = np.median(known, axis=0)
    scale = np.quantile(np.abs(known - middle), QUANTILE, axis=0)
    distances: NDArray[np.float64] = np.abs(statistics - middle) / np.maximum(scale, SMALLEST)
    return distances


def _flat(X: NDArray[np.float64], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Return prepared series, float32 (n_series, n_values); what follows the end of a series is 0."""
    return np.nan_to_num(preprocessing.apply(X)).reshape(len(X), -1)


def _moments(X: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return mean, spread and spread of the steps of each channel, (n_series, n_channels), without NaN."""
    given = np.isfinite(X)
    largest = np.where(given, np.abs(X), 0).max(axis=-1, initial=0)
    unit = np.where(largest > 0, largest, 1)[..., None]  # squares of large or small values are none
    wide = np.where(given, X / unit, 0)
    n = np.maximum(given.sum(axis=-1), 1)
    mean = wide.sum(axis=-1) / n
    spread = np.sqrt((np.where(given, wide - mean[..., None], 0) ** 2).sum(axis=-1) / n)
    both = given[..., 1:] & given[..., :-1]
    steps = np.where(both, np.diff(wide, axis=-1), 0)
    rough = np.sqrt((steps**2).sum(axis=-1) / np.maximum(both.sum(axis=-1), 1))
    with np.errstate(over="ignore"):
        return mean * unit[..., 0], spread * unit[..., 0], rough * unit[..., 0]


def _typical(X: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the median level and the median spread of each channel, float64 (n_channels,)."""
    mean, spread, _ = _moments(X)
    typical = np.median(spread, axis=0)
    return np.median(mean, axis=0), np.where(typical > 0, typical, 1.0)


def _of_channels(
    X: NDArray[np.float64], centre: NDArray[np.float64], typical: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return level, spread and roughness of each channel, float64 (n_series, 3 n_channels).

    The level in units of the typical spread, the spread as the logarithm of its ratio to it, the roughness as
    that of the ratio of the steps' spread to the series' own; all to two decimals, since less is rounding.
    """
    mean, spread, rough = _moments(X)
    floor = SMALLEST * typical
    with np.errstate(over="ignore", invalid="ignore"):
        level = (mean - centre) / typical
        ratios = np.log(np.maximum(spread, floor) / typical), np.log((rough + floor) / (spread + floor))
    found = np.hstack([level, *ratios])
    return np.asarray(np.clip(np.nan_to_num(found, nan=0.0), -1e9, 1e9).round(2), np.float64)
