"""How much work there is, said before it begins: jobs, and hours by what finished ones took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lstmfcn.config import Params
from lstmfcn.pipeline.executors import at_once
from lstmfcn.pipeline.progress import duration
from lstmfcn.pipeline.recipes import grid_of
from lstmfcn.runs.facts import facts_in
from lstmfcn.wording import counted
from lstmfcn.workspace import Workspace


def seconds_for(size: float, finished: Iterable[tuple[float, Mapping[str, object]]]) -> float | None:
    """Return how long so much work will take where it is done.

    Parameters
    ----------
    size
        Of the work, in any unit.
    finished
        Size and facts of jobs that are done.

    Returns
    -------
    float or None
        None where nobody knows how long any of them took, or how many are done at once.
    """
    known = [(own, seconds) for own, facts in finished if (seconds := _seconds(facts)) is not None]
    done = sum(own for own, _ in known)
    if not done or (n := at_once()) is None:
        return None
    return size * sum(seconds for _, seconds in known) / done / n


def outlook(workspace: Workspace, params: Params, n: int | None) -> str:
    """Say how many jobs the parameters ask for, and how long all would take by what finished ones took.

    Parameters
    ----------
    workspace, params
        The study.
    n
        How many jobs are done at once; None where nobody knows: then only their number is told.
    """
    grid = grid_of(params)
    trainings = list(grid.trainings())
    jobs = {
        "search": sum(1 for _ in grid.searches()),
        "train": len(trainings),
        "finetune": sum(len(grid.iterations_of(classifier)) for classifier, _ in trainings),
        "evaluate": len(trainings),
    }
    told = ", ".join(f"{count} of {stage}" for stage, count in jobs.items() if count)
    sizes = {
        "dataset": len(params.datasets),
        "resample": params.resamples,
        "classifier": len(params.classifiers),
        "seed": len(params.seeds),
    }
    what = f"{' x '.join(counted(size, one) for one, size in sizes.items())}: jobs: {told}"
    if n is None:
        return what
    total = 0.0
    for stage, count in jobs.items():
        path = workspace.facts_of(stage)
        facts = facts_in(path) if path.exists() else {}
        taken = [seconds for each in facts.values() if (seconds := _seconds(each)) is not None]
        if count and not taken:
            return what
        total += count * sum(taken) / len(taken) if count else 0.0
    return f"{what}; all together about {duration(total / n)}, {n} at once, by what finished ones took"


def _seconds(facts: Mapping[str, object]) -> float | None:
    seconds = facts.get("seconds")
    return float(seconds) if isinstance(seconds, int | float) else None
