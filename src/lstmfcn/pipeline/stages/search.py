"""`search`: find the number of LSTM cells of each dataset and classifier by cross-validation."""

from __future__ import annotations

from functools import partial

from lstmfcn.classifiers.jobs.common import SearchJob
from lstmfcn.config import Params
from lstmfcn.pipeline.dependencies import job_code
from lstmfcn.pipeline.jobs import Job, in_worker, run_queue
from lstmfcn.pipeline.progress import progress_of
from lstmfcn.pipeline.recipes import grid_of, network_of, search_folds, search_recipe, searches_as_phase1
from lstmfcn.pipeline.splits import hash_of_splits, selection_split, train_splits
from lstmfcn.pipeline.stages.train import train_key
from lstmfcn.runs.cache import job_key
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params) -> None:
    """Search for each dataset and classifier with cells, with the first seed; the seeds share the width."""
    trains = train_splits(workspace, params)
    jobs = []
    for classifier, one in grid_of(params, trains).searches():
        train = trains[one.dataset]
        selection = selection_split(workspace, params, one.dataset)
        data = hash_of_splits(train, selection)
        trial = params.train.model_dump() | params.search.model_dump(exclude_none=True)
        recipe = [one.as_json(), params.protocol, trial]
        code = job_code("search", classifier)
        key = job_key(stage="search", data=data, recipe=recipe, upstream="", code=code)
        phase1 = {
            cells: workspace.scratch / train_key(params, classifier, one, cells, data)
            for cells in (params.search.cells if searches_as_phase1(params) else ())
        }
        arguments = partial(
            SearchJob,
            key=key,
            identity=one,
            classifier=classifier,
            network=network_of(params, classifier, params.search.cells[0]),
            recipe=search_recipe(params),
            protocol=params.protocol,
            train=train,
            selection=selection,
            n_folds=search_folds(params),
            progress=progress_of(one.subject),
            scratch=workspace.scratch / key,
            cells=params.search.cells,
            phase1=phase1,
        )
        folder = one.search_table(workspace).parent
        size = train.X.size * len(params.search.cells)
        jobs.append(Job(name=one.subject, key=key, arguments=arguments, folder=folder, size=size))
    workspace.search.mkdir(parents=True, exist_ok=True)
    run_queue("search", in_worker("lstmfcn.classifiers.jobs.search:search"), jobs, workspace)
