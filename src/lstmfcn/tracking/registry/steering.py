"""What a person decides of the registered models: it stands until it is lifted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from lstmfcn.errors import RegistryError
from lstmfcn.evaluation.metrics import Metric
from lstmfcn.evaluation.paired import Paired
from lstmfcn.tracking.registry.decision import compared
from lstmfcn.tracking.registry.evidence import judged
from lstmfcn.tracking.registry.standing import (
    Decision,
    Serving,
    history,
    note,
    now,
    person,
    put_in_charge,
    remember,
    serving_of,
)
from lstmfcn.tracking.registry.versions import REJECTED, Version, lacking, model_name, versions_of
from lstmfcn.tracking.store import alone_in, connect, explained, is_missing
from lstmfcn.workspace import Workspace


def put(workspace: Workspace, dataset: str, number: int, why: str = "") -> Serving:
    """Put a version in charge of a dataset.

    The errors of all functions here are these.

    Raises
    ------
    RegistryError
        If there is no such version, or what is asked for cannot be.
    TrackingError
        If the store does not answer.
    """

    def decide(versions: Collection[Version], _: Serving) -> tuple[str, int]:
        return "put in charge", _accepted(dataset, versions, number)

    return _hold(workspace, dataset, why, decide)


def pin(workspace: Workspace, dataset: str, why: str = "") -> Serving:
    """Keep what serves a dataset in charge."""

    def decide(_: Collection[Version], serving: Serving) -> tuple[str, int]:
        if serving.version is None:
            raise RegistryError(
                f"Nothing serves {dataset}. `lstmfcn champions set` puts a version in charge."
            )
        return "pinned", serving.version.version

    return _hold(workspace, dataset, why, decide)


def roll_back(workspace: Workspace, dataset: str, why: str = "") -> Serving:
    """Put the version in charge that served a dataset before the present one."""

    def decide(versions: Collection[Version], _: Serving) -> tuple[str, int]:
        return "rolled back", _accepted(dataset, versions, _previous(dataset, versions))

    return _hold(workspace, dataset, why, decide)


def reject(workspace: Workspace, dataset: str, number: int, why: str = "") -> Serving:
    """Keep a version, and its run in any other package, from serving a dataset.

    Where it serves, the one before it does from now on, and evidence goes on deciding.
    """
    with _at(workspace, dataset) as (client, versions, serving):
        name, rejected = model_name(dataset), _version(dataset, versions, number)
        decision = Decision(what="rejected", version=number, who=person(), when=now(), why=why)
        champion = serving.version
        if champion is not None and champion.key == rejected.key:
            instead = Decision(
                what="put in charge",
                version=_accepted(dataset, versions, _previous(dataset, versions)),
                before=champion.version,
                who=person(),
                when=now(),
                why=f"version {number} was rejected" + (f": {why}" if why else ""),
            )
            put_in_charge(client, dataset, instead, versions)
        client.set_model_version_tag(name, str(number), REJECTED, str(decision))
        remember(client, dataset, decision)
        for version in versions_of(client, dataset):
            if version.key == rejected.key:
                for alias in {"previous", "challenger"}.intersection(version.aliases):
                    client.delete_registered_model_alias(name, alias)
        return serving_of(client, dataset, versions_of(client, dataset))


def lift(workspace: Workspace, dataset: str, number: int | None = None, why: str = "") -> Serving:
    """Let evidence decide again what serves a dataset; given a version, whether that one may serve."""
    with _at(workspace, dataset) as (client, versions, serving):
        decision = Decision(what="", version=number, who=person(), when=now(), why=why)
        if number is not None:
            key = _version(dataset, versions, number).key
            of_run = [v.version for v in versions if v.key == key and v.rejected]
            if not of_run:
                raise RegistryError(f"{dataset}: version {number} is not rejected.")
            for one in of_run:
                client.delete_model_version_tag(model_name(dataset), str(one), REJECTED)
            remember(client, dataset, replace(decision, what="accepted again"))
        elif serving.lifting:
            serves = None if serving.version is None else serving.version.version
            note(client, dataset, replace(decision, what="left to the evidence", version=serves))
        else:
            raise RegistryError(f"{dataset}: no decision of a person stands, so there is none to lift.")
        return serving_of(client, dataset, versions_of(client, dataset))


def history_of(workspace: Workspace, dataset: str) -> list[Decision]:
    """Return every decision about a dataset's model, the oldest first."""
    with _at(workspace, dataset, to_read=True) as (client, _, _):
        return history(client, dataset)


