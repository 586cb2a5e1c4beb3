"""Promotion: registering a candidate, and putting it in charge where the `decision` says so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lstmfcn.runs.run import Run
from lstmfcn.tracking.mlflow import Tracker
from lstmfcn.tracking.registry.decision import Outcome, Rule, Verdict, decide
from lstmfcn.tracking.registry.download import is_whole
from lstmfcn.tracking.registry.evidence import judged
from lstmfcn.tracking.registry.registration import Contents, register
from lstmfcn.tracking.registry.standing import (
    EVIDENCE,
    Decision,
    Serving,
    note,
    noted,
    now,
    put_in_charge,
    serving_of,
    set_alias,
)
from lstmfcn.tracking.registry.versions import Version, model_name, versions_of
from lstmfcn.tracking.store import alone_in, connect, explained
from lstmfcn.workspace import Workspace


@dataclass(frozen=True)
class Promotion:
    """What became of a candidate.

    Attributes
    ----------
    outcome
        "first" (there was no champion), "same" (it serves already), "renewed" (its run serves already, from
        an older package or one whose files are gone), "promoted" (its evidence is better beyond chance),
        "new_data" (the champion was judged on other data, and their evidence cannot be compared),
        "rejected" (a person has rejected its run), or "challenger" (what served before stays).
    version
        That of the candidate.
    champion
        The version that serves now; None where nothing does.
    reason
        In words.
    """

    dataset: str
    outcome: Outcome
    version: int
    champion: int | None
    reason: str

    def __str__(self) -> str:
        version = f"version {self.version}"
        serves = "nothing serves" if self.champion is None else f"version {self.champion} stays champion"
        said = {
            "first": f"{version} is its first champion",
            "same": f"{version} is the champion already",
            "renewed": f"{version} serves in place of its run's older package",
            "promoted": f"{version} is the new champion",
            "new_data": f"{version} is the new champion",
            "challenger": f"{serves}; {version} is the challenger",
            "rejected": f"{serves}; {version} does not contend",
        }[self.outcome]
        return said if self.outcome in ("same", "renewed") else f"{said}: {self.reason}"


def promote(
    candidate: Run,
    folder: Path,
    contents: Contents,
    *,
    rule: Rule,
    tracker: Tracker,
    workspace: Workspace,
    restore: bool = False,
) -> Promotion:
    """Register a candidate unless it is there; put it in charge if evidence says so and no person objects.

    Parameters
    ----------
    candidate, folder
        The run, and where its files lie.
    contents
        What its package holds besides.
    rule
        When it replaces what serves.
    tracker
        Logs the run if the store lacks it.
    workspace
        Whose store it is.
    restore
        Whether to register it again if a person deleted its version.

    Raises
    ------
    TrackingError
        If the store does not answer.
    DeletedError
        If it is not there, and a person deleted its run or its version in MLflow.
    """
    tracker.log_now(folder, candidate)
    client, dataset = connect(workspace), candidate.identity.dataset
    with explained(workspace, f"{model_name(dataset)} could not be registered"):
        versions = versions_of(client, dataset)
        if refused := next((v for v in versions if v.key == candidate.key and v.rejected), None):
            champion = serving_of(client, dataset, versions).version
            reason = f"a person has rejected version {refused.version}, which is of the same run"
            serves = None if champion is None else champion.version
            return Promotion(dataset, "rejected", refused.version, serves, reason)
        number = register(
            client, candidate, folder, contents, tracker=tracker, workspace=workspace, restore=restore
        )
        with alone_in(workspace):
            return _settle(client, dataset, number, rule, workspace)


def challenge(
    candidate: Run,
    folder: Path,
    contents: Contents,
    *,
    tracker: Tracker,
    workspace: Workspace,
) -> int:
    """Register a candidate, unless it is there, as a challenger; return its version. The champion stays.

    The parameters and errors are those of `promote`.
    """
    tracker.log_now(folder, candidate)
    client, dataset = connect(workspace), candidate.identity.dataset
    with explained(workspace, f"{model_name(dataset)} could not be registered"):
        number = register(client, candidate, folder, contents, tracker=tracker, workspace=workspace)
        version = next(v for v in versions_of(client, dataset) if v.version == number)
        if "champion" not in version.aliases:  # a person may have made it one
            set_alias(client, dataset, "challenger", number)
    return number


def _settle(client: Any, dataset: str, number: int, rule: Rule, workspace: Workspace) -> Promotion:
    """Decide whether a registered version serves, and move the aliases."""
    versions, serving = _look(client, dataset)
    _notice(client, serving)
    verdict = _judge(workspace, client, versions[number], serving, rule)
    if verdict.moves:
        _move(workspace, client, versions[number], serving, verdict, rule)
        serving = _look(client, dataset)[1]
    champion = serving.version
    if champion is not None and champion.version == number:
        return Promotion(dataset, verdict.outcome, number, number, verdict.reason)
    if champion is not None and champion.key == versions[number].key:
        return Promotion(dataset, "same", champion.version, champion.version, verdict.reason)
    set_alias(client, dataset, "challenger", number)
    serves = None if champion is None else champion.version
    return Promotion(dataset, "challenger", number, serves, verdict.reason)


def _look(client: Any, dataset: str) -> tuple[dict[int, Version], Serving]:
    versions = {version.version: version for version in versions_of(client, dataset)}
    return versions, serving_of(client, dataset, versions.values())


def _move(
    workspace: Workspace, client: Any, contender: Version, serving: Serving, verdict: Verdict, rule: Rule
) -> None:
    """Put a version in charge.

    MLflow has no step that looks and moves at once, so on a server another clone's promotion may fall
    between. Then the one of the two that is not in charge is judged against the other.
    """
    dataset = contender.dataset
    while verdict.moves:
        decision = _decision(contender.version, serving, verdict)
        rival = put_in_charge(client, dataset, decision, _look(client, dataset)[0].values())
        if rival is None:
            return
        versions, serving = _look(client, dataset)
        ours, theirs, champion = versions[contender.version], versions[rival], serving.version
        if champion == theirs and theirs.data != ours.data:
            return  # promoted since, on newer data than ours
        if champion == ours:
            note(client, dataset, decision)
        contender = theirs if champion == ours else ours
        verdict = _judge(workspace, client, contender, Serving(dataset, champion, decision), rule)


def _notice(client: Any, serving: Serving) -> None:
    """Note what a person did in MLflow, and what serves since before decisions were noted."""
    dataset, decision, champion = serving.dataset, serving.decision, serving.version
    if decision is not None and decision.held and decision != noted(client, dataset):
        note(client, dataset, decision)
    elif decision is None and champion is not None:
        found = Decision(what="found in charge", version=champion.version, who="promote", when=now())
        note(client, dataset, found)


def _judge(workspace: Workspace, client: Any, candidate: Version, serving: Serving, rule: Rule) -> Verdict:
    champion, decision = serving.version, serving.decision
    if champion is not None and champion.version == candidate.version:
        return Verdict("same", "")
    held = f"{decision}{serving.lifting}" if decision is not None and decision.held else ""
    if champion is None:
        return decide(judged(workspace, client, candidate), None, rule, held=held)
    if champion.key == candidate.key and not is_whole(workspace, client, champion):
        held = ""  # a person chose that run, and its files are gone
    mine, theirs = (judged(workspace, client, version) for version in (candidate, champion))
    return decide(mine, theirs, rule, held=held)


def _decision(contender: int, serving: Serving, verdict: Verdict) -> Decision:
    """Return the decision to put a version in charge; a person's about the run it is of stays one."""
    before = None if serving.version is None else serving.version.version
    if verdict.outcome == "renewed" and serving.decision is not None and serving.decision.held:
        return replace(serving.decision, version=contender, before=before)
    what = {"first": "made the first", "renewed": "renewed"}.get(verdict.outcome, "promoted")
    return Decision(what=what, version=contender, before=before, who=EVIDENCE, when=now(), why=verdict.reason)
