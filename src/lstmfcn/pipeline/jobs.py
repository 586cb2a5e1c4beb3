"""The queue of a stage: jobs that are missing run in workers, and all their results are laid down."""

from __future__ import annotations

import getpass
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from lstmfcn.errors import LstmfcnError
from lstmfcn.files import OutsideError, is_same, members, place_copy
from lstmfcn.pipeline.amount import seconds_for
from lstmfcn.pipeline.commit import commit_of
from lstmfcn.pipeline.executors import run_jobs, start_workers
from lstmfcn.pipeline.progress import duration, say
from lstmfcn.pipeline.status import Tally
from lstmfcn.pipeline.timed import Call, timed
from lstmfcn.pipeline.under_way import runs_under_way
from lstmfcn.runs.cache import Cache
from lstmfcn.runs.left_out import LEFT_OUT_FILE, RefusedError, bundle_of
from lstmfcn.runs.run import RUN_FILE, Bundle
from lstmfcn.tracking.live import INTERVAL
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.version import __version__
from lstmfcn.wording import counted
from lstmfcn.workspace import Workspace

SYNCED = 1.0
"""What took more seconds is not to be lost where the power fails: see `atomic_path`."""

ENOUGH = 500
"""The time of so many finished jobs tells how long the others will take."""


class JobsFailedError(LstmfcnError):
    """Some jobs of a stage failed; the results of the others are kept."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One piece of a stage's work.

    Attributes
    ----------
    name
        What a person calls it.
    key
        See `lstmfcn.runs.cache.job_key`.
    arguments
        Makes what the stage's function takes, shortly before it is sent to a worker: thousands of jobs need
        not have their weights in memory at once.
    folder
        Where the files of the result go.
    size
        How much work it is, in any unit: the largest job starts first.
    """

    name: str
    key: str
    arguments: Callable[[], Any]
    folder: Path
    size: float


def in_worker(function: str) -> Callable[[Any], Bundle]:
    """Return a function, named "module:name", that is imported where it is called: in a worker."""
    return partial(_call, *function.split(":"))


def _call(module: str, name: str, arguments: Any) -> Bundle:
    bundle: Bundle = getattr(import_module(module), name)(arguments)
    return bundle


def run_queue(
    stage: str, function: Callable[[Any], Bundle], jobs: Sequence[Job], workspace: Workspace
) -> None:
    """Run what the cache lacks, lay every result down, and log its runs to MLflow as it comes.

    A job that is refused (`RefusedError`) has not failed: why there is no run of it is its result.

    Parameters
    ----------
    stage
        The stage's name.
    function
        From a job's arguments to its bundle: a module-level function, or see `in_worker`.
    jobs
        All jobs of the stage, finished or not.
    workspace
        Where they belong.

    Raises
    ------
    JobsFailedError
        After the last job, if any failed: names each and says why.
    """
    start_workers()
    with _logger(workspace) as tracking:
        _run_queue(stage, function, jobs, workspace, tracking)


def _run_queue(
    stage: str,
    function: Callable[[Any], Bundle],
    jobs: Sequence[Job],
    workspace: Workspace,
    tracking: Tracking,
) -> None:
    cache = Cache(workspace.cache)
    finished: list[Job] = []
    waiting: list[Job] = []
    for job in jobs:
        (finished if job.key in cache else waiting).append(job)
    if finished:
        say(f"{stage}: {len(finished)} of {counted(len(jobs), 'job')} finished before")
    waiting.sort(key=lambda job: job.size, reverse=True)
    tally = Tally(workspace, stage, kept=len(finished))
    for job in waiting:
        tally.add(job.name, job.key, job.size)
    if waiting:
        say(f"{stage}: {_outlook(waiting, finished, cache)}")

    def lay_down(job: Job) -> bool:
        """Lay a finished job's files down where they belong; return whether the cache has them whole."""
        kept = cache.paths(job.key)
        if kept is not None:
            _lay_down(kept, job.folder)
            tracking.log(job, sum(path.name == RUN_FILE for path in kept.values()))
        return kept is not None

    facts = _whence(workspace)

    def call_of(job: Job) -> Call:
        try:
            arguments = job.arguments()
        except LstmfcnError as error:  # what it needs is damaged: that is to end no other job
            return Call(_fail, error)
        tracking.watch(arguments, facts)
        return Call(function, arguments)

    def calls() -> Iterator[Call]:
        # What was finished is laid down last: reading thousands of results is to keep no worker waiting.
        for job in waiting:
            yield call_of(job)
        for job in finished:
            if not lay_down(job):
                say(f"{stage}: what was kept of {job.name} is damaged; it runs again")
                waiting.append(job)
                tally.add(job.name, job.key, job.size)
                yield call_of(job)

    def watch(index: int, seconds: float, cause: str) -> None:
        name = waiting[index].name
        if seconds:
            say(f"{stage}: no sign of {name} for {duration(seconds)}: {cause}")
        else:
            say(f"{stage}: {name} is at work again")

    failures = []
    tally.note()
    for count, (index, result) in enumerate(run_jobs(timed, calls(), watch), start=1):
        job = waiting[index]
        tally.end(index)
        at = f"{stage}: [{count}/{len(waiting)}] {job.name}"
        if isinstance(result, LstmfcnError) and not isinstance(result, RefusedError):
            failures.append(f"  - {job.name}: {result}")
            say(f"{at} failed: {result}")
            tracking.fail(job.key)
            continue
        bundle, measured = (bundle_of(result), {}) if isinstance(result, RefusedError) else result
        try:
            cache.put(job.key, bundle, measured | facts, synced=measured.get("seconds", 0.0) > SYNCED)
        except OutsideError as error:
            failures.append(f"  - {job.name}: {error}")
            continue
        lay_down(job)
        if isinstance(result, RefusedError):
            tracking.fail(job.key)
            say(f"{at} is left out: {result}")
            continue
        shutil.rmtree(workspace.scratch / job.key, ignore_errors=True)  # what it would have gone on from
        more = f", about {duration(tally.seconds_left())} left" if count < len(waiting) else ""
        say(f"{at}: {duration(measured['seconds'])}{more}")
    if failures:
        raise JobsFailedError(
            f"{len(failures)} of {counted(len(jobs), 'job')} of {stage} failed; the others are kept:\n"
            + "\n".join(failures)
            + "\nMend the cause, or take the dataset out of params.yaml, and run the same command again."
        )


