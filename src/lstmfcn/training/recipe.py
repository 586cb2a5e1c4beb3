"""The recipe of a training: every value that decides it, what it may be, its default and what it does.

`params.yaml`, the pipeline and the estimators all take these defaults from here.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Compute = Literal["float32", "bfloat16"]
Criterion = Literal["last", "train_loss", "test_accuracy"]
ScheduleName = Literal["fitted", "plateau", "cosine", "constant"]
Positive = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(gt=0, le=1)]


def fine_tuning_recipe(phase1: TrainingRecipe, fine_tuning: FineTuning) -> TrainingRecipe:
    """Return how the first iteration of fine-tuning trains: as phase 1, but for what its own values say.

    Its rates fall to phase 1's lowest, and do not rise to it where they begin below.
    """
    own = fine_tuning.model_dump(exclude={"iterations"})
    lowest = min(phase1.final_rate, fine_tuning.initial_rate)
    return phase1.model_copy(update=own | {"final_rate": lowest})


class Values(BaseModel):
    """Checked values that do not change; no others are let in, and nothing is taken for another type."""

    # Descriptions are docstrings, so that changing a word of them changes no result's code.
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class TrainingRecipe(Values):
    """How one training runs.

    The criterion "train_loss" keeps the weights from which the epoch of the lowest training loss began,
    since an epoch's loss is measured before its steps are taken; "test_accuracy" those after the epoch with
    the highest accuracy on the series given to select on. What is watched here is what the plateau schedule
    waits for too.

    Raises
    ------
    pydantic.ValidationError
        A `ValueError`, if a value is impossible, or the values do not fit each other.
    """

    epochs: Positive = 800
    """The most; `fitted` ends earlier where the training series are learned."""

    batch_size: Positive = 64
    """The last batch of an epoch may be smaller, and so are all of series of over 5,000 values."""

    schedule: ScheduleName = "fitted"
    """fitted, plateau, cosine, constant: see `lstmfcn.training.schedule`."""

    initial_rate: Rate = 1e-3
    """The learning rate of the first epoch."""

    final_rate: Rate = 1e-4
    """The lowest learning rate."""

    patience: Positive = 50
    """plateau: epochs without a lower training loss before the rate falls."""

    fitted_loss: Annotated[float, Field(gt=0)] = 0.05
    """fitted: the training loss of an epoch, in nats, below which the series are learned."""

    anneal_epochs: Positive = 60
    """fitted: once they are, the rate falls, and the training ends, in so many epochs."""

    criterion: Criterion = "last"
    """Which weights are kept: last, or train_loss (those of the lowest training loss). Under `paper` also
    test_accuracy (those of the highest test accuracy), as the paper did: shown apart, and never promoted."""

    recompute_statistics: bool = True
    """Batch norm's, over the training series, before any evaluation; false: the running ones."""

    class_weighting: bool = True
    """Weigh each series' loss by its class: the rarer, the more."""

    compute: Compute = "float32"
    """float32, or bfloat16: faster where the processor has the instructions (lscpu: avx512_bf16, amx_bf16).
    Evaluation is always in float32."""

    @model_validator(mode="after")
    def _rates_fall(self) -> Self:
        if self.final_rate > self.initial_rate:
            raise ValueError(f"final_rate {self.final_rate} is above initial_rate {self.initial_rate}")
        return self

    def iteration(self, index: int) -> TrainingRecipe:
        """Return the recipe of fine-tuning iteration `index` (from 1), Algorithm 1 of the paper.

        The initial rate is halved after each iteration and the batch size after every second one,
        down to `final_rate` and to 32 (or to the batch size, where that is smaller already).
        """
        return self.model_copy(
            update={
                "initial_rate": max(self.initial_rate / 2 ** (index - 1), self.final_rate),
                "batch_size": max(self.batch_size // 2 ** ((index - 1) // 2), min(32, self.batch_size)),
            }
        )


class FineTuning(Values):
    """Algorithm 1 of the paper: how often, and what its first iteration has otherwise than phase 1."""

    iterations: Annotated[int, Field(ge=0)] = 2
    """How many; each goes on from the weights of the one before."""

    epochs: Positive = 40
    """Of each iteration."""

    initial_rate: Rate = 1e-3
    """Of the first iteration; halved after each."""

    batch_size: Positive = 64
    """Of the first iteration; halved after every second one."""
