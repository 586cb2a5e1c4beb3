"""The schema of `params.yaml`: what it refuses and how it says so, and the file that is written from it."""

import re
from pathlib import Path

import pytest
from dvc.utils.serialize import parse_yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from lstmfcn.config import DATASETS, MODELS, PAPER, Params, as_yaml, load, parse
from lstmfcn.errors import ParamsError
from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.networks.architecture import Architecture
from lstmfcn.pipeline.recipes import finetune_recipe, phase1_recipe
from lstmfcn.training.recipe import TrainingRecipe

FILE = Path(__file__).parents[1] / "params.yaml"


@pytest.fixture
def values():
    return parse_yaml(FILE.read_text(), FILE)


def test_the_projects_own_file_is_understood_in_both_protocols(values):
    honest = load(FILE)
    assert honest.protocol == "honest"
    paper = parse(values | {"protocol": "paper"})
    assert paper.finetune.iterations == 5
    assert paper.train.epochs >= 2000
    assert paper.train.batch_size == 128
    assert not paper.train.recompute_statistics
    assert paper.train.dropout == honest.train.dropout


def test_an_unknown_parameter_is_refused_with_the_nearest_known_one(values):
    values["train"]["epoch"] = 3
    with pytest.raises(ParamsError, match=r"train\.epoch is not a known parameter. Did you mean 'epochs'\?"):
        parse(values)
    with pytest.raises(ParamsError, match=r"dataset is not a known parameter. Did you mean 'datasets'\?"):
        parse({"dataset": [], "datasets": ["A"], "models": ["fcn"]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": ["lstmfcn"]}, r"models\.0: .*Did you mean 'lstm_fcn'\?"),
        ({"models": ["mini_rocket"]}, r"models\.0: mini_rocket is a reference: list it under references"),
        ({"references": ["fcn"]}, r"references\.0: fcn is no reference: list it under models"),
        ({"references": ["minirocket"]}, r"references\.0: .*Did you mean 'mini_rocket'\?"),
        ({"references": ["dtw", "dtw"]}, "references names dtw more than once"),
        ({"references": "dtw"}, r"references: should be a list"),
        ({"datasets": ["A", "A"]}, "datasets names A more than once"),
        ({"datasets": []}, "datasets"),
        ({"datasets": ["A", "x" * 201]}, r"datasets\.1: should be a name of at most 200 bytes"),
        ({"datasets": ["ü" * 101]}, r"datasets\.0: should be a name of at most 200 bytes"),
        ({"train": {"epochs": "many"}}, r"train\.epochs: .*\(given: 'many'\)"),
        ({"train": {"initial_rate": 1e-5, "final_rate": 1e-4}}, "final_rate 0.0001 is above"),
        ({"paper": {"trian": {}}}, r"paper\.trian cannot be set.*Did you mean 'train'\?"),
        ({"paper": {"train": {"epochs": 0}}}, r"paper\.train\.epochs"),
        ({"paper": {"train": [1]}}, r"paper\.train should hold values by name"),
        ({"paper": ["train"]}, r"paper should hold sections"),
        ({"train": [1]}, r"train: should hold values by name \(given: \[1\]\)"),
        ({"train": {"epochs": True}}, r"train\.epochs: .*valid integer \(given: True\)"),
        ({"train": {"epochs": 3.0}}, r"train\.epochs: .*valid integer \(given: 3\.0\)"),
        ({"train": {"epochs": "300"}}, r"train\.epochs: .*valid integer \(given: '300'\)"),
        ({"train": {"epochs": None}}, r"train\.epochs: .*valid integer \(given: None\)"),
        ({"train": {"initial_rate": float("nan")}}, r"train\.initial_rate: .*finite number"),
        ({"train": {"fitted_loss": float("inf")}}, r"train\.fitted_loss: .*finite number"),
        ({"train": {"class_weighting": 1}}, r"train\.class_weighting: .*'auto', true or false"),
        ({"train": {"segments": 2, "dimension_shuffle": False}}, "nothing to cut"),
        ({"seeds": [True]}, r"- seeds\.0: .*valid integer \(given: True\)\.$"),
        ({"resamples": 0}, r"resamples: .*greater than or equal to 1 \(given: 0\)"),
        ({"resamples": [0, 1]}, r"resamples: .*valid integer"),
        ({"seeds": 0}, r"seeds: should be a list, as \[a, b\] \(given: 0\)"),
        ({"datasets": [True]}, r"datasets\.0: .*valid string \(given: True\)\. Write it in quotes"),
        ({"datasets": [1]}, r"datasets\.0: .*valid string \(given: 1\)\. Write it in quotes"),
        ({"datasets": ["A", None]}, r"datasets\.1: .*valid string \(given: None\)\. Write it in quotes"),
        ({"datasets": None}, r"datasets: should be a list"),
        ({"datasets": "GunPoint"}, r"datasets: should be a list"),
        ({"search": {"cells": ["8"]}}, r"search\.cells\.0: .*valid integer"),
        ({1: 2}, r"1: Keys should be strings"),
        ({"prepare": {"lengths": "resampel"}}, r"prepare\.lengths: .*Did you mean 'resample'\?"),
        ({"prepare": {"missing": "drop"}}, r"prepare\.missing: .*'interpolate'"),
        ({"prepare": {"length": 8}}, r"prepare\.length is 8, but prepare\.lengths refuses"),
        ({"prepare": {"datasets": {"GunPiont": {}}}}, r"names GunPiont, .*Did you mean 'GunPoint'\?"),
        (
            {"prepare": {"datasets": {"GunPoint": {"length": 8}}}},
            r"prepare\.length is 8, .*\(GunPoint\)",
        ),
        (
            {"prepare": {"datasets": {"GunPoint": {"misssing": "interpolate"}}}},
            r"prepare\.datasets\.GunPoint\.misssing is not a known parameter\. Did you mean 'missing'\?",
        ),
        ({"validate": {"missing_values": "warn"}}, r"validate\.missing_values: .*'error'"),
    ],
)
def test_impossible_values_are_named(values, change, message):
    with pytest.raises(ParamsError, match=message):
        parse(values | change)


