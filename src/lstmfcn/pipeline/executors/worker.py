"""What a worker does around a job, wherever it runs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from lstmfcn.environment import prepare_worker
from lstmfcn.errors import LstmfcnError


def begin_worker() -> None:
    """Prepare a worker process, which is not to outlive the process that started it."""
    prepare_worker()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the stage too, which ends its workers
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        if parent is not None:
            parent.join()  # a killed stage tells nobody: left alone, its workers would finish their jobs
            os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def guarded(function: Callable[[Any], Any], job: Any) -> Any:
    """Return the result, or the error a user can mend: one job's failure must not end the others."""
    prepare_worker()
    try:
        return function(job)
    except LstmfcnError as error:
        return error
