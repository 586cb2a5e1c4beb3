"""How much work there is: by hand."""

import pytest

from conftest import make_workspace
from lstmfcn import config
from lstmfcn.files import write_json
from lstmfcn.pipeline import amount
from lstmfcn.pipeline.progress import duration

TEXT = """
datasets: [A, B]
models: [lstm_fcn, fcn]
seeds: [0, 1]
resamples: 3
"""


def test_seconds_go_with_the_size_and_the_workers(monkeypatch):
    """Three units took 6 s, so 10 take 20 s: 5 s on four workers. Who does not know counts for nothing."""
    monkeypatch.setattr(amount, "at_once", lambda: 4)
    done = [(1.0, {"seconds": 4.0}), (2.0, {"seconds": 2.0}), (50.0, {})]
    assert amount.seconds_for(10.0, done) == pytest.approx(5.0)
    assert amount.seconds_for(10.0, [(50.0, {})]) is None
    monkeypatch.setattr(amount, "at_once", lambda: None)  # as of a cluster that has no nodes yet
    assert amount.seconds_for(10.0, done) is None


def test_the_outlook_counts_all_jobs_and_says_how_long(tmp_path):
    """6 splits, one network of two with cells, a reference beside them, two seeds, two iterations."""
    workspace = make_workspace(tmp_path / "study", TEXT)
    params = config.load(workspace.params)
    told = (
        "2 datasets x 3 resamples x 3 classifiers x 2 seeds: jobs: 6 of search, 36 of train, 48 of finetune, "
    )
    assert amount.outlook(workspace, params, 2) == f"{told}36 of evaluate"
    for stage, seconds in {"search": 600.0, "train": 100.0, "finetune": 50.0, "evaluate": 10.0}.items():
        write_json(workspace.facts_of(stage), {"one": {"seconds": seconds}, "other": {"seconds": seconds}})
    hours = (6 * 600 + 36 * 100 + 48 * 50 + 36 * 10) / 2 / 3600
    assert f"36 of evaluate; all together about {60 * hours:.0f} min, 2 at once" in amount.outlook(
        workspace, params, 2
    )
    assert amount.outlook(workspace, params, None) == f"{told}36 of evaluate"


@pytest.mark.parametrize(
    ("seconds", "text"), [(89, "89 s"), (91, "2 min"), (5399, "90 min"), (5400, "1.5 h")]
)
def test_a_duration_is_in_a_unit_that_people_read(seconds, text):
    assert duration(seconds) == text
