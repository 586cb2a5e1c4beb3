"""How raw series become a network's input: one object, fitted on the training split and stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from lstmfcn.errors import DataError
from lstmfcn.files import read_json, write_json

Normalise = Literal["per_series", "none"]

DEFAULT: Normalise = "per_series"
"""Where nobody says otherwise, in `params.yaml` or to an estimator."""

FLAT = 1e-12
"""A channel is constant whose spread is below this share of its largest value: that much is float64's
rounding, with room for sums. Amplitudes of 1 on an offset of 1e8 are far above."""

ROUNDED = 0.1
"""float32 loses the shape of a channel of which it moves a value by more than this share of the spread."""

LARGEST = float(np.sqrt(np.finfo(np.float32).max))
"""float32 cannot hold the square of a larger value: what a network says of it means nothing."""

# Beyond these the squares of a channel's values leave float64, so it is first multiplied by a power of two,
# which is exact. What is below NOTHING counts as zero: TensorFlow's kernels flush still smaller numbers.
HUGE, TINY, NOTHING, SCALE = 1e100, 1e-100, 1e-290, 2.0**600


@dataclass(frozen=True)
class Preprocessing:
    """What has to be done to raw series before a network sees them.

    Attributes
    ----------
    normalise
        "per_series" shifts and scales each channel of each series to mean 0 and spread 1, a constant
        channel to zeros; "none" leaves the values as they are.
    n_channels, length
        Of the series it was fitted on, and of those it takes.
    """

    normalise: Normalise
    n_channels: int
    length: int

    @classmethod
    def fit(cls, X: NDArray[np.floating], *, normalise: Normalise) -> Self:
        """Return the preprocessing of a dataset.

        Parameters
        ----------
        X
            The raw series of the training split, shape (n_series, n_channels, length).
        normalise
            As in `params.yaml`.
        """
        _, n_channels, length = X.shape
        return cls(normalise, n_channels, length)

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Self:
        """Return what `describe` described."""
        return cls(**description)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        DataError
            If the file is missing or damaged.
        """
        try:
            return cls.from_description(read_json(path))
        except FileNotFoundError:
            raise DataError(f"{path} is missing. Run the stage that makes it: `dvc repro prepare`.") from None
        except (ValueError, TypeError) as error:
            what = str(error).splitlines()[0]
            raise DataError(f"{path} is damaged ({what}). Delete it and run `dvc repro prepare`.") from error

    def describe(self) -> dict[str, Any]:
        """Return all of it as JSON-able values."""
        return asdict(self)

    def save(self, path: Path) -> None:
        """Write the description as JSON."""
        write_json(path, self.describe())

    def check(
        self, X: NDArray[np.floating], *, places: Sequence[str] | None = None, flat_share: float = 0.0
    ) -> None:
        """Refuse series that `apply` cannot prepare.

        Parameters
        ----------
        X
            Raw series, shape (n_series, n_channels, length); values are finite.
        places
            What to call each series in errors; None to count them from 0.
        flat_share
            Where series are not normalised, the share of them whose shape float32 may lose: a few that hardly
            vary are as good as constant, but not all of them.

        Raises
        ------
        DataError
            If the series have other channels or another length than those it was fitted on, or are not
            normalised and float32 cannot hold them and their squares.
        """
        if X.shape[1:] != (self.n_channels, self.length):
            words = "{} channel(s) of {} values".format
            raise DataError(
                f"Series of {words(*X.shape[1:])}; it takes {words(self.n_channels, self.length)}, as the "
                "training split has. Resample the series, or train on such series."
            )
        if self.normalise == "none":
            _check_single(X, places, flat_share)

    def apply(
        self, X: NDArray[np.floating], *, places: Sequence[str] | None = None, flat_share: float = 0.0
    ) -> NDArray[np.float32]:
        """Prepare raw series, in float64 until the last step.

        Parameters
        ----------
        X, places, flat_share
            As for `check`, which is asked first.

        Returns
        -------
        float32, shape (n_series, n_channels, length)

        Raises
        ------
        DataError
            See `check`.
        """
        self.check(X, places=places, flat_share=flat_share)
        if self.normalise == "none":
            return np.ascontiguousarray(X, np.float32)
        raw = X.astype(np.float64)
        largest = np.abs(raw).max(axis=-1, keepdims=True)
        wide = raw * np.where(largest > HUGE, 1 / SCALE, np.where(largest < TINY, SCALE, 1.0))
        centred = wide - wide.mean(axis=-1, keepdims=True)
        centred -= centred.mean(axis=-1, keepdims=True)  # on a large offset the first mean is rounded
        spread = centred.std(axis=-1, keepdims=True)
        varies = (spread > FLAT * np.abs(wide).max(axis=-1, keepdims=True)) & (largest > NOTHING)
        scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=varies)
        return np.asarray(scaled, np.float32)

    def to_tensorflow(self, series: Any) -> Any:
        """Return the same as `apply`, float32, in a graph; `series` is a tensor of raw series, float64."""
        import tensorflow as tf

        if self.normalise == "none":
            return tf.cast(series, tf.float32)
        raw = tf.cast(series, tf.float64)
        largest = tf.reduce_max(tf.abs(raw), axis=-1, keepdims=True)
        one = tf.ones_like(largest)
        wide = raw * tf.where(largest > HUGE, one / SCALE, tf.where(largest < TINY, one * SCALE, one))
        centred = wide - tf.reduce_mean(wide, axis=-1, keepdims=True)
        centred -= tf.reduce_mean(centred, axis=-1, keepdims=True)
        spread = tf.math.reduce_std(centred, axis=-1, keepdims=True)
        varies = (spread > FLAT * tf.reduce_max(tf.abs(wide), axis=-1, keepdims=True)) & (largest > NOTHING)
        scaled = centred / tf.where(varies, spread, one)
        return tf.cast(tf.where(varies, scaled, tf.zeros_like(scaled)), tf.float32)


def _check_single(X: NDArray[np.floating], places: Sequence[str] | None, flat_share: float) -> None:
    """Refuse series of which float32 cannot hold a value's square, or whose shape it loses."""
    with np.errstate(over="ignore"):
        single = X.astype(np.float32)
    beyond = (~(np.abs(single) <= LARGEST)).any(axis=-1)
    with np.errstate(over="ignore", invalid="ignore"):
        lost = np.abs(single - X).max(axis=-1)
        spread = X.std(axis=-1, dtype=np.float64)
    varies = spread > FLAT * np.abs(X).max(axis=-1)
    shapeless = ~beyond & varies & (lost > ROUNDED * spread)
    for at_fault, tolerated, what in (
        (beyond, 0.0, f"a value beyond {LARGEST:.2g}, whose square float32 cannot hold"),
        (shapeless, flat_share, "values that float32, whose steps are too large for them, cannot tell apart"),
    ):
        found = np.flatnonzero(np.any(at_fault, axis=1))
        if len(found) > tolerated * len(X):
            place = places[found[0]] if places else f"Series {found[0]} (counted from 0)"
            raise DataError(
                f"{place}: {what} ({len(found)} such series in all). Set prepare.normalise to per_series, "
                "or shift and scale the series."
            )
