"""`params.yaml` as typed values: unknown keys and impossible values are refused, with the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticKnownError

from lstmfcn import yaml12
from lstmfcn.classifiers.table import REFERENCES, can_vote, classifiers, references
from lstmfcn.data import preprocessing
from lstmfcn.data.lengths import Lengths
from lstmfcn.data.missing import Missing
from lstmfcn.errors import ParamsError, nearest
from lstmfcn.evaluation.metrics import DEFAULT, all_metrics, metric_named
from lstmfcn.networks.architecture import Architecture
from lstmfcn.training.recipe import FineTuning, Positive, TrainingRecipe, Values
from lstmfcn.wording import counted

Finding = Literal["error", "warn", "ignore"]
Fatal = Literal["error"]  # no network can be trained or judged with it

HEADER = """One section per stage. `dvc exp run -S train.epochs=500` changes any value for one run;
`lstmfcn doctor` says whether this file is understood."""

DATASETS = ("ItalyPowerDemand", "GunPoint", "ArrowHead")
MODELS = ("lstm_fcn", "alstm_fcn", "lite", "ensemble")
"""What a new file names where nothing else is asked for."""

PAPER: Mapping[str, Mapping[str, Any]] = {
    "search": {"cells": (8, 16, 32, 64, 128), "epochs": 500, "batch_size": 128},
    "train": {
        "epochs": 2000,
        "batch_size": 128,
        "schedule": "plateau",
        "initial_rate": 1e-3,
        "patience": 100,
        "criterion": "test_accuracy",
        "recompute_statistics": False,
    },
    "finetune": {"iterations": 5, "epochs": 2000, "batch_size": 128},
}
PAPER_IS = "Sections III-C and IV of the paper, and what is known of how it selected."

OVERLAID = ("search", "train", "finetune")
"""The sections that `paper` may hold."""


SHORTER = {"model_type": "should hold values by name", "tuple_type": "should be a list, as [a, b]"}
"""What pydantic says in words of Python."""


LONGEST_NAME = 200
"""Of a dataset, in bytes: files are called after it, and file systems take 255 with what stands behind."""


def _short(name: str) -> str:
    if len(name.encode(errors="replace")) > LONGEST_NAME:
        raise ValueError(f"should be a name of at most {LONGEST_NAME} bytes, as files are called after it")
    return name


def _one_of(name: str, names: Iterable[str]) -> str:
    if name not in (known := list(names)):
        *others, last = map(repr, known)
        raise PydanticKnownError("literal_error", {"expected": f"{', '.join(others)} or {last}"})
    return name


def _known(name: str) -> str:
    """Let a model be any classifier but this package's references; those of other packages may stand here."""
    own = {row.name for row in REFERENCES}
    if name in own:
        raise ValueError(f"{name} is a reference: list it under references")
    return _one_of(name, [known for known in classifiers() if known not in own])


def _known_reference(name: str) -> str:
    if name in classifiers().keys() - references().keys():
        raise ValueError(f"{name} is no reference: list it under models")
    return _one_of(name, references())


def _known_metric(name: str) -> str:
    return _one_of(name, all_metrics())


def _truth_or_auto(value: Any) -> Any:
    if value != "auto" and not isinstance(value, bool):  # pydantic takes 1 for the literal true
        raise PydanticKnownError("literal_error", {"expected": "'auto', true or false"})
    return value


ClassWeighting = Annotated[Literal["auto", True, False], BeforeValidator(_truth_or_auto)]
MetricName = Annotated[str, AfterValidator(_known_metric)]


def _listed(**limits: Any) -> Any:
    """Return what lets a list stand for a tuple: YAML has no other."""
    return Field(strict=False, **limits)


