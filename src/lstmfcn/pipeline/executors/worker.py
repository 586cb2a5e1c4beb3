"""What a worker does around a job, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lstmfcn.environment import prepare_worker
from lstmfcn.errors import LstmfcnError


def guarded(function: Callable[[Any], Any], job: Any) -> Any:
    """Return the result, or the error a user can mend: one job's failure must not end the others."""
    prepare_worker()
    try:
        return function(job)
    except LstmfcnError as error:
        return error
