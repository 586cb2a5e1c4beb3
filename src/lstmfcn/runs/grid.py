"""The grid of all runs that `params.yaml` asks for: every loop over them is one of these."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Generic, Protocol, TypeVar

from lstmfcn.runs.identity import Identity


class Steps(Protocol):
    """What the grid has to know of a classifier.

    Attributes
    ----------
    name
        What `params.yaml` calls it.
    searched, fine_tuned, voted
        Whether a number of cells is searched for, whether it goes through Algorithm 1, and whether it is made
        of the networks of all seeds.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def searched(self) -> bool: ...  # noqa: D102
    @property
    def fine_tuned(self) -> bool: ...  # noqa: D102
    @property
    def voted(self) -> bool: ...  # noqa: D102


C = TypeVar("C", bound=Steps)

Place = tuple[str, int]
"""A dataset and one of its resamples; 0 is the dataset's own split."""


@dataclass(frozen=True)
class Grid(Generic[C]):
    """Datasets and their resamples by classifiers and seeds.

    Attributes
    ----------
    places
        The resamples of each dataset.
    classifiers
        What is trained on each.
    seeds
        The search uses the first; all share the width that it finds.
    iterations
        The K of the paper's Algorithm 1.
    """

    places: tuple[Place, ...]
    classifiers: tuple[C, ...]
    seeds: tuple[int, ...]
    iterations: int

    def searches(self) -> Iterator[tuple[C, Identity]]:
        """Yield each search, as the phase 1 of the first seed that it is for."""
        for classifier, one in self.trainings():
            if classifier.searched and one.seed == self.seeds[0]:
                yield classifier, one

    def trainings(self) -> Iterator[tuple[C, Identity]]:
        """Yield each phase 1, and each vote of what all seeds have trained, under the first seed."""
        for (dataset, resample), classifier in product(self.places, self.classifiers):
            for seed in self.seeds[:1] if classifier.voted else self.seeds:
                yield (
                    classifier,
                    Identity(dataset=dataset, resample=resample, classifier=classifier.name, seed=seed),
                )

    def members(self, vote: Identity, names: Container[str]) -> list[Identity]:
        """Return the phases 1 of some classifiers by each seed, on the dataset and resample of a vote."""
        return [
            replace(vote, classifier=classifier.name, seed=seed)
            for classifier, seed in product(self.classifiers, self.seeds)
            if classifier.name in names
        ]

    def iterations_of(self, classifier: C) -> range:
        """Return the indices of a classifier's fine-tuning iterations."""
        return range(1, self.iterations + 1 if classifier.fine_tuned else 1)

    def trained(self, classifier: C, one: Identity) -> list[Identity]:
        """Return a phase 1 and its fine-tuning iterations, in their order."""
        return [one, *(one.iteration(index) for index in self.iterations_of(classifier))]

    def all_trained(self) -> Iterator[Identity]:
        """Yield everything that is trained, each phase 1 before its iterations."""
        for classifier, one in self.trainings():
            yield from self.trained(classifier, one)
