"""The licences of what this package depends on, as the installed packages state them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = "lstmfcn"
EXTRA = "pipeline"

RECIPROCAL = re.compile(r"\bA?L?GPL|General Public License|\bEPL|\bMPL|Mozilla", re.IGNORECASE)
"""Licences that ask something of whoever passes the package on, changed or not."""


@dataclass(frozen=True)
class Licence:
    """A package that is depended on, directly or not.

    Attributes
    ----------
    name, version
        The package.
    part
        "core", or "pipeline": what the extra of that name adds.
    licence
        As the package states it.
    """

    name: str
    version: str
    part: str
    licence: str

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """What a table shows of it."""
        return self.name, self.version, self.part, self.licence

    @property
    def is_reciprocal(self) -> bool:
        """Whether it asks something of whoever passes the package on."""
        return RECIPROCAL.search(self.licence) is not None


def licences(package: str = PACKAGE, extra: str = EXTRA) -> list[Licence]:
    """Return every package that is installed because of `package`, by name.

    Parameters
    ----------
    package
        Which is asked for.
    extra
        Of the package; what it alone brings is told apart.
    """
    core = closure([Requirement(package)])
    return [
        Licence(
            found.name,
            found.version,
            "core" if name in core else extra,
            stated(found).replace("\n", " ")[:60],
        )
        for name, found in sorted(closure([Requirement(f"{package}[{extra}]")]).items())
        if name != canonicalize_name(package)
    ]


def closure(wanted: Iterable[Requirement]) -> dict[str, Distribution]:
    """Return the installed distributions that some requirements need, directly or not, by canonical name."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(one.name, extra) for one in wanted for extra in ("", *one.extras)]
    while waiting:
        name, extra = waiting.pop()
        key = canonicalize_name(name)
        if (key, extra) in seen:
            continue
        seen.add((key, extra))
        try:
            found[key] = distribution(name)
        except PackageNotFoundError:
            continue  # of another platform, or not asked for here
        for text in found[key].requires or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting += [(needed.name, more) for more in ("", *needed.extras)]
    return found


def stated(found: Distribution) -> str:
    """Return the licence that a distribution states: by an expression, classifiers, or its own words."""
    told = found.metadata
    if expressions := told.get_all("License-Expression"):
        return str(expressions[0])
    classifiers = [text for text in told.get_all("Classifier") or [] if text.startswith("License ::")]
    names = [name for text in classifiers if (name := text.split(" :: ")[-1]) != "OSI Approved"]
    words = "".join(told.get_all("License") or []).strip().splitlines()
    own = words[0] if words and len(words[0]) < 60 else ""
    if names and not RECIPROCAL.search(own):
        return ", ".join(names)
    return own or ", ".join(names) or _title_of_its_file(found) or "not stated"


def _title_of_its_file(found: Distribution) -> str:
    """Return the first line of the text of a licence that a package brings; empty where there is none."""
    for name in found.metadata.get_all("License-File") or []:
        text = found.read_text(f"licenses/{name}") or found.read_text(name) or ""
        if lines := [line.strip() for line in text.splitlines() if line.strip()]:
            return lines[0]
    return ""