def _lay_down(kept: Mapping[str, Path], folder: Path) -> None:
    """Put the files of a bundle, by their names, into a folder, in place of what another job left there."""
    if LEFT_OUT_FILE not in kept:
        (folder / LEFT_OUT_FILE).unlink(missing_ok=True)
    places = members(folder, kept)
    for name, path in places.items():
        if path.name in (RUN_FILE, LEFT_OUT_FILE) and not is_same(path, kept[name]):
            shutil.rmtree(path.parent, ignore_errors=True)
    for name, path in places.items():
        if path.is_symlink() or not is_same(path, kept[name]):
            place_copy(kept[name], path)


def _outlook(waiting: Sequence[Job], finished: Sequence[Job], cache: Cache) -> str:
    """Say how many jobs are to run, and how long they will take if they are like those that are finished."""
    some = finished[:: len(finished) // ENOUGH + 1]
    kept = ((job.size, cache.facts(job.key)) for job in some)
    seconds = seconds_for(sum(job.size for job in waiting), kept)
    return f"{counted(len(waiting), 'job')} to run" + (f", about {duration(seconds)}" if seconds else "")


def _whence(workspace: Workspace) -> dict[str, str | None]:
    """Return the facts of a job that its worker does not know."""
    facts = {"commit": commit_of(workspace.root), "version": __version__, "user": _user()}
    return facts | ({"experiment": workspace.experiment} if workspace.experiment else {})


def _fail(error: LstmfcnError) -> Bundle:
    raise error


class Tracking:
    """Logs runs to MLflow beside the work, in a thread of its own: a slow store delays no job."""

    def __init__(self, workspace: Workspace) -> None:
        self._tracker = Tracker(workspace, say)
        self._found: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        # A daemon, since whoever presses Ctrl-C is not to wait for a store: `lstmfcn sync` logs the rest.
        self._thread = threading.Thread(target=self._fill, name="tracking", daemon=True)
        self._thread.start()

    def watch(self, job: Any, facts: Mapping[str, Any]) -> None:
        """Log the epochs of the runs that a job is about to make, as it comes to them."""
        for folder, run in runs_under_way(job).items():
            self._found.put(partial(self._tracker.watch, run, folder, facts))

    def log(self, job: Job, count: int) -> None:
        """Log the runs that a job has left, so many."""
        if count:
            self._found.put(partial(self._tracker.log_job, job.folder, job.key, count))

    def fail(self, job: str) -> None:
        """End the runs under way of a job, given by its key, that has failed."""
        self._found.put(partial(self._tracker.fail, job))

    def finish(self) -> None:
        """Wait until all is logged."""
        self._found.put(self._tracker.close)
        self._found.put(None)
        self._thread.join()

    def _fill(self) -> None:
        looked = time.monotonic()
        while True:
            try:
                call = self._found.get(timeout=max(0.0, looked + INTERVAL - time.monotonic()))
            except Empty:
                looked, call = time.monotonic(), self._tracker.look
            if call is None:
                return
            call()


@contextmanager
def _logger(workspace: Workspace) -> Iterator[Tracking]:
    """Yield what logs to MLflow; when the work is done, or some of it has failed, all is logged."""
    tracking = Tracking(workspace)
    try:
        yield tracking
    except LstmfcnError:
        tracking.finish()
        raise
    tracking.finish()


def _user() -> str:
    """Return who runs the stage."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return ""
