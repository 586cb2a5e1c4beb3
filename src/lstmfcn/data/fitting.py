"""Reading series for a model: those that its preprocessing takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lstmfcn.data.batches import series_at_once
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.readers import read_batches, read_fitting, read_fitting_batches, read_series
from lstmfcn.data.series import LabelledSeries


def read_for(path: Path, preprocessing: Preprocessing, whose: str) -> LabelledSeries:
    """Read series, and their labels if the file has them.

    Parameters
    ----------
    path
        As for `read_series`.
    preprocessing
        What will be done to them. Where it takes series of one length without missing values, others are
        refused here.
    whose
        What to call the model in errors.

    Raises
    ------
    DataError
        As `read_series`, or if a series is refused.
    """
    if preprocessing.strict:
        return read_fitting(path, (preprocessing.n_channels, preprocessing.length), whose)
    return read_series(path, length=_known_length(preprocessing))


def read_batches_for(
    path: Path, preprocessing: Preprocessing, whose: str
) -> Iterator[tuple[LabelledSeries, float]]:
    """Read such series batch by batch; see `read_batches`."""
    shape = preprocessing.n_channels, preprocessing.length
    if preprocessing.strict:
        yield from read_fitting_batches(path, shape, whose)
    else:
        n_values = series_at_once(*shape) * shape[0] * shape[1]
        yield from read_batches(path, n_values, length=_known_length(preprocessing))


def _known_length(preprocessing: Preprocessing) -> int | None:
    return preprocessing.length if preprocessing.lengths == "refuse" else None