def compare_versions(
    workspace: Workspace, dataset: str, first: int, second: int, metrics: Sequence[Metric]
) -> list[Paired]:
    """Compare two versions by metrics, on their out-of-fold predictions of the same series.

    The p-values are those of the better of the two; see `Paired`.
    """
    with _at(workspace, dataset, to_read=True) as (client, versions, _):
        a, b = (judged(workspace, client, _version(dataset, versions, n)) for n in (first, second))
    if a.data != b.data:
        raise RegistryError(
            f"{dataset}: versions {first} and {second} were trained on other data, so they are not compared."
        )
    paired = [
        replace(one, p=other.p) if one.gain < 0 else one
        for metric in metrics
        if (one := compared(a, b, metric)) is not None and (other := compared(b, a, metric)) is not None
    ]
    if len(paired) < len(metrics):
        without = [str(n) for n, one in ((first, a), (second, b)) if one.predictions is None]
        raise RegistryError(
            f"{dataset}: the store holds no out-of-fold predictions of version {' and '.join(without)} that "
            "the other's can be held to."
        )
    return paired


def _hold(
    workspace: Workspace,
    dataset: str,
    why: str,
    decide: Callable[[Collection[Version], Serving], tuple[str, int]],
) -> Serving:
    """Put a version in charge for good: the one that is decided, given all versions and what serves."""
    with _at(workspace, dataset) as (client, versions, serving):
        what, number = decide(versions, serving)
        before = None if serving.version is None else serving.version.version
        decision = Decision(
            what=what, version=number, before=before, who=person(), when=now(), why=why, held=True
        )
        if before == number:
            note(client, dataset, decision)
        else:
            put_in_charge(client, dataset, decision, versions)
        return serving_of(client, dataset, versions_of(client, dataset))


@contextmanager
def _at(
    workspace: Workspace, dataset: str, *, to_read: bool = False
) -> Iterator[tuple[Any, list[Version], Serving]]:
    """Give MLflow's client, the versions of a dataset's model and what serves, while the block runs."""
    if is_missing(workspace):
        raise lacking(workspace, dataset, "version")
    client = connect(workspace, to_read=to_read)
    with explained(workspace, f"{model_name(dataset)} could not be looked up or changed"):
        with nullcontext() if to_read else alone_in(workspace):
            versions = versions_of(client, dataset)
            if versions:
                yield client, versions, serving_of(client, dataset, versions)
                return
        raise lacking(workspace, dataset, "version")


def _version(dataset: str, versions: Collection[Version], number: int) -> Version:
    found = next((v for v in versions if v.version == number), None)
    if found is None:
        raise RegistryError(
            f"{dataset} has no version {number}. `lstmfcn champions --all` lists what there is."
        )
    return found


def _accepted(dataset: str, versions: Collection[Version], number: int) -> int:
    """Return the number of a version that may serve."""
    found = _version(dataset, versions, number)
    if any(v.rejected for v in versions if v.key == found.key):
        raise RegistryError(
            f"{dataset}: version {number} is rejected. `lstmfcn champions lift {dataset} {number}` accepts "
            "it again."
        )
    return number


def _previous(dataset: str, versions: Collection[Version]) -> int:
    found = next((v.version for v in versions if "previous" in v.aliases), None)
    if found is None:
        raise RegistryError(
            f"{dataset} has no previous version. `lstmfcn champions set {dataset} VERSION` puts another in "
            "charge."
        )
    return found
