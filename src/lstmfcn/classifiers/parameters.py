"""The parameters of the estimators: what each may be, its default, and what it does.

The docstrings of the estimators are made from these descriptions (`documentation.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from lstmfcn.data.lengths import Lengths
from lstmfcn.data.missing import Missing
from lstmfcn.data.preprocessing import DEFAULT, Normalise, Preprocessing
from lstmfcn.networks.architecture import Architecture
from lstmfcn.training.recipe import (
    FineTuning,
    Positive,
    Rate,
    ScheduleName,
    TrainingRecipe,
    Values,
    fine_tuning_recipe,
)

RECIPE = TrainingRecipe()
"""Its defaults, the architecture's and the preprocessing's are those of `params.yaml` too."""

Callback = Callable[[Mapping[str, Any]], Any]


def _class_weight(value: Any) -> Any:
    if value is None or (isinstance(value, str) and value == "balanced"):
        return value
    if not isinstance(value, Mapping):
        raise ValueError("it is None, 'balanced', or a weight for each label")
    for label, weight in value.items():
        number = isinstance(weight, int | float | np.number) and not isinstance(weight, bool)
        if not (number and np.isfinite(weight) and weight >= 0):
            raise ValueError(f"the weight of {label!r} is no finite number from 0 up")
    return dict(value)


def _callbacks(value: Any) -> Any:
    if value is None:
        return ()
    given = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    if not all(callable(one) for one in given):
        raise ValueError("each callback is a function of one argument")
    return given


def _verbose(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _random_state(value: Any) -> Any:
    if value is None or isinstance(value, np.random.RandomState):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError("it is None, an integer from 0 up, or a numpy.random.RandomState")


class Parameters(Values):
    """Those of every estimator."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    epochs: Positive = RECIPE.epochs
    """The most epochs of the first training. The schedule "fitted" ends it earlier where the training series
    are learned."""

    batch_size: Positive = RECIPE.batch_size
    """Series a gradient step; the last batch of an epoch may be smaller."""

    learning_rate: Rate = RECIPE.initial_rate
    """Adam's, in the first epoch; above 0 and at most 1."""

    schedule: ScheduleName = RECIPE.schedule
    """How the learning rate falls, and when the training ends: see `lstmfcn.training.schedule.Schedule`."""

    fine_tuning_iterations: Annotated[int, Field(ge=0)] = 0
    """The K of the paper's Algorithm 1; 0 for the first training alone. An iteration trains as the stage
    `finetune` does by default: see `lstmfcn.training.recipe.FineTuning`."""

    class_weight: Annotated[Any, BeforeValidator(_class_weight), Field(title='"balanced", dict or None')] = (
        "balanced"
    )
    """The weight of each class in the loss. "balanced": the rarer, the more, as in the pipeline. A dict holds
    weights by label; labels that it lacks weigh 1. None: all weigh 1."""

    validation_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The share of the training series, of each class alike, that is held out to end trainings early. With 0
    none is, and the last weights are kept."""

    patience: Positive = 50
    """Epochs without a lower loss on the held-out series after which a training ends. The weights of the
    lowest are kept. Without a `validation_share` it has no effect."""

    normalise: Normalise = DEFAULT
    """"per_series" z-normalises each channel of each series, "none" leaves them as they are."""

    lengths: Lengths = Preprocessing.lengths
    """What becomes of series of unequal lengths: "resample" to `length`, else to that of the longest training
    series; "truncate" to that of the shortest; "pad" to that of the longest, and the network looks at no
    padding. A series ends with the last step at which any of its channels has a value."""

    missing: Missing = Preprocessing.missing
    """What becomes of missing values, which are NaN: "interpolate" in each channel, at either end by the
    nearest value; "mask" with 0, and a further channel for each that says where."""

    length: Annotated[Positive | None, Field(title="int or None")] = None
    """To which length series are made equal, where `lengths` does so. None: see there."""

    verbose: Annotated[int, BeforeValidator(_verbose), Field(ge=0, title="bool or int")] = False
    """Whether a line on stderr tells, every few seconds, how far the training is, and how long it may take;
    from 2 on after every epoch."""

    callbacks: Annotated[
        Any, BeforeValidator(_callbacks), Field(title="callable, list of callables or None")
    ] = None
    """Called after each epoch with a dict: `training` (0 for the first, then the iteration of fine-tuning),
    `epoch` (from 1) and `epochs` (the most) of it, `loss`, `accuracy`, `learning_rate`, and with a
    `validation_share` `validation_loss`. The fit ends, with what it has come to, where one returns True."""

    random_state: Annotated[
        Any, BeforeValidator(_random_state), Field(title="int, RandomState instance or None")
    ] = 0
    """Decides every random choice: equal integers give equal models. None gives another model each time; a
    RandomState gives the next number that it draws."""

    @field_validator("length")
    @classmethod
    def _has_a_use(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and info.data.get("lengths") == "refuse":
            raise ValueError("lengths refuses to change them; set it to resample, truncate or pad")
        return value

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Self:
        """Return values that are possible, numbers of NumPy's as Python's.

        Raises
        ------
        ValueError
            Naming the first that is not.
        """
        try:
            return cls(**{name: _plain(value) for name, value in values.items()})
        except ValidationError as error:
            problem = error.errors()[0]
            name = str(problem["loc"][0])
            message = problem["msg"].removeprefix("Value error, ")
            raise ValueError(f"{name}={values[name]!r}: {message}.") from None

    def recipes(self) -> list[TrainingRecipe]:
        """Return how the first training and each iteration of fine-tuning train."""
        first = TrainingRecipe(
            epochs=self.epochs,
            batch_size=self.batch_size,
            schedule=self.schedule,
            initial_rate=self.learning_rate,
            final_rate=min(RECIPE.final_rate, self.learning_rate),
        )
        fine_tuning = FineTuning(iterations=self.fine_tuning_iterations)
        tuned = fine_tuning_recipe(first, fine_tuning)
        return [first, *(tuned.iteration(i) for i in range(1, fine_tuning.iterations + 1))]

    def settings(self) -> dict[str, str | int | float | bool | None]:
        """Return what a record of a fit holds of it: the recipe of the first training, and all beside it."""
        policies = {"lengths": self.lengths, "missing": self.missing, "length": self.length}
        weights = self.class_weight if isinstance(self.class_weight, str) else repr(self.class_weight)
        return dict(vars(self.recipes()[0])) | {
            "class_weighting": self.class_weight == "balanced",
            "class_weight": weights,
            "fine_tuning_iterations": self.fine_tuning_iterations,
            "normalise": self.normalise,
            "validation_share": self.validation_share,
            "validation_patience": self.patience,
            **{name: value for name, value in policies.items() if value not in ("refuse", None)},
        }

    def architecture(self) -> dict[str, Any]:
        """Return those that shape the network, as options of `NetworkClassifier.architecture`."""
        return {"cells": None}

    def seed(self) -> int:
        """Return the seed that `random_state` gives: itself, if it is an integer that TensorFlow can hold."""
        given = self.random_state
        if isinstance(given, np.random.RandomState):
            return int(given.randint(SEEDS))
        if given is None or given >= SEEDS:
            return int(np.random.SeedSequence(given).generate_state(1)[0]) % SEEDS
        return int(given)


SEEDS = 2**30
"""TensorFlow's are int32, and those of the iterations of fine-tuning are added to them."""


class RecurrentParameters(Parameters):
    """Those of an estimator whose network has cells."""

    cells: Positive = 64
    """The LSTM's units."""

    dropout: Annotated[float, Field(ge=0, lt=1)] = Architecture.dropout
    """The share of the recurrent branch's outputs dropped in training."""

    dimension_shuffle: bool = Architecture.dimension_shuffle
    """Whether the recurrent branch sees each channel as one step, as in the paper, or each time step as
    one."""

    segments: Positive = Architecture.segments
    """Into how many steps of equal length the shuffled branch cuts each channel; 1 in the paper."""

    OWN: ClassVar = ("cells", "dropout", "dimension_shuffle", "segments")

    def architecture(self) -> dict[str, Any]:
        """Return those that shape the network, as options of `NetworkClassifier.architecture`."""
        return {name: getattr(self, name) for name in self.OWN}


def _plain(value: Any) -> Any:
    """Return a number of NumPy's, such as a grid search sets, as Python's."""
    return value.item() if isinstance(value, np.generic) else value
