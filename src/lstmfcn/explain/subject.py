"""A trained network that is to be explained, wherever it comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from lstmfcn.data.preprocessing import Preprocessing


@dataclass(frozen=True)
class Subject:
    """A trained network and what stands around it.

    Attributes
    ----------
    name
        What to call it.
    classes
        The labels, in the order of the outputs.
    preprocessing
        What is done to raw series.
    network
        From prepared series to probabilities.
    data
        The hash of the training split that it was trained on; None where nobody knows.
    answer
        What is given for raw series, equalised by the preprocessing, where it is another than the network's
        own answer: calibrated, say.
    """

    name: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    network: keras.Model
    data: str | None = None
    answer: Callable[[NDArray[np.float64]], NDArray[np.float32]] | None = None