class ValidateParams(Values):
    """What each finding of the validation does to its dataset."""

    missing_values: Fatal = "error"
    """A value is missing within a series."""

    infinite_values: Fatal = "error"
    """A value is infinite."""

    unequal_length: Fatal = "error"
    """Series are of different lengths."""

    class_missing_in_train: Fatal = "error"
    """A class of the test split has no training series."""

    single_class: Fatal = "error"
    """All training series are of one class."""

    lost_in_float32: Fatal = "error"
    """float32, in which networks compute, cannot hold the series; with `normalise: none` alone."""

    catalogue_mismatch: Finding = "error"
    """Sizes are not those that the archive's catalogue states."""

    doubtful_labels: Finding = "error"
    """Labels count, look like values, or name each series."""

    doubtful_axes: Finding = "error"
    """Several channels of length 1."""

    level_tells_class: Finding = "warn"
    """Classes differ in level or spread alone, which `normalise: per_series` takes away."""

    class_missing_in_test: Finding = "warn"
    """A class of the training split has no test series."""

    constant_series: Finding = "warn"
    """All values of a series are equal."""

    rare_class: Finding = "warn"
    """A class of one training series."""

    duplicates_within_split: Finding = "warn"
    """A series stands twice in one split."""

    duplicates_across_splits: Finding = "warn"
    """A test series stands in the training split too."""

    groups_across_splits: Finding = "warn"
    """A group of the test split, such as a patient, has training series too."""

    not_normalised: Finding = "ignore"
    """A mean far from 0 or a spread far from 1."""


class PolicyParams(Values):
    """What becomes of unequal lengths and missing values in one dataset. What is None is as in `prepare`."""

    lengths: Lengths | None = None
    """As in `prepare`."""

    missing: Missing | None = None
    """As in `prepare`."""

    length: Positive | None = None
    """As in `prepare`."""


class PrepareParams(Values):
    """How series are made ready."""

    normalise: preprocessing.Normalise = preprocessing.DEFAULT
    """per_series (z-normalisation of each channel of each series) or none."""

    edition: Literal[2015, 2018] = 2018
    """2015, the paper's: swaps the splits of the 14 datasets whose sizes the editions swap."""

    lengths: Lengths = preprocessing.Preprocessing.lengths
    """Series of unequal lengths: refuse, resample (to `length`, else to that of the longest training series),
    truncate (to that of the shortest) or pad (to that of the longest; the network looks at no padding)."""

    missing: Missing = preprocessing.Preprocessing.missing
    """Missing values: refuse, interpolate (in each channel, at either end by the nearest value) or mask (0,
    and a further channel for each that says where)."""

    length: Positive | None = None
    """To which length series are made equal."""

    datasets: Mapping[str, PolicyParams] = {}
    """What single datasets have otherwise: {Pumps: {lengths: resample, missing: interpolate}}."""

    def policies(self, dataset: str) -> dict[str, Any]:
        """Return `lengths`, `missing` and `length` of a dataset."""
        own = self.datasets.get(dataset, PolicyParams()).model_dump(exclude_none=True)
        return {name: getattr(self, name) for name in PolicyParams.model_fields} | own


class SearchParams(Values):
    """The search for the number of LSTM cells. What is None is as in `train`."""

    cells: Annotated[tuple[Annotated[int, Field(ge=1, le=1024)], ...], _listed(min_length=1)] = (8, 128)
    """The numbers of LSTM cells to choose from."""

    metric: MetricName = DEFAULT
    """Which metric chooses, out of fold: see `promote.metric`. Where it ties, the lower loss does."""

    folds: Annotated[int, Field(ge=2)] | None = None
    """Of each number's cross-validation."""

    epochs: Positive | None = None
    """As in `train`."""

    batch_size: Positive | None = None
    """As in `train`."""


class TrainParams(TrainingRecipe):
    """Phase 1: its recipe, what shapes the network beside its cells, and the folds."""

    dropout: Annotated[float, Field(ge=0, lt=1)] = Architecture.dropout
    """The share of the recurrent branch's outputs dropped in training."""

    dimension_shuffle: bool = Architecture.dimension_shuffle
    """false: the LSTM sees a step a value, not a step a channel."""

    class_weighting: ClassWeighting = True  # type: ignore[assignment]
    """Weigh each series' loss by its class: the rarer, the more. auto: where the metric of `promote` counts
    every class alike (balanced_accuracy, macro_f1, lowest_sensitivity, auroc), and not elsewhere."""

    segments: Positive = Architecture.segments
    """More: the shuffled view of each channel is cut into as many steps."""

    folds: Annotated[int, Field(ge=2)] = 3
    """Of the out-of-fold predictions."""

    @model_validator(mode="after")
    def _segments_need_the_shuffle(self) -> TrainParams:
        shuffle, segments = self.dimension_shuffle, self.segments
        Architecture(name="lstm_fcn", cells=1, dimension_shuffle=shuffle, segments=segments)  # raises
        return self


class EnsembleParams(Values):
    """The mean of what phase 1 has trained, where `ensemble` is among the models (docs/ensembles.md)."""

    members: Annotated[tuple[str, ...], _listed()] = ()
    """Which of the models and references vote, each by all seeds; [] for every network, and mini_rocket."""

    folds: bool = False
    """Whether the networks of the folds, which are trained anyway, vote too: `folds` of them a member."""


