"""How raw series become a network's input: one object, fitted on the training split and stored."""

from __future__ import annotations

from collections.abc import Mapping
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

FLAT = 1e-8
"""A channel is constant whose spread is below this share of its largest value: that much is rounding."""


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

    def apply(self, X: NDArray[np.floating]) -> NDArray[np.float32]:
        """Prepare raw series.

        Parameters
        ----------
        X
            Shape (n_series, n_channels, length).

        Returns
        -------
        float32, the same shape

        Raises
        ------
        DataError
            If the series have other channels or another length than those it was fitted on.
        """
        if X.shape[1:] != (self.n_channels, self.length):
            words = "{} channel(s) of {} values".format
            raise DataError(
                f"Series of {words(*X.shape[1:])}; it takes {words(self.n_channels, self.length)}, as the "
                "training split has. Resample the series, or train on such series."
            )
        if self.normalise == "none":
            return np.ascontiguousarray(X, np.float32)
        wide = X.astype(np.float64)
        centred = wide - wide.mean(axis=-1, keepdims=True)
        spread = centred.std(axis=-1, keepdims=True)
        varies = spread > FLAT * np.abs(wide).max(axis=-1, keepdims=True)
        scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=varies)
        return np.asarray(scaled, np.float32)

    def to_tensorflow(self, series: Any) -> Any:
        """Return the same as `apply`, float32, in a graph; `series` is a tensor of raw series."""
        import tensorflow as tf

        if self.normalise == "none":
            return tf.cast(series, tf.float32)
        wide = tf.cast(series, tf.float64)
        centred = wide - tf.reduce_mean(wide, axis=-1, keepdims=True)
        spread = tf.math.reduce_std(centred, axis=-1, keepdims=True)
        varies = spread > FLAT * tf.reduce_max(tf.abs(wide), axis=-1, keepdims=True)
        scaled = centred / tf.where(varies, spread, tf.ones_like(spread))
        return tf.cast(tf.where(varies, scaled, tf.zeros_like(scaled)), tf.float32)
