from pathlib import Path

import pytest
import yaml

from lstmfcn.config import load, parse
from lstmfcn.errors import ParamsError
from lstmfcn.pipeline.recipes import finetune_recipe

FILE = Path(__file__).parents[1] / "params.yaml"


@pytest.fixture
def values():
    return yaml.safe_load(FILE.read_text())


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
        ({"datasets": ["A", "A"]}, "datasets names A more than once"),
        ({"datasets": []}, "datasets"),
        ({"train": {"epochs": "many"}}, r"train\.epochs: .*\(given: 'many'\)"),
        ({"train": {"initial_rate": 1e-5, "final_rate": 1e-4}}, "final_rate 0.0001 is above"),
        ({"paper": {"trian": {}}}, r"paper\.trian cannot be set.*Did you mean 'train'\?"),
        ({"paper": {"train": {"epochs": 0}}}, r"paper\.train\.epochs"),
        ({"paper": {"train": [1]}}, r"paper\.train should hold values by name"),
        ({"paper": ["train"]}, r"paper should hold sections"),
        ({"train": None}, r"train: .*valid dictionary"),
        ({"validate": {"missing_values": "warn"}}, r"validate\.missing_values: .*'error'"),
    ],
)
def test_impossible_values_are_named(values, change, message):
    with pytest.raises(ParamsError, match=message):
        parse(values | change)


def test_fine_tuning_that_begins_below_phase_1s_lowest_rate_does_not_rise_to_it(values):
    values["finetune"]["initial_rate"] = 5e-5
    recipe = finetune_recipe(parse(values))
    assert [recipe.iteration(i).initial_rate for i in (1, 2)] == [5e-5, 5e-5]
    assert recipe.iteration(1).final_rate == 5e-5


def test_a_section_with_nothing_in_it_changes_nothing(values):
    values["paper"]["train"] = None
    assert parse(values | {"protocol": "paper"}).train.epochs == values["train"]["epochs"]


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(ParamsError, match="is missing"):
        load(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("a: [")
    with pytest.raises(ParamsError, match="is not valid YAML"):
        load(tmp_path / "params.yaml")
