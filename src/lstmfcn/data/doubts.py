"""What is odd about labelled series as read: labels that may be none, axes that may be swapped, and so on.

Each doubt is about a whole dataset, since a single split may look odd by chance: an archive's set has one
training series of each class.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.fields import is_number
from lstmfcn.data.normalisation import check_single
from lstmfcn.data.series import LabelledSeries
from lstmfcn.errors import DataError

LEAST_SERIES = 8
"""Fewer say nothing about what their labels are."""

CLEAR = 0.25
"""How much better level and spread must tell the classes apart than the shape: a share of the series."""


@dataclass(frozen=True)
class Doubt:
    """Something odd.

    Attributes
    ----------
    finding
        The finding of `params.yaml` that it is.
    message
        What it looks like, and the remedy.
    """

    finding: str
    message: str


def doubts(splits: Sequence[LabelledSeries], *, normalised: bool = True) -> list[Doubt]:
    """Return what is odd about a dataset.

    Parameters
    ----------
    splits
        Its splits, or all of it.
    normalised
        Whether each series is to be normalised by itself: its level and its spread are lost then.
    """
    found = [Doubt("doubtful_labels", text) for text in (_about_labels(splits),) if text]
    found += [Doubt("doubtful_axes", text) for text in (_about_axes(splits),) if text]
    if normalised and (text := _about_level(splits[0])):
        found.append(Doubt("level_tells_class", text))
    if text := _about_precision(splits, normalised=normalised):
        found.append(Doubt("lost_in_float32", text))
    return found


def _about_labels(splits: Sequence[LabelledSeries]) -> str | None:
    """Say why the labels of all splits may be none."""
    every = [split.labels.tolist() for split in splits if split.labels is not None]
    if not every or sum(map(len, every)) < LEAST_SERIES:
        return None
    together = [label for labels in every for label in labels]
    counts = Counter(together)
    remedy = (
        "Name the labels with --label, leave the column out with --drop, or, if it tells whose the series "
        "is, name it with --group."
    )
    if all(label.isdecimal() for label in together) and all(_count_up(labels) for labels in every):
        return (
            f"The labels count: {', '.join(every[0][:3])}, .... They may be the numbers of the rows. {remedy}"
        )
    fractions = [label for label in counts if is_number(label) and re.search(r"[.eE]", label)]
    if len(fractions) > len(counts) / 2 and len(counts) > 2:
        shown = ", ".join(fractions[:3])
        return f"The labels look like values ({shown}, ...). They may stand in another column. {remedy}"
    single = sum(n == 1 for n in counts.values())
    if single > len(together) / 2:
        shown = ", ".join([label for label, n in counts.items() if n == 1][:3])
        return (
            f"{single} of {len(together)} series are alone in their class ({shown}, ...). The labels may be "
            f"names of series or patients. {remedy}"
        )
    return None


def _count_up(labels: Sequence[str]) -> bool:
    numbers = [int(label) for label in labels]
    return len(numbers) > 1 and all(np.diff(numbers) == 1)


def _about_axes(splits: Sequence[LabelledSeries]) -> str | None:
    n_channels, length = splits[0].X.shape[1:]
    if length == 1 < n_channels:
        return (
            f"Series of {n_channels} channels of length 1. If the axes are (series, length, channels), as "
            "Keras and tsai have them, say --transpose, or save X.transpose(0, 2, 1)."
        )
    return None


def _about_level(split: LabelledSeries) -> str | None:
    """Say where the classes differ in level or spread, and in shape hardly.

    Each series is given the class of the others whose mean is nearest, by its level and spread, and by the
    shape that is left once each series is normalised: its values, or its spectrum.
    """
    if split.labels is None or len(split.X) < LEAST_SERIES or split.X.shape[-1] < 2:
        return None
    X = np.where(np.isfinite(split.X), split.X, np.nan)
    known = ~np.isnan(X)
    if not known.any(axis=-1).all():
        return None
    largest = np.nanmax(np.abs(X)) or 1.0
    level, spread = np.nanmean(X / largest, axis=-1), np.nanstd(X / largest, axis=-1)
    shape = (X / largest - level[..., None]) / np.where(spread > 0, spread, 1.0)[..., None]
    shape = np.where(known, shape, 0.0)
    spectrum = np.log1p(np.abs(np.fft.rfft(shape, axis=-1)))  # the same wherever a shape begins
    outer = np.concatenate([level, np.log(spread + 1e-12)], axis=1)
    outer = (outer - outer.mean(axis=0)) / np.where(outer.std(axis=0) > 1e-9, outer.std(axis=0), np.inf)
    y = np.unique(split.labels, return_inverse=True)[1]
    by_level = _nearest_mean(outer, y)
    by_shape = max(_nearest_mean(form.reshape(len(X), -1), y) for form in (shape, spectrum))
    most = np.bincount(y).max() / len(y)
    if by_level < 0.9 or by_level - by_shape < CLEAR or by_shape - most > CLEAR:
        return None
    return (
        f"Level and spread alone tell {by_level:.0%} of the series' classes, their shape {by_shape:.0%}; "
        "each series is normalised by itself, which takes level and spread away. Set prepare.normalise to "
        "none in params.yaml."
    )


def _nearest_mean(features: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """Return the share of series whose class has the nearest mean, that of a series' own class without it."""
    n = np.bincount(y).astype(np.float64)
    sums = np.zeros((len(n), features.shape[1]))
    np.add.at(sums, y, features)
    right = 0
    for x, k in zip(features, y, strict=True):
        if n[k] < 2:
            continue
        means = sums / n[:, None]
        means[k] = (sums[k] - x) / (n[k] - 1)
        right += int(np.argmin(np.square(means - x).sum(axis=1)) == k)
    return right / len(y)


def _about_precision(splits: Sequence[LabelledSeries], *, normalised: bool) -> str | None:
    """Say where float32, in which networks compute, loses the series."""
    if normalised:
        return None
    for split in splits:
        try:
            check_single(np.where(np.isfinite(split.X), split.X, 0.0), split.places)
        except DataError as error:
            return str(error)
    return None
