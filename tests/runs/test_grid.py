"""The grid against plain loops over the same lists."""

from itertools import product

from lstmfcn import config
from lstmfcn.pipeline.recipes import grid_of

PARAMS = config.parse(
    {
        "datasets": ["A", "B", "C"],
        "models": ["fcn", "lstm_fcn", "resnet"],
        "references": [],
        "seeds": [3, 1],
        "finetune": {"iterations": 2},
    }
)


def test_phase_1_is_every_combination():
    found = [(one.dataset, one.classifier, one.seed) for _, one in grid_of(PARAMS).trainings()]
    assert found == list(product("ABC", ["fcn", "lstm_fcn", "resnet"], [3, 1]))


def test_only_what_has_cells_is_searched_and_with_the_first_seed():
    found = [(one.dataset, one.classifier, one.seed) for _, one in grid_of(PARAMS).searches()]
    assert found == [("A", "lstm_fcn", 3), ("B", "lstm_fcn", 3), ("C", "lstm_fcn", 3)]


def test_each_training_is_followed_by_its_iterations():
    every = list(grid_of(PARAMS).all_trained())
    assert len(every) == 3 * 3 * 2 * 3
    assert [one.number for one in every] == [0, 1, 2] * 18


def test_a_dataset_that_was_left_out_is_not_in_the_grid():
    assert {one.dataset for one in grid_of(PARAMS, [("B", 0)]).all_trained()} == {"B"}


def test_each_resample_is_trained_and_searched_for_itself():
    params = PARAMS.model_copy(update={"resamples": 2})
    found = [(one.dataset, one.resample, one.classifier, one.seed) for _, one in grid_of(params).trainings()]
    assert found == list(product("ABC", [0, 1], ["fcn", "lstm_fcn", "resnet"], [3, 1]))
    searches = [(one.dataset, one.resample) for _, one in grid_of(params).searches()]
    assert searches == list(product("ABC", [0, 1]))
