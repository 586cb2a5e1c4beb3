"""Jobs on a Ray cluster, where `LSTMFCN_RAY_ADDRESS` names one."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lstmfcn.environment import WORKER
from lstmfcn.errors import LstmfcnError
from lstmfcn.pipeline.executors import Watch
from lstmfcn.pipeline.executors.worker import guarded


def is_wanted() -> bool:
    """Return whether the environment names a cluster."""
    return bool(os.environ.get("LSTMFCN_RAY_ADDRESS"))


def run(
    function: Callable[[Any], Any],
    jobs: Iterable[Any],
    watch: Watch,  # noqa: ARG001 - Ray looks after its workers itself
) -> Iterator[tuple[int, Any]]:
    """Run jobs on the cluster; see `lstmfcn.pipeline.executors.run_jobs`."""
    try:
        import ray
    except ImportError:
        raise LstmfcnError(
            "LSTMFCN_RAY_ADDRESS is set but Ray is not installed: pip install 'lstmfcn[cluster]'."
        ) from None
    ray.init(
        address=os.environ["LSTMFCN_RAY_ADDRESS"],
        ignore_reinit_error=True,
        log_to_driver=True,
        runtime_env={"env_vars": WORKER},
    )
    remote = ray.remote(num_cpus=1, max_retries=3)(guarded)
    turns = ((remote.remote(function, job), i) for i, job in enumerate(jobs))
    waiting = dict(itertools.islice(turns, 2 * int(ray.cluster_resources().get("CPU", 1))))
    try:
        while waiting:
            (done,), _ = ray.wait(list(waiting), num_returns=1)
            waiting.update(itertools.islice(turns, 1))
            yield waiting.pop(done), ray.get(done)
    finally:
        ray.shutdown()
