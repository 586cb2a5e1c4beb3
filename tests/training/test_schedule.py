"""The learning-rate schedules against their formulas."""

import numpy as np
import pytest

from lstmfcn.training import schedule as module
from lstmfcn.training.recipe import TrainingRecipe


def schedule_of(**recipe):
    return module.schedule_of(TrainingRecipe(**recipe))


def test_the_plateau_waits_then_multiplies_by_the_inverse_cube_root_of_two():
    schedule = schedule_of(schedule="plateau", initial_rate=1e-3, final_rate=7e-4, epochs=9, patience=2)
    rates = [schedule.step(i, loss) for i, loss in enumerate([None, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])]
    factor = 2 ** (-1 / 3)
    np.testing.assert_allclose(rates, [1e-3, 1e-3, 1e-3, 1e-3 * factor, 1e-3 * factor, 7e-4, 7e-4])


def rates(schedule, losses):
    """Return the rate of each epoch until the schedule ends, given the loss that each will have."""
    got, last = [], None
    for epoch in range(10_000):
        rate = schedule.step(epoch, last)
        if rate is None:
            return got
        got.append(rate)
        last = losses[epoch]
    raise AssertionError("The schedule does not end.")


def test_a_fitted_training_waits_for_its_loss_then_anneals_and_ends():
    """Half a cosine from the first epoch whose loss is under the mark, whatever follows."""
    schedule = schedule_of(schedule="fitted", initial_rate=2e-3, epochs=100, fitted_loss=0.1, anneal_epochs=5)
    losses = [1.0, 0.5, 0.2, 0.09, 0.3, 0.05, 0.05, 0.05, 0.05, 0.05]
    half_cosine = [1e-4 + 1.9e-3 * (1 + np.cos(np.pi * i / 4)) / 2 for i in range(5)]
    np.testing.assert_allclose(rates(schedule, losses), [2e-3] * 4 + half_cosine)


def test_a_training_that_never_fits_anneals_at_its_end():
    schedule = schedule_of(schedule="fitted", initial_rate=2e-3, epochs=8, fitted_loss=0.1, anneal_epochs=3)
    np.testing.assert_allclose(rates(schedule, [1.0] * 8), [2e-3] * 5 + [2e-3, 1.05e-3, 1e-4])


@pytest.mark.parametrize("name", ["cosine", "plateau", "constant"])
def test_the_other_schedules_run_all_their_epochs(name):
    assert len(rates(schedule_of(schedule=name, epochs=7), [0.0] * 7)) == 7
