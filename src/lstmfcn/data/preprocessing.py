"""How raw series become a network's input: one object, fitted on the training split and stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from lstmfcn.data.lengths import Lengths, ends, length_for, resampled, to_width
from lstmfcn.data.missing import Missing, interpolated, interpolated_in_graph
from lstmfcn.data.normalisation import check_single, place_of, z_scores, z_scores_in_graph
from lstmfcn.errors import DataError
from lstmfcn.files import read_json, write_json

Normalise = Literal["per_series", "none"]

DEFAULT: Normalise = "per_series"
"""Where nobody says otherwise, in `params.yaml` or to an estimator."""

LENGTHS_HELP = "set prepare.lengths in params.yaml to resample, truncate or pad (docs/unequal-lengths.md)"
MISSING_HELP = "set prepare.missing in params.yaml to interpolate or mask (docs/missing-values.md)"


@dataclass(frozen=True)
class Preprocessing:
    """What has to be done to raw series before a network sees them.

    First a series gets the length that the network takes (truncated ones before, resampled ones after their
    missing values are filled in), then it is normalised.

    Attributes
    ----------
    normalise
        "per_series" shifts and scales each channel of each series to mean 0 and spread 1, a constant
        channel to zeros; "none" leaves the values as they are.
    n_channels
        Of the series it was fitted on, and of those it takes.
    length
        Of the series that the network takes.
    lengths
        "refuse" takes series of this length only; "resample" those of any, on the lines between their
        values; "truncate" cuts off what is beyond it; "pad" leaves NaN after the end of those that are
        shorter, which the network does not look at. But for "refuse", a series ends with the last step at
        which any of its channels has a value.
    missing
        "refuse" takes series without missing values only; "interpolate" puts them on the line between their
        neighbours in the channel, at either end the nearest value in their place; "mask" makes them 0 once
        the others are normalised, and adds a further channel for each, which is 1 where its value is missing.
    """

    normalise: Normalise
    n_channels: int
    length: int
    lengths: Lengths = "refuse"
    missing: Missing = "refuse"

    @classmethod
    def fit(
        cls,
        X: NDArray[np.floating],
        *,
        normalise: Normalise,
        lengths: Lengths = "refuse",
        missing: Missing = "refuse",
        length: int | None = None,
    ) -> Self:
        """Return the preprocessing of a dataset.

        Parameters
        ----------
        X
            The raw series of the training split, shape (n_series, n_channels, length); NaN is a missing
            value, or stands after the end of a series.
        normalise, lengths, missing, length
            As in `params.yaml`.

        Raises
        ------
        DataError
            If the length does not fit the series.
        """
        return cls(normalise, X.shape[1], length_for(X, lengths, length), lengths, missing)

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
        """Return all of it as JSON-able values; a policy that refuses is not named."""
        return {key: value for key, value in asdict(self).items() if value != "refuse"}

    def save(self, path: Path) -> None:
        """Write the description as JSON."""
        write_json(path, self.describe())

    @property
    def strict(self) -> bool:
        """Whether it takes whole series of one length only."""
        return self.lengths == self.missing == "refuse"

    @property
    def padded(self) -> bool:
        """Whether prepared series may end before the others, with NaN after their ends."""
        return self.lengths == "pad"

    @property
    def shape(self) -> tuple[int, int]:
        """(channels, values) of the prepared series, which the network takes."""
        return self.n_channels * (2 if self.missing == "mask" else 1), self.length

    def example(self, prepared: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return whole series of the kind that it takes, made of prepared ones."""
        return np.nan_to_num(prepared[:, : self.n_channels])

    @property
    def takes(self) -> str:
        """What the exported graph takes, in words."""
        said = [f"{self.n_channels} channel(s) of {self.length} values, float64"]
        if self.missing != "refuse":
            said.append("NaN is a missing value")
        if self.padded:
            said.append("NaN stands after the end of a shorter series")
        elif self.lengths != "refuse":
            said.append(f"{self.lengths} series of other lengths first")
        return "; ".join(said)

    def equalise(
        self,
        X: NDArray[np.floating],
        *,
        lengths: NDArray[np.int64] | None = None,
        places: Sequence[str] | None = None,
        flat_share: float = 0.0,
    ) -> NDArray[np.float64]:
        """Return raw series of the one length; to interpolate, without missing values.

        Parameters
        ----------
        X
            Raw series, shape (n_series, n_channels, any length); NaN is a missing value, or stands after the
            end of a series.
        lengths
            How many values each series has, if that is known; looked at where lengths are refused.
        places
            What to call each series in errors; None to count them from 0.
        flat_share
            Where series are not normalised, the share of them whose shape float32 may lose: a few that hardly
            vary are as good as constant, but not all of them.

        Returns
        -------
        float64, shape (n_series, n_channels, length)
            NaN is a missing value to mask, or stands after the end of a series to pad.

        Raises
        ------
        DataError
            If the series have other channels or lengths than it takes, or a value is infinite, or missing
            where that is refused, or a channel has no value at all; or if the series are not normalised and
            float32 cannot hold them and their squares.
        """
        words = "{} channel(s) of {} values".format
        raw = np.asarray(X, np.float64)

        def refuse(at_fault: Any, what: str) -> None:
            found = np.flatnonzero(at_fault)
            if len(found):
                raise DataError(f"{place_of(found[0], places)}: {what}")

        if raw.shape[1] != self.n_channels or (self.lengths == "refuse" and raw.shape[2] != self.length):
            raise DataError(
                f"Series of {words(*raw.shape[1:])}; it takes {words(self.n_channels, self.length)}, as the "
                f"training split has. Resample the series, or train on such series: {LENGTHS_HELP}."
            )
        refuse(np.isinf(raw).any(axis=(1, 2)), "a missing or infinite value. Take the series out.")
        if self.lengths == "refuse":
            steps = np.full(len(raw), self.length)
            if lengths is not None:
                other = f"another length than {self.length}. To take series of any length, {LENGTHS_HELP}."
                refuse(lengths != self.length, other)
        else:
            steps = ends(raw)
            refuse(steps == 0, "no value at all. Take the series out.")
        if self.lengths == "truncate":
            refuse(
                steps < self.length,
                f"shorter than the {self.length} values to which series are truncated. Lower prepare.length "
                "and train on that, or take the series out.",
            )
            raw, steps = to_width(raw, self.length), np.full(len(raw), self.length)
        if self.padded:
            refuse(
                steps > self.length,
                f"longer than the {self.length} values to which series are padded. Set prepare.length to "
                f"{max(steps, default=0)} or more and train on that, or take the series out.",
            )
            raw = to_width(raw, self.length)
        missing: NDArray[np.bool_] = np.isnan(raw) & np.less(np.arange(raw.shape[-1]), steps[:, None, None])
        if self.missing == "refuse":
            refuse(
                missing.any(axis=(1, 2)),
                f"a missing or infinite value. Fill it in first, or {MISSING_HELP} and train on that.",
            )
        elif self.missing == "interpolate":
            nothing = np.asarray(np.isnan(raw).all(axis=-1))
            for channel in range(self.n_channels):
                what = "no value at all" + (f" in channel {channel + 1}" if self.n_channels > 1 else "")
                refuse(nothing[:, channel], f"{what}: there is nothing to interpolate. Take the series out.")
            raw = np.where(missing, interpolated(raw), raw) if missing.any() else raw
        if self.lengths == "resample":
            each = [resampled(series[:, :end], self.length) for series, end in zip(raw, steps, strict=True)]
            raw = np.stack(each) if each else to_width(raw, self.length)
        if self.missing == "mask":
            refuse(np.isnan(raw).all(axis=(1, 2)), "no value at all. Take the series out.")
        if self.normalise == "none":
            check_single(raw, places, flat_share)
        return raw

    def apply(
        self,
        X: NDArray[np.floating],
        *,
        lengths: NDArray[np.int64] | None = None,
        places: Sequence[str] | None = None,
        flat_share: float = 0.0,
    ) -> NDArray[np.float32]:
        """Prepare raw series, in float64 until the last step.

        Parameters
        ----------
        X, lengths, places, flat_share
            As for `equalise`.

        Returns
        -------
        float32, shape (n_series, *self.shape)
            NaN stands after the end of a padded series, and nowhere else.

        Raises
        ------
        DataError
            See `equalise`.
        """
        raw = self.equalise(X, lengths=lengths, places=places, flat_share=flat_share)
        scaled = np.asarray(raw if self.normalise == "none" else z_scores(raw), np.float32)
        if self.missing == "mask":
            missing = np.isnan(raw)
            scaled = np.concatenate(
                [np.where(missing, np.float32(0), scaled), missing], axis=1, dtype=np.float32
            )
        if self.padded:
            after = np.arange(self.length) >= ends(raw)[:, None, None]
            scaled = np.where(after, np.float32(np.nan), scaled)
        return np.ascontiguousarray(scaled, np.float32)

    def to_tensorflow(self, series: Any) -> Any:
        """Return the same as `apply`, float32, in a graph.

        `series` is a tensor of raw series of the one length, float64: to truncate or to resample them is for
        those who call. Of a series that is not `sound` the result means nothing.
        """
        import tensorflow as tf

        given, within = None, None
        if self.missing == "mask" or self.padded:
            given = tf.logical_not(tf.math.is_nan(series))
        if self.padded:
            within = _within(given)
        if self.missing == "interpolate":
            series, given = interpolated_in_graph(series), within
        if self.normalise == "none":
            scaled = tf.cast(series, tf.float32)
        else:
            scaled = tf.cast(z_scores_in_graph(tf.cast(series, tf.float64), given), tf.float32)
        if self.missing == "mask":
            scaled = tf.where(given, scaled, tf.zeros_like(scaled))
            scaled = tf.concat([scaled, 1 - tf.cast(given, tf.float32)], axis=1)
        if self.padded:
            scaled = tf.where(within, scaled, tf.constant(np.nan, tf.float32))
        return scaled

    def sound(self, series: Any) -> Any:
        """Return which series `to_tensorflow` can prepare, bool (batch,), in a graph."""
        import tensorflow as tf

        if self.strict:
            return tf.reduce_all(tf.math.is_finite(series), axis=(1, 2))
        given = tf.math.is_finite(series)
        bearable = tf.logical_or(given, tf.math.is_nan(series))
        if self.missing == "refuse":
            bearable = tf.logical_and(bearable, tf.equal(given, _within(given) if self.padded else True))
        sound = tf.reduce_all(bearable, axis=(1, 2))
        if self.missing == "interpolate":
            sound = tf.logical_and(sound, tf.reduce_all(tf.reduce_any(given, axis=2), axis=1))
        else:
            sound = tf.logical_and(sound, tf.reduce_any(given, axis=(1, 2)))
        if self.lengths in ("resample", "truncate"):  # a series that ends early is one of another length
            sound = tf.logical_and(sound, tf.reduce_any(given[:, :, -1], axis=1))
        return sound


def _within(given: Any) -> Any:
    """Return which steps are within each series, bool (batch, 1, length), in a graph.

    `given` says which values there are, bool (batch, n_channels, length).
    """
    import tensorflow as tf

    steps = tf.cast(tf.reduce_any(given, axis=1, keepdims=True), tf.int32)
    return tf.cumsum(steps, axis=-1, reverse=True) > 0
