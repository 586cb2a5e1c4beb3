"""Data at the limits, through the pipeline from end to end; LSTMFCN_LARGE=1 takes them further."""

import os

import numpy as np
import pandas as pd
import pytest

from conftest import make_workspace, run_stages
from lstmfcn.pipeline.table import STAGES

PARAMS = """
datasets: {names}
models: [lstm_fcn]
references: []
search: {{cells: [2], folds: 2, epochs: 1, batch_size: 32}}
train: {{epochs: 1, batch_size: 32, folds: 2}}
finetune: {{iterations: 1, epochs: 1, batch_size: 32}}
"""


def write(folder, name, train, test, length):
    """Write a dataset of random series, with these labels in its splits."""
    rng = np.random.default_rng(0)
    (folder / name).mkdir(parents=True)
    for split, labels in (("TRAIN", train), ("TEST", test)):
        X = rng.normal(size=(len(labels), length)).round(3)
        rows = ("\t".join([str(label), *map(str, x)]) + "\n" for label, x in zip(labels, X, strict=True))
        (folder / name / f"{name}_{split}.tsv").write_text("".join(rows))


LONG, MANY = (100_000, 1000) if "LSTMFCN_LARGE" in os.environ else (8_000, 200)
"""Values of the longest series, and the most classes."""

SOUND = {
    "OneStep": ([1, 2] * 4, [1, 2], 1),
    "TwoLongSeries": ([1, 2], [2, 1], LONG),
    # One of a single series, and one that no test series has.
    "ManyClasses": ([*range(MANY)] * 2 + [MANY], [*range(1, MANY + 1)], 12),
}


@pytest.mark.slow
def test_short_long_and_many_classes_go_through_every_stage(tmp_path):
    for name, (train, test, length) in SOUND.items():
        write(tmp_path / "ucr", name, train, test, length)
    workspace = make_workspace(tmp_path / "clone", PARAMS.format(names=list(SOUND)))
    run_stages(workspace, tmp_path / "ucr", *STAGES)
    results = pd.read_csv(workspace.results / "results.csv")
    assert {*zip(results["dataset"], results["phase"], strict=True)} == {
        (name, phase) for name in SOUND for phase in ("phase1", "finetuned")
    }
    assert results["accuracy"].between(0, 1).all()
    assert np.isfinite(results["log_loss"]).all()
    page = (workspace.root / "reports/index.html").read_text()
    assert all(name in page for name in SOUND)