def test_a_section_with_nothing_in_it_changes_nothing(values):
    assert parse(values | {"train": None}).train == Params(datasets=("A",), models=("fcn",)).train
    values["paper"]["train"] = None
    assert parse(values | {"protocol": "paper"}).train.epochs == values["train"]["epochs"]


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(ParamsError, match="is missing"):
        load(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("a: [")
    with pytest.raises(ParamsError, match="is not valid YAML"):
        load(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("# nothing\n")
    with pytest.raises(ParamsError, match=r"(?s)datasets: Field required.*models: Field required"):
        load(tmp_path / "params.yaml")


def test_a_file_is_read_with_the_words_of_yaml_1_2(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("datasets: [No]\nmodels: [fcn]\n")
    with pytest.raises(ParamsError, match="write 'No' in quotes: some readers of YAML take it for false"):
        load(path)
    path.write_text("datasets: ['No']\nmodels: [fcn]\nseeds: [010]\ntrain:\n")
    assert load(path).datasets == ("No",)
    assert load(path).seeds == (10,)


def test_the_projects_own_file_is_written_from_the_schema():
    """`python -c 'from lstmfcn.config import as_yaml; print(as_yaml(), end="")' > params.yaml`."""
    assert FILE.read_text() == as_yaml()


def test_each_parameter_has_a_description_and_stands_in_the_file(values):
    def check(model, section):
        for name, field in model.model_fields.items():
            key = field.alias or name
            assert field.description, key
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                check(field.annotation, section[key])
            else:
                assert key in section or field.default is None, key

    check(Params, values)


def test_the_written_file_says_what_was_asked_for_and_the_defaults_otherwise(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(as_yaml(datasets=["A", "No"], train={"epochs": 7}, protocol="paper", paper=None))
    default = parse({"datasets": DATASETS, "models": MODELS})
    train = default.train.model_copy(update={"epochs": 7})
    changed = {"datasets": ("A", "No"), "protocol": "paper", "train": train}
    assert load(path) == default.model_copy(update=changed)
    assert "paper:\n" not in path.read_text()
    with pytest.raises(ParamsError, match=r"The new params\.yaml .*\n.*train\.epoch is not a known"):
        as_yaml(train={"epoch": 7})


@settings(deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=50), min_size=1, max_size=20, unique=True))
def test_dvc_reads_any_names_as_they_were_given(names):
    assert parse_yaml(as_yaml(datasets=names), "params.yaml")["datasets"] == names


def test_references_stand_beside_the_models_but_for_the_papers_protocol(values):
    assert parse(values).classifiers == (*MODELS, "mini_rocket")
    assert parse(values | {"references": []}).classifiers == MODELS
    assert parse(values | {"protocol": "paper"}).classifiers == ("lstm_fcn", "alstm_fcn", "lite")


def test_the_papers_values_are_the_papers():
    """Sections III-C and IV: 2000 epochs in batches of 128, 1e-3 to 1e-4, and K = 5."""
    paper = parse({"datasets": ["A"], "models": ["fcn"], "protocol": "paper", "paper": PAPER})
    assert (paper.train.epochs, paper.train.batch_size, paper.finetune.iterations) == (2000, 128, 5)
    assert (paper.train.initial_rate, paper.train.final_rate) == (1e-3, 1e-4)


def test_the_pipelines_recipes_are_the_files(values):
    params = parse(values)
    recipe = phase1_recipe(params)
    assert recipe == TrainingRecipe()
    assert {name: values["train"][name] for name in TrainingRecipe.model_fields} == recipe.model_dump()
    own = {key: values["finetune"][key] for key in ("epochs", "initial_rate", "batch_size")}
    assert finetune_recipe(params).model_dump() == recipe.model_dump() | own
    network = Architecture(name="lstm_fcn", cells=8)
    recorded = recipe.model_dump() | network.params() | {"folds": 3}
    assert recorded == values["train"] | {"cells": 8, "folds": 3}


@pytest.mark.parametrize("section", ["promote", "search"])
def test_any_metric_may_choose_and_an_unknown_one_is_refused(values, section):
    for name in METRICS:
        chosen = parse(values | {section: {**values[section], "metric": name}})
        assert getattr(chosen, section).metric == name
    with pytest.raises(ParamsError, match=rf"{section}\.metric: .*Did you mean 'macro_f1'\?"):
        parse(values | {section: {**values[section], "metric": "macro_f2"}})


@pytest.mark.parametrize("name", METRICS)
def test_auto_weighs_classes_where_the_metric_counts_them_alike(values, name):
    """What is said outright stands; the file that is written keeps the word."""
    for word, expected in (("auto", METRICS[name].class_balanced), (True, True), (False, False)):
        train = {**values["train"], "class_weighting": word}
        params = parse(values | {"train": train, "promote": {"metric": name}})
        assert phase1_recipe(params).class_weighting is expected
    assert "class_weighting: auto" in as_yaml(train={"class_weighting": "auto"}, promote={"metric": name})
    assert METRICS["balanced_accuracy"].class_balanced
    assert not METRICS["accuracy"].class_balanced


def test_a_dataset_may_have_policies_of_its_own(values):
    own = {"GunPoint": {"lengths": "truncate", "length": 9}, "ArrowHead": {"missing": "refuse"}}
    values["prepare"] |= {"lengths": "resample", "missing": "interpolate", "datasets": own}
    prepare = parse(values).prepare
    assert prepare.policies("ItalyPowerDemand") == {
        "lengths": "resample",
        "missing": "interpolate",
        "length": None,
    }
    assert prepare.policies("GunPoint") == {"lengths": "truncate", "missing": "interpolate", "length": 9}
    assert prepare.policies("ArrowHead") == {"lengths": "resample", "missing": "refuse", "length": None}


@pytest.mark.parametrize(
    "wrong",
    [
        {"prepare": {"datasets": {"Zebras": {"lengths": "pad"}}}},
        {"prepare": {"datasets": {"Pump": {"lengths": "pad"}}}},
        {"prepare": {"length": 20}},
        {"datasets": ["Pumps", "Pumps"]},
        {"models": ["fnc"]},
        {"train": {"epochs": 0}},
    ],
)
def test_no_sentence_ends_twice(wrong):
    with pytest.raises(ParamsError) as caught:
        parse({"datasets": ["Pumps"], "models": ["fcn"]} | wrong)
    assert not re.search(r"[.?]\.", str(caught.value))
