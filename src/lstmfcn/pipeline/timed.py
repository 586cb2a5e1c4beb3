"""A job's work and its time: what a worker calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lstmfcn.environment import load_backend
from lstmfcn.pipeline.device import Meter
from lstmfcn.runs.run import Bundle


class Call(NamedTuple):
    """What a worker is to do: the function, and what it is called with."""

    function: Callable[[Any], Bundle]
    arguments: Any

    def places(self) -> list[Path]:
        """Return the folders of checkpoints that it reads and writes."""
        return self.arguments.places() if hasattr(self.arguments, "places") else []

    def moved(self, places: Mapping[Path, Path]) -> Call:
        """Return the same with other folders in place of these."""
        return self._replace(arguments=self.arguments.moved(places)) if places else self


def timed(call: Call) -> tuple[Bundle, dict[str, Any]]:
    """Run a job in a worker, and note when and on what: how long it took once its libraries were loaded."""
    function, arguments = call
    used = load_backend()
    _load_libraries(arguments)
    started, meter = time.time(), Meter(used)
    bundle = function(arguments)
    facts = {
        "started": int(1000 * started),
        "seconds": round(time.time() - started, 3),
    }
    return bundle, facts | meter.facts()


def _load_libraries(arguments: Any) -> None:
    """Let the work of a job's classifier load what it needs, where it has a function for that."""
    if (classifier := getattr(arguments, "classifier", None)) is not None:
        load = getattr(classifier.at_work(), "load", None)
        if load is not None:
            load(classifier, arguments.train.X.shape[1])