class CompareParams(Values):
    """The comparison of methods."""

    significance: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """The level of the tests."""

    rope: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """The region of practical equivalence: accuracies that are no further apart are the same in practice."""

    references: Annotated[tuple[str, ...], _listed()] = ()
    """Published results of others: tslearn, aeon:NAME, or a CSV with the columns dataset, method, accuracy.
    What is run here stands under `references`, at the top."""


class PromoteParams(Values):
    """Which run of a dataset is best, and when a candidate replaces a champion."""

    metric: MetricName = DEFAULT
    """Which metric chooses iteration and champion, out of fold: accuracy, balanced_accuracy, macro_f1,
    lowest_sensitivity, auroc, log_loss, brier and others (docs/metrics.md). Where it ties among the runs of a
    study, the lower out-of-fold loss does."""

    level: Annotated[float, Field(ge=0.001, le=0.5)] = 0.05
    """A candidate replaces the champion only where chance alone gives such a gain on the same series no more
    often than this, by a paired test on out-of-fold predictions. What is no better keeps to its place."""

    tolerance: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """By how much it must be better by that metric besides."""

    references: bool = False
    """true: mini_rocket may serve by itself, as a network may."""

    calibrate: bool = False
    """true: what is served has its probabilities calibrated by a temperature fitted out of fold, and they are
    no longer those that were evaluated; the labels stay."""


class Params(Values):
    """The whole of `params.yaml`, the sections under `paper` laid over the others where asked for."""

    datasets: Annotated[tuple[Annotated[str, AfterValidator(_short)], ...], _listed(min_length=1)]
    """By their names in the archive, or as `lstmfcn add` called them."""

    models: Annotated[tuple[Annotated[str, AfterValidator(_known)], ...], _listed(min_length=1)]
    """Which classifiers; `lstmfcn doctor` lists those there are."""

    references: Annotated[tuple[Annotated[str, AfterValidator(_known_reference)], ...], _listed()] = (
        "mini_rocket",
    )
    """Estimators of other libraries, run beside the models to know what these are worth: mini_rocket,
    multi_rocket_hydra, dtw; [] for none (docs/references.md)."""

    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], _listed(min_length=1)] = (0,)
    """Each trains every model anew; the first one also searches."""

    resamples: Annotated[int, Field(ge=1, le=1000)] = 1
    """How many splits of each dataset: its own, and others that are drawn (docs/resamples.md). The field uses
    30, which takes 30 times the work."""

    protocol: Literal["honest", "paper"] = "honest"
    """honest: the sections below as they stand.

    paper: the values under `paper` at the end of this file replace those of the same name."""

    validate_: Annotated[ValidateParams, Field(alias="validate")] = ValidateParams()
    """Each finding: error (the dataset is left out), warn, or ignore; the first six can only be errors."""

    prepare: PrepareParams = PrepareParams()
    """How series are made ready."""

    search: SearchParams = SearchParams()
    """The search trains with the folds, epochs and batch_size of `train`, which then reuses the folds of the
    chosen width. Others can be set here, but fewer epochs favour wide networks, which learn faster."""

    train: TrainParams = TrainParams()
    """Phase 1."""

    ensemble: EnsembleParams = EnsembleParams()
    """The mean of what phase 1 has trained, where `ensemble` is among the models (docs/ensembles.md)."""

    finetune: FineTuning = FineTuning()
    """Algorithm 1 of the paper; what is not here is as in `train`."""

    compare: CompareParams = CompareParams()
    """The comparison of methods."""

    promote: PromoteParams = PromoteParams()
    """Which run of a dataset is best, and when a candidate replaces a champion."""

    @property
    def classifiers(self) -> tuple[str, ...]:
        """All that are trained and measured: the models, then the references.

        Under `protocol: paper` there are no references, since the paper's tables have its own, and no vote of
        what was selected on the test split.
        """
        if self.protocol == "honest":
            return self.models + self.references
        return tuple(name for name in self.models if not classifiers()[name].voted)

    @property
    def members(self) -> tuple[str, ...]:
        """What votes in an ensemble, of the models and the references."""
        return self.ensemble.members or tuple(filter(can_vote, self.models + self.references))

    @model_validator(mode="after")
    def _no_doubles(self) -> Params:
        if both := [name for name in self.references if name in self.models]:
            raise ValueError(f"{both[0]} stands under models and under references. Take it out of one")
        lists = {key: getattr(self, key) for key in ("datasets", "models", "references", "seeds")}
        lists["ensemble.members"] = self.ensemble.members
        for key, values in lists.items():
            if doubles := sorted({str(v) for v in values if values.count(v) > 1}):
                raise ValueError(f"{key} names {', '.join(doubles)} more than once")
        return self

    @model_validator(mode="after")
    def _members_can_vote(self) -> Params:
        those = list(filter(can_vote, self.models + self.references))
        for name in self.ensemble.members:
            if name not in those:
                raise ValueError(
                    f"ensemble.members names {name}, which is none that can vote among models and references"
                    f": {', '.join(those) or 'none can'}.{nearest(name, those)}"
                )
        voices = len(self.members) * len(self.seeds) * (1 + self.train.folds * self.ensemble.folds)
        if voices < 2 and any(classifiers()[name].voted for name in self.models):
            raise ValueError(
                f"an ensemble of {counted(voices, 'network')} has nothing to average. List another network "
                "under models, or another seed, or take ensemble out of models"
            )
        return self

    @model_validator(mode="after")
    def _policies_have_a_use(self) -> Params:
        if unknown := [name for name in self.prepare.datasets if name not in self.datasets]:
            raise ValueError(
                f"prepare.datasets names {unknown[0]}, which is not among datasets."
                f"{nearest(unknown[0], self.datasets)}"
            )
        for dataset in self.datasets:
            found = self.prepare.policies(dataset)
            if found["length"] is not None and found["lengths"] == "refuse":
                raise ValueError(
                    f"prepare.length is {found['length']}, but prepare.lengths refuses to change lengths "
                    f"({dataset}). Set it to resample, truncate or pad, or take the length out"
                )
        return self


