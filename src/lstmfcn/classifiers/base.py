"""What a classifier is, as plain values: the one place that the pipeline, the report and the estimators ask.

What it does is in the module that its row names, so that a table of names costs no import of TensorFlow, and
a change of what one classifier does is no change of the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar

from lstmfcn.networks.architecture import Architecture


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """One classifier.

    Attributes
    ----------
    name
        What `params.yaml` and every file call it.
    title
        What people read.
    summary
        A sentence on what it is, with its source.
    paper
        The column of the paper's Table I for each phase, where it has one.
    has_weights
        Whether what it has learned is kept, as a network's weights: then it can vote and serve.
    may_serve
        Whether it is registered as a champion where it stands for a dataset.
    voted
        Whether it is made of what the networks of a study have learned, and learns nothing itself.
    voice
        How loud it is among those that vote: so many times its logits count.
    work
        The module that does its work: `train(classifier, job)` gives the `Outcome` of phase 1, and
        `predict(classifier, trained, train, X)` yields the class probabilities, float32 (n_series,
        n_classes), that each trained run (with its files by name) gives to prepared series. Where there is
        `load(classifier, n_channels)`, it is called before a job's time is taken.
    """

    name: str
    title: str
    summary: str = ""
    paper: Mapping[str, str] = field(default_factory=dict)

    has_weights: ClassVar[bool] = False
    may_serve: ClassVar[bool] = False
    voted: ClassVar[bool] = False
    voice: ClassVar[float] = 1.0
    work: ClassVar[str]

    @property
    def fine_tuned(self) -> bool:
        """Whether it goes through Algorithm 1 after phase 1."""
        return False

    @property
    def searched(self) -> bool:
        """Whether a number of cells is searched for."""
        return False

    @property
    def code(self) -> tuple[str, ...]:
        """The modules that its results depend on, besides those of the jobs themselves."""
        return (self.work,)

    def at_work(self) -> Any:
        """Return the module that does its work."""
        return import_module(self.work)

    def settings(self) -> dict[str, Any]:
        """Return the parameters of a run that are the classifier's own."""
        return {}


@dataclass(frozen=True, kw_only=True)
class NetworkClassifier(Classifier):
    """A network of `lstmfcn.networks`, or of another package.

    Attributes
    ----------
    network
        See `Architecture.name`; empty for the classifier's own name.
    recurrent
        Whether it has cells, whose number is searched for.
    attention
        Whether it attends to its input, so that its attention can be looked at.
    fine_tuned
        Whether it goes through Algorithm 1 after phase 1.
    estimator
        The name of its scikit-learn estimator in `lstmfcn`; empty where there is none.
    """

    network: str = ""
    recurrent: bool = False
    attention: bool = False
    fine_tuned: bool = True
    estimator: str = ""

    has_weights: ClassVar[bool] = True
    may_serve: ClassVar[bool] = True
    work: ClassVar[str] = "lstmfcn.classifiers.network"

    @property
    def searched(self) -> bool:
        """Whether a number of cells is searched for."""
        return self.recurrent

    @property
    def code(self) -> tuple[str, ...]:
        """The modules that its results depend on, besides those of the jobs themselves."""
        return (self.work, self.architecture(None).module)

    def architecture(self, cells: int | None, **options: Any) -> Architecture:
        """Return the network of a width; the options are those of `Architecture`."""
        return Architecture(name=self.network or self.name, cells=cells, **options)

    def architecture_of(self, params: Mapping[str, Any]) -> Architecture:
        """Return the network that a run of these parameters has trained."""
        return Architecture.of(self.network or self.name, params)


@dataclass(frozen=True, kw_only=True)
class EnsembleClassifier(Classifier):
    """The networks that phase 1 has trained on a dataset, whose probabilities are averaged."""

    has_weights: ClassVar[bool] = True
    may_serve: ClassVar[bool] = True
    voted: ClassVar[bool] = True
    work: ClassVar[str] = "lstmfcn.classifiers.ensemble"

    @property
    def code(self) -> tuple[str, ...]:
        """The modules that its results depend on, besides those of its members."""
        return (self.work, "lstmfcn.classifiers.jobs.ensemble")


@dataclass(frozen=True, kw_only=True)
class ReferenceClassifier(Classifier):
    """An estimator of another library, trained beside the networks to know what these are worth.

    Any with scikit-learn's `fit` and `predict_proba` over arrays of shape (n_series, n_channels, length).

    Attributes
    ----------
    source
        The module and name of its class, "aeon.classification.convolution_based:MiniRocketClassifier".
    options
        Its parameters. A "random_state" that is None is set to the run's seed.
    """

    source: str
    options: Mapping[str, Any] = field(default_factory=dict)

    work: ClassVar[str] = "lstmfcn.classifiers.reference"

    def settings(self) -> dict[str, Any]:
        """Return its source, the version of its library and its options."""
        from importlib.metadata import PackageNotFoundError, version

        library = self.source.partition(":")[0].partition(".")[0]
        with suppress(PackageNotFoundError):  # a module that no package manager knows
            library = f"{library} {version(library)}"
        return {"estimator": self.source, "library": library, **self.options}
