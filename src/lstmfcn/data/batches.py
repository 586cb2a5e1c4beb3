"""How many series pass through a network at once: what bounds its memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

MOST_SERIES = 256

MOST_VALUES = 131_072
"""Of all channels: up to 512 values a series leave the number of series as it is."""


MOST_TRAINED = 350_000
"""Of all channels, in a batch of training, whose memory is some 9 kB a value. Those of the archive have
fewer: its largest, 128 series of HandOutlines, 346,752."""


def series_at_once(n_channels: int, length: int) -> int:
    """Return how many series of a shape make a batch, at least one."""
    return max(1, min(MOST_SERIES, MOST_VALUES // (n_channels * length)))


def trained_at_once(n_channels: int, length: int) -> int:
    """Return how many series of a shape a batch of training may have at most, at least one."""
    return max(1, MOST_TRAINED // (n_channels * length))


def batches(X: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield series, shape (n_series, n_channels, length), batch by batch, as views."""
    size = series_at_once(*X.shape[1:])
    for first in range(0, len(X), size):
        yield X[first : first + size]
