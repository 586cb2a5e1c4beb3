"""The reproduction of the paper: the stages over many datasets, their results kept in one table.

It works in a folder of its own, dataset by dataset, the cheapest first. A dataset whose rows are in the
table, by the same recipe, is not run again; one that was interrupted goes on from the cache.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from filelock import FileLock

from lstmfcn.classifiers.table import classifier_named
from lstmfcn.config import OVERLAID, Params
from lstmfcn.data.catalogue import load_catalogue
from lstmfcn.errors import DataError, LstmfcnError
from lstmfcn.evaluation.metrics import DEFAULT
from lstmfcn.files import hash_of, read_json, write_json, write_text
from lstmfcn.pipeline.commit import commit_of
from lstmfcn.pipeline.lock import lock
from lstmfcn.pipeline.progress import say
from lstmfcn.pipeline.stages import run_stages
from lstmfcn.workspace import Workspace

STAGES = ("fetch", "validate", "prepare", "search", "train", "finetune", "evaluate")


def cheapest(n: int, ucr_dir: Path | None) -> list[str]:
    """Return the `n` datasets of the paper with the least work: training series times length.

    Parameters
    ----------
    n
        How many.
    ucr_dir
        If given, only datasets that have a folder there count.
    """
    entries = [e for e in load_catalogue().values() if ucr_dir is None or (ucr_dir / e.dataset).is_dir()]
    entries.sort(key=lambda entry: (entry.n_train * entry.length, entry.dataset))
    return [entry.dataset for entry in entries[:n]]


def recipe_of(params: Params) -> dict[str, Any]:
    """Return everything that decides the results of a dataset, model and seed, as JSON-able values.

    Metrics that choose stand in it where they are others than accuracy: recipes of before name none.
    """
    sections: dict[str, Any] = dict.fromkeys(("protocol", "search", "train", "finetune"), True)
    sections["prepare"] = {"normalise", "edition"}  # no series of the archive's 85 needs a policy
    recipe: dict[str, Any] = params.model_dump(mode="json", include=sections)
    if recipe["search"]["metric"] == DEFAULT:
        del recipe["search"]["metric"]
    if params.promote.metric != DEFAULT:
        recipe["promote"] = {"metric": params.promote.metric}
    return recipe


def run(params: Params, *, here: Workspace, home: Path) -> None:
    """Run what the table lacks; add each dataset's rows to it, and to the page, as the dataset ends.

    The table has the columns of `results/results.csv`, and recipe, commit. Beside it, `recipes.json`
    holds each recipe by the name that the table calls it.

    Parameters
    ----------
    params
        Which datasets, models and seeds, by which recipe.
    here
        The clone that holds the table and the page.
    home
        Where to work: data, weights, cache and tracking store of the reproduction.

    Raises
    ------
    DataError
        After the last dataset, if some could not be run.
    """
    # The paper's tables have references of their own, and no ensemble.
    single = tuple(name for name in params.models if not classifier_named(name).voted)
    params = params.model_copy(update={"models": single, "references": ()})
    recipe = recipe_of(params)
    name, table = hash_of(recipe)[:12], here.reproduction
    recipes = table.with_name("recipes.json")
    here.reproduction_lock.parent.mkdir(parents=True, exist_ok=True)
    writing = FileLock(here.reproduction_lock)  # the two protocols may run side by side
    with writing:
        known: dict[str, Any] = read_json(recipes) if recipes.exists() else {}
        write_json(recipes, known | {name: recipe})
    workspace = Workspace(home / params.protocol)
    _write_params(workspace, params)
    failures = []
    for count, dataset in enumerate(params.datasets, start=1):
        place = f"reproduce: [{count}/{len(params.datasets)}] {dataset}"
        if _is_done(table, dataset, params, name):
            say(f"{place} is in {table}")
            continue
        say(place)
        try:
            rows = _run_dataset(workspace, params.model_copy(update={"datasets": (dataset,)}))
        except LstmfcnError as error:
            failures.append(f"  - {dataset}: {error}")
            say(f"{place} failed: {error}")
            continue
        with writing:
            _add(table, rows, recipe=name, commit=commit_of(here.root) or "unknown")
            write_page(here)
    if failures:
        raise DataError("Not reproduced:\n" + "\n".join(failures))


def write_page(here: Workspace) -> None:
    """Bring the tables of the page up to date with the results; without a page, do nothing."""
    from lstmfcn.evaluation.reference import load_table1
    from lstmfcn.study.page import fill_in, tables

    if here.reproduction_page.exists():
        page = here.reproduction_page.read_text(encoding="utf-8")
        found = tables(read_table(here.reproduction), load_table1())
        write_text(here.reproduction_page, fill_in(page, found))


def _write_params(workspace: Workspace, params: Params) -> None:
    """Let the folder say by which recipe it works, as a study does: MLflow's rows are named by it."""
    values = params.model_dump(mode="json", by_alias=True, exclude_none=True)
    if params.protocol == "paper":
        values["paper"] = {section: values.pop(section) for section in OVERLAID}
    workspace.params.parent.mkdir(parents=True, exist_ok=True)
    write_json(workspace.params, values)  # which is YAML


def _run_dataset(workspace: Workspace, params: Params) -> Any:
    """Run the stages on one dataset; return its results as a frame."""
    from lstmfcn.evaluation.results import read_results

    with lock(workspace, "lstmfcn reproduce", say):
        run_stages(STAGES, workspace, params)
    return read_results(workspace.results / "results.csv")


def read_table(table: Path) -> Any:
    """Return the table as a frame, empty where there is none yet."""
    import pandas as pd

    from lstmfcn.evaluation.results import read_results

    try:
        return read_results(table)
    except FileNotFoundError:
        return pd.DataFrame(columns=["dataset", "model", "seed", "protocol", "recipe"])


def _is_done(table: Path, dataset: str, params: Params, recipe: str) -> bool:
    rows = read_table(table)
    mine = rows[(rows["dataset"] == dataset) & (rows["recipe"] == recipe)]
    done = set(zip(mine["model"], mine["seed"], strict=True))
    return {(model, seed) for model in params.models for seed in params.seeds} <= done


def _add(table: Path, rows: Any, *, recipe: str, commit: str) -> None:
    import pandas as pd

    rows = rows.assign(recipe=recipe, commit=commit)
    by = ["recipe", "dataset", "model", "seed", "iteration"]
    every = pd.concat([read_table(table), rows]) if table.exists() else rows
    every = every.drop_duplicates(by, keep="last").astype({"cells": "Int64"})
    every = every.sort_values(["protocol", *by])
    write_text(table, every.to_csv(index=False, float_format="%.9g"))
