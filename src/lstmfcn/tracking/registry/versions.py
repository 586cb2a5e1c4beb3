"""The registry: one registered model a dataset, and its versions.

The aliases are `champion` (serves), `previous` (served before it) and `challenger` (the newest
candidate that did not beat the champion). A version's tags carry the evidence it was judged by; why a version
serves is told by `lstmfcn.tracking.registry.standing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lstmfcn.environment import load_mlflow
from lstmfcn.errors import RegistryError, nearest
from lstmfcn.tracking.causes import traceable
from lstmfcn.tracking.store import connect, explained, is_missing
from lstmfcn.workspace import Workspace

PREFIX = "lstmfcn."

REJECTED = f"{PREFIX}rejected"
"""The tag of a version that a person has rejected: by whom, when and why."""


@dataclass(frozen=True)
class Version:
    """A version of a registered model, as its tags describe it.

    Attributes
    ----------
    evidence
        Its metrics out of fold, by their names, `oof_accuracy` and `oof_log_loss` among them; NaN where
        one is not known.
    majority_rate
        The share of the largest class of the training split; NaN in versions of before it was noted.
    protocol, key
        Those of the run.
    sha256
        The checksum of the package's files.
    fingerprint
        See `lstmfcn.tracking.package.fingerprint`; empty in versions of before it was taken.
    predictions
        The SHA-256 of its out-of-fold predictions; empty in versions of before it was noted, and where there
        are none.
    rejected
        Whether a person has rejected it.
    experiment
        DVC's experiment that registered it; empty where none did.
    """

    dataset: str
    version: int
    model: str
    phase: str
    cells: str
    seed: int
    iteration: int
    evidence: Mapping[str, float]
    majority_rate: float
    protocol: str
    key: str
    data: str
    sha256: str
    fingerprint: str
    predictions: str
    rejected: bool
    aliases: tuple[str, ...]
    created: int
    experiment: str = ""

    @property
    def phase_title(self) -> str:
        """What a person calls the step that gave its weights."""
        return f"fine-tuned {self.iteration}" if self.iteration else "phase 1"


def model_name(dataset: str) -> str:
    """Return the name of a dataset's registered model."""
    return PREFIX + dataset


def versions_of(client: Any, dataset: str) -> list[Version]:
    """Return the versions of a dataset's model that this project registered, the newest first."""
    aliases: dict[int, list[str]] = {}
    for registered in client.search_registered_models(f"name = '{model_name(dataset)}'"):
        for alias, number in registered.aliases.items():
            aliases.setdefault(int(number), []).append(alias)
    found = []
    for version in client.search_model_versions(f"name = '{model_name(dataset)}'"):
        tags = {k.removeprefix("lstmfcn."): v for k, v in version.tags.items()}
        if "key" not in tags:
            continue  # someone registered a model of their own under the name
        found.append(
            Version(
                dataset=dataset,
                version=int(version.version),
                model=tags["model"],
                phase=tags["phase"],
                cells=tags["cells"],
                seed=int(tags["seed"]),
                iteration=int(tags["iteration"]),
                evidence=_evidence(tags),
                majority_rate=float(tags.get("majority_rate", "nan")),
                protocol=tags.get("protocol", ""),
                key=tags["key"],
                data=tags["data"],
                sha256=tags.get("sha256", ""),
                fingerprint=tags.get("fingerprint", ""),
                predictions=tags.get("predictions", ""),
                rejected=REJECTED in version.tags,
                aliases=tuple(sorted(aliases.get(int(version.version), []))),
                created=int(version.creation_timestamp),
                experiment=tags.get("experiment", ""),
            )
        )
    return sorted(found, key=lambda v: v.version, reverse=True)


def _evidence(tags: Mapping[str, str]) -> dict[str, float]:
    """Return the metrics among the tags of a version; older ones call the log loss `oof_loss`."""
    unknown = {"oof_accuracy": "nan", "oof_log_loss": tags.get("oof_loss", "nan")}
    return {
        k: float(v) for k, v in (unknown | dict(tags)).items() if k.startswith("oof_") and k != "oof_loss"
    }


def registered(workspace: Workspace) -> dict[str, list[Version]]:
    """Return the versions of each dataset's model, the newest first.

    Raises
    ------
    TrackingError
        If the store does not answer.
    MissingLibraryError
        If MLflow is not installed.
    """
    if is_missing(workspace):
        load_mlflow()  # whoever lacks it is told so first
        return {}
    client = connect(workspace, to_read=True)
    found: list[str] = []
    token = None
    with explained(workspace, "The registry could not be read"):
        while True:
            page = client.search_registered_models(f"name LIKE '{PREFIX}%'", page_token=token)
            found += [model.name.removeprefix(PREFIX) for model in page]
            token = page.token
            if not token:
                break
        return {dataset: versions_of(client, dataset) for dataset in sorted(found)}


def nothing_registered(workspace: Workspace) -> str:
    """Say that the registry is empty, and what fills it: a study that was pulled has all it takes."""
    command = "lstmfcn sync" if workspace.promotions.exists() else "dvc repro"
    return f"Nothing is registered yet: run `{command}`."


def record_of(workspace: Workspace, dataset: str, which: str | int = "champion") -> Any:
    """Return MLflow's record of a version of a dataset's model: the one with an alias, or with a number.

    Raises
    ------
    RegistryError
        If there is none; names those there are.
    TrackingError
        If the store does not answer.
    """
    refused: Exception | None = None
    if not is_missing(workspace):
        client, name = connect(workspace, to_read=True), model_name(dataset)
        try:
            if isinstance(which, int):
                return client.get_model_version(name, str(which))
            return client.get_model_version_by_alias(name, which)
        except Exception as error:  # noqa: BLE001 - told by what there is, below
            refused = error
    raise lacking(workspace, dataset, called(which).removeprefix("the ")) from traceable(refused)


def lacking(workspace: Workspace, dataset: str, what: str) -> RegistryError:
    """Return the error that a dataset has no such version, or no registered model at all; see `record_of`."""
    known = list(registered(workspace))
    if dataset in known:
        return RegistryError(f"{dataset} has no {what}. `lstmfcn champions --all` lists what there is.")
    there = f"Registered are {', '.join(known)}." if known else nothing_registered(workspace)
    return RegistryError(
        f"No model is registered for the dataset {dataset!r}. {there}{nearest(dataset, known)}"
    )


def called(which: str | int) -> str:
    """Return what a person calls a version that is given by its alias or by its number."""
    return f"version {which}" if isinstance(which, int) else f"the {which}"
