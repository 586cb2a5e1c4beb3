"""`params.yaml` as typed values: unknown keys and impossible values are refused, with the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lstmfcn.errors import ParamsError, nearest
from lstmfcn.networks.architecture import Architecture

Finding = Literal["error", "warn", "ignore"]
Fatal = Literal["error"]  # no network can be trained or judged with it
Positive = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(gt=0, le=1)]


class Section(BaseModel):
    """A section of the file: frozen, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ValidateParams(Section):
    """What each finding of the validation does to its dataset."""

    missing_values: Fatal = "error"
    infinite_values: Fatal = "error"
    constant_series: Finding = "warn"
    unequal_length: Fatal = "error"
    catalogue_mismatch: Finding = "error"
    class_missing_in_train: Fatal = "error"
    class_missing_in_test: Finding = "warn"
    single_class: Fatal = "error"
    rare_class: Finding = "warn"
    duplicates_within_split: Finding = "warn"
    duplicates_across_splits: Finding = "warn"
    not_normalised: Finding = "ignore"


class PrepareParams(Section):
    """How series are made ready."""

    normalise: Literal["per_series", "none"] = "per_series"
    edition: Literal[2015, 2018] = 2018


class SearchParams(Section):
    """The search for the number of LSTM cells. What is None is as in `train`."""

    cells: Annotated[tuple[Annotated[int, Field(ge=1, le=1024)], ...], Field(min_length=1)] = (8, 128)
    folds: Annotated[int, Field(ge=2)] | None = None
    epochs: Positive | None = None
    batch_size: Positive | None = None


class TrainParams(Section):
    """Phase 1. `TrainingRecipe` and `Architecture` say what each value does."""

    epochs: Positive = 300
    batch_size: Positive = 64
    schedule: Literal["fitted", "plateau", "cosine", "constant"] = "fitted"
    initial_rate: Rate = 1e-3
    final_rate: Rate = 1e-4
    patience: Positive = 50
    fitted_loss: Annotated[float, Field(gt=0)] = 0.05
    anneal_epochs: Positive = 60
    criterion: Literal["last", "train_loss", "test_accuracy"] = "last"
    recompute_statistics: bool = True
    class_weighting: bool = True
    compute: Literal["float32", "bfloat16"] = "float32"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.8
    dimension_shuffle: bool = True
    segments: Positive = 1
    folds: Annotated[int, Field(ge=2)] = 3

    @model_validator(mode="after")
    def _rates_fall(self) -> TrainParams:
        if self.final_rate > self.initial_rate:
            raise ValueError(f"final_rate {self.final_rate} is above initial_rate {self.initial_rate}")
        return self

    @model_validator(mode="after")
    def _segments_need_the_shuffle(self) -> TrainParams:
        shuffle, segments = self.dimension_shuffle, self.segments
        Architecture(name="lstm_fcn", cells=1, dimension_shuffle=shuffle, segments=segments)  # raises
        return self


class FinetuneParams(Section):
    """Algorithm 1; what is not here is as in `train`."""

    iterations: Annotated[int, Field(ge=0)] = 2
    epochs: Positive = 40
    initial_rate: Rate = 1e-3
    batch_size: Positive = 64


class CompareParams(Section):
    """The comparison of methods."""

    significance: Annotated[float, Field(gt=0, lt=1)] = 0.05
    references: tuple[str, ...] = ()


class PromoteParams(Section):
    """When a candidate replaces a champion."""

    tolerance: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Params(Section):
    """The whole of `params.yaml`, the sections under `paper` laid over the others where asked for."""

    datasets: Annotated[tuple[str, ...], Field(min_length=1)]
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0,)
    protocol: Literal["honest", "paper"] = "honest"
    validate_: Annotated[ValidateParams, Field(alias="validate")] = ValidateParams()
    prepare: PrepareParams = PrepareParams()
    search: SearchParams = SearchParams()
    train: TrainParams = TrainParams()
    finetune: FinetuneParams = FinetuneParams()
    compare: CompareParams = CompareParams()
    promote: PromoteParams = PromoteParams()

    @model_validator(mode="after")
    def _no_doubles(self) -> Params:
        for key in ("datasets", "models", "seeds"):
            values = getattr(self, key)
            if doubles := sorted({str(v) for v in values if values.count(v) > 1}):
                raise ValueError(f"{key} names {', '.join(doubles)} more than once")
        return self


