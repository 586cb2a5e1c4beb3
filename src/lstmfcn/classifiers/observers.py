"""Who is told of the fits of the estimators, without their knowing whom."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lstmfcn.data.series import Split


@dataclass(frozen=True)
class FitRecord:
    """A fit that has ended well.

    Attributes
    ----------
    estimator
        The fitted estimator.
    train
        What it was fitted on, as prepared.
    started, seconds
        When it began, in seconds since the epoch, and how long it took.
    """

    estimator: Any
    train: Split
    started: float
    seconds: float


Observer = Callable[[FitRecord], None]

_observers: list[Observer] = []
_lock = threading.Lock()


@contextmanager
def observed(observer: Observer) -> Iterator[None]:
    """Tell an observer of every fit of this process, whichever thread makes it, while the block runs."""
    with _lock:
        _observers.append(observer)
    try:
        yield
    finally:
        with _lock:
            _observers.remove(observer)


def tell(record: FitRecord) -> None:
    """Tell all observers."""
    with _lock:
        told = list(_observers)
    for observer in told:
        observer(record)
