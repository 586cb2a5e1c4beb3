"""What a worker does around a job, wherever it runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from lstmfcn.errors import LstmfcnError

QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
"""The environment of a worker."""


def guarded(function: Callable[[Any], Any], job: Any) -> Any:
    """Return the result, or the error a user can mend: one job's failure must not end the others."""
    os.environ.update(QUIET)
    try:
        return function(job)
    except LstmfcnError as error:
        return error
