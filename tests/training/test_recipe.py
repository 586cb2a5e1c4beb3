"""The recipe: the paper's Algorithm 1, what it refuses, and that it costs no import of a framework."""

import subprocess
import sys

import pytest

from lstmfcn.training.recipe import FineTuning, TrainingRecipe, fine_tuning_recipe


def test_fine_tuning_iterations_follow_algorithm_1():
    recipe = TrainingRecipe(epochs=1, batch_size=128)
    steps = [recipe.iteration(i) for i in range(1, 6)]
    assert [s.initial_rate for s in steps] == [1e-3, 5e-4, 2.5e-4, 1.25e-4, 1e-4]
    assert [s.batch_size for s in steps] == [128, 128, 64, 64, 32]


def test_fine_tuning_trains_as_phase_1_but_for_its_own_values():
    phase1 = TrainingRecipe(epochs=7, batch_size=8, schedule="cosine", compute="bfloat16")
    recipe = fine_tuning_recipe(phase1, FineTuning(epochs=5, initial_rate=2e-3, batch_size=16))
    own = {"epochs": 5, "initial_rate": 2e-3, "batch_size": 16}
    assert recipe.model_dump() == phase1.model_dump() | own


def test_fine_tuning_that_begins_below_phase_1s_lowest_rate_does_not_rise_to_it():
    recipe = fine_tuning_recipe(TrainingRecipe(), FineTuning(initial_rate=5e-5))
    assert [recipe.iteration(i).initial_rate for i in (1, 2)] == [5e-5, 5e-5]
    assert recipe.iteration(1).final_rate == 5e-5


@pytest.mark.parametrize(
    "given",
    [
        {"epochs": True},
        {"epochs": 3.0},
        {"epochs": "300"},
        {"epochs": 0},
        {"recompute_statistics": 1},
        {"initial_rate": float("nan")},
        {"initial_rate": True},
        {"fitted_loss": float("inf")},
        {"initial_rate": 1e-5, "final_rate": 1e-4},
        {"epoch": 3},
    ],
)
def test_what_is_no_recipe_is_refused(given):
    with pytest.raises(ValueError, match="validation error"):
        TrainingRecipe(**given)


def test_a_rate_may_be_given_as_a_whole_number():
    assert TrainingRecipe(initial_rate=1).initial_rate == 1.0


def test_the_recipe_costs_no_import_of_a_framework():
    heavy = ["keras", "tensorflow", "numpy", "lstmfcn.config"]
    code = (
        f"import sys, lstmfcn.training.recipe; sys.exit(str([m for m in {heavy} if m in sys.modules] or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == ""
