"""`validate`: check the fetched data, and say which datasets may go on, and what was looked at."""

from __future__ import annotations

from lstmfcn.config import Params
from lstmfcn.data.findings import Verdict, unreadable
from lstmfcn.data.resamples import obstacle
from lstmfcn.errors import DataError
from lstmfcn.files import read_json, write_json, write_text
from lstmfcn.pipeline.progress import say
from lstmfcn.workspace import Workspace


def run(workspace: Workspace, params: Params, *, keep_going: bool = False) -> None:
    """Write the verdict on each dataset, and the page of all that was looked at.

    Raises
    ------
    DataError
        If a dataset failed; with `keep_going`, only if all did.
    """
    from lstmfcn.data.checks import check_datasets
    from lstmfcn.report.validation_page import build_validation_page

    try:
        notes = read_json(workspace.fetch_notes)
    except FileNotFoundError:
        notes = {"lacking": {}, "old": {}}
    folders = [workspace.raw / dataset for dataset in params.datasets if dataset not in notes["lacking"]]
    prepare = params.prepare
    checked = check_datasets(
        folders,
        params.validate_.model_dump(),
        preparing=lambda dataset: {"normalise": prepare.normalise, **prepare.policies(dataset)},
    )
    by_name = {name: unreadable(name, reason) for name, reason in notes["lacking"].items()}
    for verdict in checked:
        noted = verdict.noting("source_gone", notes["old"].get(verdict.dataset))
        by_name[verdict.dataset] = noted.noting("not_resampled", _not_resampled(verdict, workspace, params))
    verdicts = [by_name[dataset] for dataset in params.datasets]
    write_json(workspace.verdicts, [verdict.as_json() for verdict in verdicts])
    write_text(workspace.validation_page, build_validation_page(verdicts))
    for verdict in verdicts:
        say(f"validate: {verdict.dataset} {verdict.outcome}")
        for found in verdict.findings:
            say(f"  {found.severity}: {found.message}")
    failed = [verdict.dataset for verdict in verdicts if verdict.outcome == "failed"]
    if failed and (not keep_going or len(failed) == len(verdicts)):
        raise DataError(f"{', '.join(failed)} failed validation; {workspace.verdicts} says why.")


def _not_resampled(verdict: Verdict, workspace: Workspace, params: Params) -> str | None:
    """Return why a sound dataset has its own split alone where more are asked for; None where it has them."""
    if params.resamples == 1 or verdict.outcome == "failed":
        return None
    from lstmfcn.data.collection import read_dataset

    raw = read_dataset(workspace.raw / verdict.dataset)
    why = obstacle(*raw, params.prepare.policies(verdict.dataset))
    return f"{verdict.dataset} has its own split alone: {why}" if why else None
