"""What serves, and why: what evidence or a person decided, as tags of the registered model.

The tag `lstmfcn.serves` holds the last decision. It is written before the alias `champion` moves, as not
done, and again after it. So an alias that is elsewhere than the last decision says that a person moved it in
MLflow. Each decision has a tag of its own besides, `lstmfcn.history.<time>`.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from lstmfcn.tracking.logged import retried
from lstmfcn.tracking.registry.versions import PREFIX, Version, model_name, registered
from lstmfcn.tracking.store import connect, explained
from lstmfcn.workspace import Workspace

SERVES, HISTORY = f"{PREFIX}serves", f"{PREFIX}history."

EVIDENCE = "the evidence"
"""Who decides where no person does."""

IN_MLFLOW = "a person in MLflow"
"""Who moved an alias there: MLflow does not tell."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What somebody decided of the versions of a model.

    Attributes
    ----------
    what
        In words: "promoted", "rolled back", ...
    version
        Which it is about; None where nothing is to serve.
    before
        What served until then; None where nothing did.
    who, when, why
        A person's name or `EVIDENCE`, the time in UTC, and the reason, which may be empty.
    held
        Whether it is a person's about what serves: it stands until it is lifted.
    done
        Whether the alias was moved.
    """

    what: str
    version: int | None
    before: int | None = None
    who: str
    when: str
    why: str = ""
    held: bool = False
    done: bool = True

    def __str__(self) -> str:
        why = f": {self.why}" if self.why else ""
        return f"{self.what} by {self.who} on {self.when}{why}"


@dataclass(frozen=True)
class Serving:
    """What serves a dataset.

    Attributes
    ----------
    version
        None: nothing.
    decision
        The one that stands; None where it was taken before decisions were noted.
    """

    dataset: str
    version: Version | None
    decision: Decision | None

    @property
    def lifting(self) -> str:
        """How a person's decision is lifted; empty where none stands."""
        if self.decision is None or not self.decision.held:
            return ""
        return f". `lstmfcn champions lift {self.dataset}` lets evidence decide again"

    def __str__(self) -> str:
        what = "nothing serves" if self.version is None else f"version {self.version.version} serves"
        return what if self.decision is None else f"{what}, {self.decision}{self.lifting}"


def serving(workspace: Workspace) -> dict[str, Serving]:
    """Return what serves each dataset that has a registered model, and why.

    Raises
    ------
    TrackingError
        If the store does not answer.
    MissingLibraryError
        If MLflow is not installed.
    """
    found = registered(workspace)
    if not found:
        return {}
    client = connect(workspace, to_read=True)
    with explained(workspace, "The registry could not be read"):
        return {dataset: serving_of(client, dataset, versions) for dataset, versions in found.items()}


def serving_of(client: Any, dataset: str, versions: Collection[Version]) -> Serving:
    """Return what serves a dataset, given the versions of its model."""
    champion = next((v for v in versions if "champion" in v.aliases), None)
    known = noted(client, dataset)
    number = None if champion is None else champion.version
    if known is None or number == known.version or (not known.done and number == known.before):
        return Serving(dataset, champion, known)
    if champion is None and all(v.version != known.version for v in versions):
        return Serving(dataset, None, None)  # it was deleted, and its alias with it: evidence decides
    moved = Decision(
        what="put in charge" if champion else "taken out of service",
        version=number,
        before=known.version,
        who=IN_MLFLOW,
        when=now(),
        held=True,
    )
    return Serving(dataset, champion, moved)


def noted(client: Any, dataset: str) -> Decision | None:
    """Return the last decision that was noted of a dataset's model; None where there is none."""
    return _read(client.get_registered_model(model_name(dataset)).tags.get(SERVES, ""))


def note(client: Any, dataset: str, decision: Decision) -> None:
    """Note a decision about what serves a dataset."""
    _tag(client, dataset, SERVES, decision)
    if decision.done:
        remember(client, dataset, decision)


def remember(client: Any, dataset: str, decision: Decision) -> None:
    """Add a decision to the history of a dataset's model."""
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    _tag(client, dataset, f"{HISTORY}{at}-{uuid4().hex[:4]}", decision)


def history(client: Any, dataset: str) -> list[Decision]:
    """Return all decisions about a dataset's model, in the order in which they were taken."""
    tags = client.get_registered_model(model_name(dataset)).tags
    found = (_read(tags[key]) for key in sorted(tags) if key.startswith(HISTORY))
    return [decision for decision in found if decision is not None]


def put_in_charge(client: Any, dataset: str, decision: Decision, versions: Collection[Version]) -> int | None:
    """Move the aliases as a decision says, and note it.

    Until the last alias is moved the old champion serves, and whoever decides next repeats the steps before.

    Returns
    -------
    int or None
        Where another clone put a version in charge at the same moment: that one. The alias is at either then,
        and what of the two serves is to be decided.
    """
    numbered = {version.version: version for version in versions}
    before, after = numbered.get(decision.before or 0), numbered[decision.version or 0]
    note(client, dataset, intent := replace(decision, done=False))
    if "challenger" in after.aliases:
        client.delete_registered_model_alias(model_name(dataset), "challenger")
    if before is not None and before.key != after.key:
        set_alias(client, dataset, "previous", before.version)
    elif "previous" in after.aliases:
        client.delete_registered_model_alias(model_name(dataset), "previous")
    set_alias(client, dataset, "champion", after.version)
    found = noted(client, dataset)
    if found is not None and found != intent and found.version != after.version:
        return found.version
    note(client, dataset, decision)
    return None


def set_alias(client: Any, dataset: str, alias: str, version: int) -> None:
    """Give a version an alias, be it that another clone makes or moves it at this very moment."""
    retried(lambda: client.set_registered_model_alias(model_name(dataset), alias, str(version)))


def person() -> str:
    """Return who is at work: the login at the server, or on this machine."""
    given = os.environ.get("MLFLOW_TRACKING_USERNAME")
    try:
        return given or getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in some containers
        return "somebody"


def now() -> str:
    """Return the time in UTC, to the minute."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _tag(client: Any, dataset: str, key: str, decision: Decision) -> None:
    text = json.dumps(asdict(decision), ensure_ascii=False)
    retried(lambda: client.set_registered_model_tag(model_name(dataset), key, text))


def _read(text: str) -> Decision | None:
    """Return the decision of a tag; None where it holds none, as where a person has changed it."""
    try:
        return Decision(**json.loads(text))
    except (ValueError, TypeError):
        return None
