"""Datasets with gaps and of unequal lengths, through all stages to a champion that predicts such series."""

import csv

import numpy as np
import pytest

from conftest import bumps, make_workspace, run_stages
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.series import Split
from lstmfcn.errors import DataError
from lstmfcn.files import read_json
from lstmfcn.pipeline.table import STAGES
from lstmfcn.report.explanation_page import explain_file
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.explained import registered_subject
from lstmfcn.tracking.prediction import predict_file

TEXT = """
datasets: [Gaps, Ragged, Refused]
models: [lstm_fcn]
references: []
search: {cells: [2], folds: 2, epochs: 1, batch_size: 8}
train: {epochs: 3, batch_size: 8, folds: 2}
finetune: {iterations: 0}
prepare:
  missing: mask
  datasets:
    Ragged: {lengths: pad, missing: refuse}
    Refused: {missing: refuse}
"""


def gaps(_split, lines):
    """Put a question mark in place of the sixth value of each second series."""
    rows = [line.split("\t") for line in lines]
    for row in rows[::2]:
        row[6] = "?"
    return ["\t".join(row) for row in rows]


def ragged(_split, lines):
    """End each second series two steps early."""
    rows = [line.split("\t") for line in lines]
    for row in rows[::2]:
        row[-2:] = ["NaN", "NaN"]
    return ["\t".join(row) for row in rows]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("policies")
    for name, change in (("Gaps", gaps), ("Ragged", ragged), ("Refused", gaps)):
        bumps(root / "ucr", name, change=change)
    workspace = make_workspace(root / "clone", TEXT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lstmfcn.pipeline.stages.validate.run", _keep_going())
        run_stages(workspace, root / "ucr", *STAGES)
    return workspace, root / "ucr"


def _keep_going():
    from functools import partial

    from lstmfcn.pipeline.stages import validate

    return partial(validate.run, keep_going=True)


def test_each_dataset_has_its_own_policy_and_one_that_has_none_is_left_out(made):
    workspace, _ = made
    verdicts = {verdict["dataset"]: verdict for verdict in read_json(workspace.verdicts)}
    assert [verdicts[name]["outcome"] for name in ("Gaps", "Ragged", "Refused")] == [
        "passed",
        "passed",
        "failed",
    ]
    assert "set prepare.missing in params.yaml to" in verdicts["Refused"]["findings"][0]["message"]
    train = Split.load(workspace.train_splits / "Gaps.npz")
    assert train.X.shape == (24, 2, 20)
    assert train.X[:, 1].sum() == 12
    train = Split.load(workspace.train_splits / "Ragged.npz")
    assert np.isnan(train.X).sum() == 24
    described = Preprocessing.load(workspace.preprocessing("Ragged")).describe()
    assert described == {"normalise": "per_series", "n_channels": 1, "length": 20, "lengths": "pad"}


@pytest.mark.parametrize("name", ["Gaps", "Ragged"])
def test_a_file_is_predicted_as_the_test_split_was(made, tmp_path, name):
    """By a registered champion, from the raw file; and its networks are explained."""
    workspace, ucr = made
    file = ucr / name / f"{name}_TEST.tsv"
    predict_file(name, file, tmp_path / "p.csv", workspace=workspace.root)
    with (tmp_path / "p.csv").open() as opened:
        found = [[float(row[f"p:{c}"]) for c in "abc"] for row in csv.DictReader(opened)]
    (kept,) = sorted(workspace.predictions.rglob("predictions.csv"), key=str)[
        ["Gaps", "Ragged"].index(name) :
    ][:1]
    assert name in str(kept)
    with kept.open() as opened:
        evaluated = [[float(row[f"p:{c}"]) for c in "abc"] for row in csv.DictReader(opened)]
    np.testing.assert_allclose(found, evaluated, atol=1e-5)
    explain_file(registered_subject(name, workspace=workspace.root), file, tmp_path / "page")
    with np.load(tmp_path / "page" / "explanation.npz") as arrays:
        assert np.isfinite(arrays["maps"]).all()


def test_a_champion_takes_what_its_dataset_has(made):
    """In lists and in arrays; plain TensorFlow gives the same."""
    workspace, _ = made
    champion = load_champion("Ragged", workspace=workspace.root)
    series = [np.sin(np.arange(n)) for n in (20, 18, 3)]
    padded = np.full((3, 1, 20), np.nan)
    for place, one in zip(padded, series, strict=True):
        place[0, : len(one)] = one
    expected = champion.predict_proba(series)
    np.testing.assert_array_equal(champion.predict_proba(padded), expected)
    np.testing.assert_array_equal(champion.predict_proba(padded[:, 0]), expected)
    np.testing.assert_array_equal(champion._package.graph(padded), expected)
    with pytest.raises(DataError, match=r"Series 0 .* longer than the 20 values"):
        champion.predict_proba([np.zeros(21), np.zeros(20)])
    champion = load_champion("Gaps", workspace=workspace.root)
    gappy = np.where(np.arange(20) % 7 == 3, np.nan, padded[:1])
    np.testing.assert_array_equal(champion.predict_proba(gappy), champion._package.graph(gappy))
    assert np.isfinite(champion.predict_proba(gappy)).all()