OVERLAID = ("search", "train", "finetune")


def parse(values: Any, *, source: str = "params.yaml") -> Params:
    """Check the content of a parameters file.

    Parameters
    ----------
    values
        The file as `yaml.safe_load` reads it.
    source
        What to call the file in errors.

    Raises
    ------
    ParamsError
        Naming each key at fault, what is wrong with it, and the nearest known one.
    """
    if not isinstance(values, dict):
        raise ParamsError(f"{source} should hold sections, not {type(values).__name__}.")
    values = dict(values)
    overlay = values.pop("paper", None) or {}
    _check_overlay(overlay, source)
    try:
        params = Params.model_validate(values)
    except ValidationError as error:
        raise ParamsError(_explain(error, source)) from None
    merged = {key: {**values.get(key, {}), **(overlay.get(key) or {})} for key in OVERLAID}
    try:
        with_paper = Params.model_validate(values | merged)  # checked in either protocol
    except ValidationError as error:
        raise ParamsError(_explain(error, source, within="paper.")) from None
    if params.train.criterion == "test_accuracy":
        raise ParamsError(
            f"{source}: train.criterion test_accuracy selects weights on the test split. That is the paper's "
            "protocol: set it under `paper`, and ask for it with protocol: paper."
        )
    return with_paper if params.protocol == "paper" else params


def load(path: Path = Path("params.yaml"), overrides: Mapping[str, Any] | None = None) -> Params:
    """Read and check a parameters file.

    Parameters
    ----------
    path
        The file.
    overrides
        Top-level values that replace the file's own.

    Raises
    ------
    ParamsError
        If the file is missing, is not YAML, or is not understood.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(
            f"{path} is missing. Run lstmfcn in the folder of a clone, or name one with --workspace."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path} is not valid YAML: {error}") from None
    if overrides and isinstance(values, dict):
        values |= overrides
    return parse(values, source=str(path))


def _check_overlay(overlay: Any, source: str) -> None:
    if not isinstance(overlay, dict):
        raise ParamsError(f"{source}: paper should hold sections, not {type(overlay).__name__}.")
    for key, section in overlay.items():
        if not isinstance(section, dict | None):
            raise ParamsError(
                f"{source}: paper.{key} should hold values by name, not {type(section).__name__}."
            )
        if key not in OVERLAID:
            raise ParamsError(
                f"{source}: paper.{key} cannot be set; sections there are {', '.join(OVERLAID)}."
                + nearest(str(key), OVERLAID)
            )


def _explain(error: ValidationError, source: str, *, within: str = "") -> str:
    lines = []
    for problem in error.errors():
        where = within + ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            *sections, key = problem["loc"]
            model: type[BaseModel] = Params
            for section in sections:
                field = next(f for n, f in model.model_fields.items() if section in (n, f.alias))
                model = field.annotation  # type: ignore[assignment]
            known = [field.alias or name for name, field in model.model_fields.items()]
            lines.append(f"{where} is not a known parameter.{nearest(str(key), known)}")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            given = f" (given: {problem['input']!r})" if problem["type"] != "missing" and where else ""
            hint = ""
            if problem["type"] == "literal_error" and isinstance(problem["input"], str):
                hint = nearest(
                    problem["input"],
                    str(problem["ctx"]["expected"]).replace("'", "").replace(" or ", ", ").split(", "),
                )
            lines.append(f"{where or 'the file'}: {message}{given}.{hint}")
    return f"{source} is not understood:\n" + "\n".join(f"  - {line}" for line in lines)
