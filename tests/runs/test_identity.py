"""A run's folder, name and order: no two runs share one, and what is written is what is read."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmfcn.runs.identity import Identity
from lstmfcn.workspace import Workspace

WORDS = st.text("abcXYZ019_-", min_size=1, max_size=12)
IDENTITIES = st.builds(
    lambda one, step, number, tested: (
        one.trial(number + 1)
        if step == "search"
        else one.iteration(number).test()
        if tested
        else one.iteration(number)
    ),
    st.builds(
        Identity,
        dataset=WORDS,
        classifier=WORDS,
        seed=st.integers(0, 99),
        resample=st.integers(0, 30),
    ),
    st.sampled_from(["search", "trained"]),
    st.integers(0, 9),
    st.booleans(),
)


@given(IDENTITIES)
def test_an_identity_is_what_its_json_says(identity):
    assert Identity(**identity.as_json()) == identity


@given(IDENTITIES, IDENTITIES)
def test_two_runs_have_two_folders(tmp_path_factory, one, other):
    workspace = Workspace(tmp_path_factory.getbasetemp())
    same = one.folder(workspace) == other.folder(workspace)
    # The seeds share a search: its trials have no seed of their own.
    shared = one.step == other.step == "search"
    assert same == (one == other or (shared and one.trial(1).subject == other.trial(1).subject)) or (
        shared and one.number != other.number
    )


def test_the_steps_follow_each_other():
    one = Identity(dataset="D", classifier="fcn", seed=0)
    steps = [one.trial(8), one.trial(128), one, one.test(), one.iteration(1), one.iteration(2)]
    shuffled = steps[::2] + steps[1::2]
    assert sorted(shuffled, key=lambda step: step.order) == steps
    assert [step.title for step in steps] == [
        "search, 8 cells",
        "search, 128 cells",
        "phase 1",
        "phase 1",
        "fine-tuned 1",
        "fine-tuned 2",
    ]
    assert one.iteration(3).iteration(0) == one
    assert one.test().trained == one


@pytest.mark.parametrize("tested", [False, True])
def test_a_folder_is_where_the_stage_of_the_run_writes(tested):
    from lstmfcn.pipeline.table import PLACES, STAGES

    one = Identity(dataset="D", classifier="fcn", seed=3, resample=2)
    for step in [one, one.iteration(1)] + ([] if tested else [one.trial(8)]):
        run = step.test() if tested else step
        written = STAGES[run.stage].writes
        assert any(run.folder(PLACES).is_relative_to(place) for place in written), run


def test_the_default_studys_folders_are_those_that_people_know():
    """Whoever has scripts over these folders keeps them."""
    one = Identity(dataset="GunPoint", classifier="lstm_fcn", seed=0)
    here = Workspace(Path())
    places = [run.folder(here).as_posix() for run in (one, one.iteration(1), one.test())]
    assert places == [
        "models/phase1/GunPoint/lstm_fcn/seed-0",
        "models/finetuned/GunPoint/lstm_fcn/seed-0/iteration-1",
        "results/predictions/GunPoint/lstm_fcn/seed-0/phase1",
    ]


def test_names_tell_runs_apart():
    runs = []
    for dataset, classifier, seed, resample in product(["A", "B"], ["fcn", "resnet"], [0, 1], [0, 1]):
        one = Identity(dataset=dataset, classifier=classifier, seed=seed, resample=resample)
        runs += [one, one.test(), one.iteration(1), one.iteration(1).test()]
    assert len({run.name for run in runs}) == len(runs) == len({run.file_name for run in runs})