def parse(values: Any, *, source: str = "params.yaml") -> Params:
    """Check the content of a parameters file. What is auto in it is decided.

    Parameters
    ----------
    values
        The file as `yaml12.read` returns it. A section with nothing in it is as its defaults.
    source
        What to call the file in errors.

    Raises
    ------
    ParamsError
        Naming each key at fault, what is wrong with it, and the nearest known one.
    """
    honest, paper = _both_protocols(values, source)
    return _weighing(paper if honest.protocol == "paper" else honest)


def _weighing(params: Params) -> Params:
    """Return parameters in which `train.class_weighting` is no longer auto but what follows from it."""
    if params.train.class_weighting != "auto":
        return params
    weighted = metric_named(params.promote.metric).class_balanced
    train = params.train.model_copy(update={"class_weighting": weighted})
    return params.model_copy(update={"train": train})


def load(path: Path = Path("params.yaml"), overrides: Mapping[str, Any] | None = None) -> Params:
    """Read and check a parameters file, as DVC reads it.

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
        values = yaml12.read(path)
    except FileNotFoundError:
        raise ParamsError(
            f"{path} is missing. Run lstmfcn in the folder of a study, or name one with --workspace; "
            "`lstmfcn init DIR` makes one."
        ) from None
    if values is None:
        values = {}
    if overrides and isinstance(values, dict):
        values |= overrides
    return parse(values, source=str(path))


def as_yaml(**overrides: Any) -> str:
    """Return the text of a `params.yaml`: every value, and what it does.

    Parameters
    ----------
    **overrides
        Top-level values instead of the defaults; of a section, those that differ.

    Raises
    ------
    ParamsError
        If one of them is not understood.
    """
    values = {"datasets": DATASETS, "models": MODELS, "paper": PAPER} | overrides
    params, _ = _both_protocols(values, "The new params.yaml")
    blocks = [yaml12.comment(HEADER), *_blocks(params).values()]
    if values["paper"]:
        blocks.append(yaml12.entry("paper", values["paper"], PAPER_IS))
    return yaml12.spaced(blocks)


def completed(text: str) -> str:
    """Return the text of a `params.yaml` with what it lacks of an older version's, each at its default.

    DVC refuses a stage that depends on a parameter that the file does not name.

    Raises
    ------
    ParamsError
        If the text is laid out so that it cannot be done.
    """
    values, before = yaml12.parsed(text), None
    for name, block in _blocks(Params(datasets=DATASETS, models=MODELS)).items():
        if name not in values:
            text = yaml12.with_block(text, block, after=before)
        before = name
    return text


def _blocks(params: Params) -> dict[str, list[str]]:
    """Return the lines of each top-level key, with what it does, in their order."""
    blocks = {}
    for name, field in Params.model_fields.items():
        value, inner = getattr(params, name), {}
        if isinstance(value, Values):
            inner = {key: f.description or "" for key, f in type(value).model_fields.items()}
            value = value.model_dump(exclude_none=True)
        key = field.alias or name
        blocks[key] = yaml12.entry(key, value, field.description or "", inner)
    return blocks


def _both_protocols(values: Any, source: str) -> tuple[Params, Params]:
    """Return the parameters without and with what `paper` lays over them; either is checked."""
    if not isinstance(values, dict):
        raise ParamsError(f"{source} should hold sections, not {type(values).__name__}.")
    values = dict(values)
    overlay = values.pop("paper", None) or {}
    _check_overlay(overlay, source)
    honest = _validated(values, source)
    given = {key: values.get(key) or {} for key in OVERLAID}
    merged = {key: {**given[key], **(overlay.get(key) or {})} for key in OVERLAID}
    with_paper = _validated(values | merged, source, within="paper.")
    if honest.train.criterion == "test_accuracy":
        raise ParamsError(
            f"{source}: train.criterion test_accuracy selects weights on the test split. That is the paper's "
            "protocol: set it under `paper`, and ask for it with protocol: paper."
        )
    return honest, with_paper


def _validated(values: Mapping[str, Any], source: str, *, within: str = "") -> Params:
    sections = {f.alias or n for n, f in Params.model_fields.items() if isinstance(f.default, Values)}
    try:
        return Params.model_validate({k: v for k, v in values.items() if v is not None or k not in sections})
    except ValidationError as error:
        raise ParamsError(_explain(error, source, within=within)) from None


def _check_overlay(overlay: Any, source: str) -> None:
    if not isinstance(overlay, Mapping):
        raise ParamsError(f"{source}: paper should hold sections, not {type(overlay).__name__}.")
    for key, section in overlay.items():
        if not isinstance(section, Mapping | None):
            raise ParamsError(
                f"{source}: paper.{key} should hold values by name, not {type(section).__name__}."
            )
        if key not in OVERLAID:
            raise ParamsError(
                f"{source}: paper.{key} cannot be set; sections there are {', '.join(OVERLAID)}."
                + nearest(str(key), OVERLAID)
            )


def _explain(error: ValidationError, source: str, *, within: str = "") -> str:
    problems = error.errors()
    lines = []
    for problem in problems:
        place, given, message = problem["loc"], problem["input"], problem["msg"].removeprefix("Value error, ")
        where = within + ".".join(str(part) for part in place)
        if problem["type"] == "extra_forbidden":
            lines.append(f"{where} is not a known parameter.{nearest(str(place[-1]), _names_in(place[:-1]))}")
        elif problem["type"] != "too_short" or not any(_is_within(p["loc"], place) for p in problems):
            message = SHORTER.get(problem["type"], message)
            shown = f" (given: {_shown(given)})" if problem["type"] != "missing" and where else ""
            end = "" if message.endswith(("?", ".")) else "."
            lines.append(f"{where or 'the file'}: {message}{shown}{end}{_hint(problem)}")
    return yaml12.listed(f"{source} is not understood:", lines)


def _hint(problem: Any) -> str:
    """Return a remedy, where there is one for this kind of problem."""
    kind, given = problem["type"], problem["input"]
    if kind == "literal_error" and isinstance(given, str):
        expected = str(problem["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
        return nearest(given, expected.split(", "))
    if kind == "string_type" and not isinstance(given, list | dict):
        return " Write it in quotes: YAML takes it for something other than text."
    if kind == "bool_type":
        return " Write true or false."
    return ""


def _names_in(place: tuple[int | str, ...]) -> list[str]:
    """Return the names of the values that the section at this place holds."""
    model: Any = Params
    for section in place:
        if get_origin(model) is Mapping:  # of names that people give
            model = get_args(model)[1]
            continue
        field = next(f for n, f in model.model_fields.items() if section in (n, f.alias))
        model = field.annotation
    return [field.alias or name for name, field in model.model_fields.items()]


def _is_within(place: tuple[int | str, ...], other: tuple[int | str, ...]) -> bool:
    return len(place) > len(other) and place[: len(other)] == other


def _shown(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 80 else f"{text[:77]}..."
