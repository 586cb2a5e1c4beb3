"""References that the table knows: estimators of a library, and what has to be known of them beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, ClassVar

from lstmfcn.classifiers.base import ReferenceClassifier
from lstmfcn.networks.architecture import Architecture


@dataclass(frozen=True, kw_only=True)
class LibraryClassifier(ReferenceClassifier):
    """An estimator of a library, with what it needs and which series it takes.

    Attributes
    ----------
    libraries
        Whose versions may change its results, the library that the estimator is of first; each is imported
        under the name by which it is installed.
    extra
        What installs them, as an extra of this package.
    shortest
        The fewest values of a series.
    most_series
        The most training series; None for any number.
    most_cells
        The most cells of a table in which every training series is aligned with every other, both of a
        length, as 1-NN DTW does: n^2 L^2. None where it does not.
    """

    libraries: tuple[str, ...]
    extra: str = "pipeline"
    shortest: int = 1
    most_series: int | None = None
    most_cells: float | None = None

    def settings(self) -> dict[str, Any]:
        """Return its source, its libraries' versions, its options as plain values, and its bounds."""
        found = ", ".join(f"{name} {_version(name)}" for name in self.libraries)
        bounds = {name: getattr(self, name) for name in ("shortest", "most_series", "most_cells")}
        known = {name: value for name, value in bounds.items() if value is not None}
        return {"estimator": self.source, "library": found, **dict(_flat(self.options)), **known}

    def missing(self) -> list[str]:
        """Return those of its libraries that are not installed."""
        return [name for name in self.libraries if find_spec(name) is None]

    def remedy(self) -> str:
        """Return what installs its libraries, as a sentence's beginning."""
        return f"`pip install 'lstmfcn[{self.extra}]'` installs it"

    def refusal(self, n_series: int, length: int) -> str:
        """Return why it is not fitted on training series of this number and length; nothing where it is."""
        if length < self.shortest:
            return f"{self.title} takes series of {self.shortest} values or more, and these have {length}."
        if self.most_series is not None and n_series > self.most_series:
            return (
                f"{self.title} is fitted on {self.most_series:,} training series at most, as its time "
                f"grows with their number cubed, and there are {n_series:,}."
            )
        cells = float(n_series) ** 2 * float(length) ** 2
        if self.most_cells is not None and cells > self.most_cells:
            return (
                f"{self.title} aligns each series with every training series, and with {n_series:,} of "
                f"{length:,} values that takes too long: n^2 L^2 is {cells:.1g}, above {self.most_cells:.0g}."
            )
        return ""


@dataclass(frozen=True, kw_only=True)
class RocketClassifier(LibraryClassifier):
    """MiniRocket, whose fit is kept as a network's weights: it can vote, and serve.

    Attributes
    ----------
    network
        See `Architecture.name`.
    """

    network: str

    has_weights: ClassVar[bool] = True
    # As sure as its temperature makes it, it is overruled too often: see benchmarks/README.md.
    voice: ClassVar[float] = 4.0
    work: ClassVar[str] = "lstmfcn.classifiers.mini_rocket"

    @property
    def code(self) -> tuple[str, ...]:
        """The modules that its results depend on, besides those of the jobs themselves."""
        return (self.work, Architecture(name=self.network).module)

    def architecture_of(self, _params: Mapping[str, Any]) -> Architecture:
        """Return the network that holds a run's fit."""
        return Architecture(name=self.network)


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "missing"


def _flat(options: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield options that are no mappings, by their names, those within others after a point."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{place}{name}.")
        else:
            yield place + name, value
