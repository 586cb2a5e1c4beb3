"""Reading series for a model: those that its preprocessing takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from lstmfcn.data.batches import series_at_once
from lstmfcn.data.fields import spelled_as
from lstmfcn.data.layout import Layout, Reading
from lstmfcn.data.preprocessing import LENGTHS_HELP, MISSING_HELP, Preprocessing
from lstmfcn.data.readers import read_batches, read_series
from lstmfcn.data.series import LabelledSeries
from lstmfcn.errors import DataError


def read_for(
    path: Path,
    preprocessing: Preprocessing,
    whose: str,
    *,
    classes: tuple[str, ...] = (),
    layout: Layout | None = None,
) -> LabelledSeries:
    """Read series, and their labels if the file has them.

    Parameters
    ----------
    path
        As for `read_series`.
    preprocessing
        What will be done to them. What it refuses of a file is refused here.
    whose
        What to call the model in errors.
    classes
        Those of the model: labels that are equal to them are spelled as they are.
    layout
        What is known of the file.

    Raises
    ------
    DataError
        As `read_series`, or if a series does not fit.
    """
    found = read_series(path, reading=reading_for(preprocessing, classes=classes, layout=layout))
    return _fitted(found, preprocessing, whose, classes)


def read_batches_for(
    path: Path,
    preprocessing: Preprocessing,
    whose: str,
    *,
    classes: tuple[str, ...] = (),
    layout: Layout | None = None,
) -> Iterator[tuple[LabelledSeries, float]]:
    """Read such series as many at a time as a network takes at once.

    The parameters are those of `read_for`.

    Yields
    ------
    LabelledSeries, float
        See `read_batches`.

    Raises
    ------
    DataError
        As `read_for`, when the fault is come to.
    """
    n_channels, length = preprocessing.shape
    n_values = series_at_once(n_channels, length) * n_channels * length
    for series, share in read_batches(
        path, n_values, reading=reading_for(preprocessing, classes=classes, layout=layout)
    ):
        yield _fitted(series, preprocessing, whose, classes), share


def reading_for(
    preprocessing: Preprocessing, *, classes: tuple[str, ...] = (), layout: Layout | None = None
) -> Reading:
    """Return how a file of such series is read; the parameters are those of `read_for`."""
    any_length = preprocessing.lengths != "refuse"
    return Reading(
        layout=layout or Layout(),
        length=None if any_length else preprocessing.length,
        any_length=any_length,
        classes=classes,
    )


def _fitted(
    series: LabelledSeries, preprocessing: Preprocessing, whose: str, classes: tuple[str, ...]
) -> LabelledSeries:
    """Return series with their labels as the model spells them; refuse what the preprocessing does."""
    expected = preprocessing.n_channels, preprocessing.length
    n_channels, longest = series.X.shape[1:]
    lengths = np.full(len(series.X), longest) if series.lengths is None else series.lengths
    of_any_length = preprocessing.lengths != "refuse"
    odd = np.flatnonzero(lengths != expected[1]) if n_channels == expected[0] else [0]
    if len(odd) and not (of_any_length and n_channels == expected[0]):
        words = "{} channel(s) of {} values".format
        takes = f"{expected[0]} channel(s) of any length" if of_any_length else words(*expected)
        hint = f" Resample the series, or train on such series: {LENGTHS_HELP}."
        if n_channels != expected[0]:
            hint = " Take the channels that it was trained on, or train on such series."
        if (lengths[odd[0]], n_channels) == expected:
            hint = (
                " If the axes are (series, length, channels), as Keras and tsai have them, say --transpose."
            )
        raise DataError(
            f"{series.places[odd[0]]}: a series of {words(n_channels, lengths[odd[0]])}; {whose} takes "
            f"{takes}.{hint}"
        )
    bad = np.flatnonzero(~np.isfinite(series.X).all(axis=(1, 2)))
    if preprocessing.strict and len(bad):
        raise DataError(
            f"{series.places[bad[0]]}: a missing or infinite value. Fill it in, or take the series out, or "
            f"{MISSING_HELP} and train on that."
        )
    if series.labels is None:
        return series
    return replace(series, labels=np.array(spelled_as(series.labels.tolist(), classes), dtype=np.str_))
